package compat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// fields compares the members of two objects.
func (c *comparison) fields(p place, old, now *shape.Type) {
	var added []*shape.Field
	kept := map[*shape.Field]bool{}
	for _, g := range now.Fields {
		f := source(old, g)
		if f == nil {
			added = append(added, g)
			continue
		}
		kept[f] = true
		at := p.member(g.Name, c.code(f, g))
		if other := lock.Exchanged(old, now, f, g); other != nil && !c.rolling {
			c.add(at, FieldExchanged, f.Go, g.Go, fmt.Sprintf("tag %s json:%q again", g.Go, other.Name))
		}
		c.field(at, f, g)
	}
	var removed []*shape.Field
	for _, f := range old.Fields {
		if !kept[f] {
			removed = append(removed, f)
		}
	}
	added, removed = c.renamed(p, added, removed)
	added, removed = c.moved(p, added, removed)
	for _, g := range added {
		c.added(p.member(g.Name, c.code(nil, g)), old, g)
	}
	for _, f := range removed {
		c.add(p.member(f.Name, c.code(f, nil)), FieldRemoved, Describe(f.Type), "", "")
	}
}

// code returns which of a writer's and a reader's field is the code's.
func (c *comparison) code(writer, reader *shape.Field) *shape.Field {
	if c.rolling {
		return writer
	}
	return reader
}

// source returns the field whose stored values g reads: that of its name, or of one that it had before.
func source(old *shape.Type, g *shape.Field) *shape.Field {
	if f := lock.Field(old, g.Name); f != nil {
		return f
	}
	for _, was := range g.Was {
		if f := lock.Field(old, was); f != nil {
			return f
		}
	}
	return nil
}

// field compares a field with the one whose values it reads.
func (c *comparison) field(p place, f, g *shape.Field) {
	if f.Name != g.Name {
		c.add(p, FieldRenamed, f.Name, g.Name, "")
	}
	for _, was := range f.Was {
		if was != g.Name && !slices.Contains(g.Was, was) && !c.rolling {
			c.add(p, FieldWasDropped, was, "", fmt.Sprintf("tag %s esgen:%q", g.Go, "was="+strings.Join(append(slices.Clone(g.Was), was), ",")))
		}
	}
	c.absence(p, f, g)
	if NullMoves(f.Type, g.Type) {
		c.add(p, TypeChanged, Describe(f.Type), Describe(g.Type), "")
		return
	}
	old, now := f.Type, g.Type
	if old.Kind == shape.Pointer != (now.Kind == shape.Pointer) {
		old, now = deref(old), deref(now) // who may be nil is a matter of absence
	}
	if f.Quoted != g.Quoted {
		c.add(p, TypeChanged, quoted(f), quoted(g), "")
		return
	}
	c.types(p, old, now)
}

func deref(t *shape.Type) *shape.Type {
	if t.Kind == shape.Pointer {
		return t.Elem
	}
	return t
}

func quoted(f *shape.Field) string {
	if f.Quoted {
		return Describe(f.Type) + ",string"
	}
	return Describe(f.Type)
}

// absence compares what it means that a stored object has no such field.
func (c *comparison) absence(p place, f, g *shape.Field) {
	before, after := c.absent(f, true), c.absent(g, false)
	switch {
	case before == after:
		if before != never && !zeroAlike(f.Type, g.Type, map[*shape.Type]bool{}) {
			c.add(p, AbsenceChanged, "0", "nil", "keep what is within "+g.Go+" as it is")
		}
	case before == never:
		c.add(p, FieldOptional, "", "", "")
	case after == never:
		c.add(p, FieldRequired, "", "", "keep it "+optionally(f))
	case f.Default != nil || g.Default != nil:
		remedy := fmt.Sprintf("remove the default of %s", g.Go)
		if f.Default != nil {
			remedy = fmt.Sprintf("tag %s esgen:%q", g.Go, "default="+*f.Default)
		}
		c.add(p, DefaultChanged, string(before), string(after), remedy)
	default:
		c.add(p, AbsenceChanged, string(before), string(after), "keep it "+optionally(f))
	}
}

// zeroAlike reports whether the zero values of two types say the same: within objects and arrays,
// a value has become no pointer, and a pointer no value.
func zeroAlike(old, now *shape.Type, seen map[*shape.Type]bool) bool {
	if old.Kind != now.Kind {
		return old.Kind != shape.Pointer && now.Kind != shape.Pointer
	}
	if seen[now] {
		return true
	}
	seen[now] = true
	switch now.Kind {
	case shape.Array:
		return zeroAlike(old.Elem, now.Elem, seen)
	case shape.Struct:
		for _, g := range now.Fields {
			if f := source(old, g); f != nil && (f.Behind != g.Behind || !zeroAlike(f.Type, g.Type, seen)) {
				return false
			}
		}
	}
	return true
}

// meaning is what a field is read as that is not there.
type meaning string

// never: the field is required.
const never meaning = "required"

func (c *comparison) absent(f *shape.Field, writes bool) meaning {
	switch {
	case f.Required():
		return never
	case c.rolling && writes && f.Default != nil && !f.OmitEmpty && !f.OmitZero && !f.Behind:
		return never // it is always written
	case f.Default != nil:
		return meaning(canonical(f.Type, *f.Default))
	case f.Behind:
		return "nil of an embedded struct"
	case f.Type.Kind == shape.Pointer:
		return "nil"
	}
	switch f.Type.Kind {
	case shape.Bool:
		return "false"
	case shape.Int, shape.Uint, shape.Float:
		return "0"
	case shape.String:
		return `""`
	}
	return "zero"
}

// canonical spells a default in one way.
func canonical(t *shape.Type, value string) string {
	switch t.Kind {
	case shape.String:
		return strconv.Quote(value)
	case shape.Int, shape.Uint, shape.Float:
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			return strconv.FormatFloat(n+0, 'f', -1, 64)
		}
	}
	return value
}

// optionally says in what way a field is optional.
func optionally(f *shape.Field) string {
	switch {
	case f.Default != nil:
		return fmt.Sprintf("optional with esgen:%q", "default="+*f.Default)
	case f.Behind:
		return "in the struct that is embedded by pointer"
	case f.Type.Kind == shape.Pointer:
		return "a pointer"
	case f.OmitZero:
		return "omitzero"
	}
	return "omitempty"
}

// added judges a field that has no counterpart.
func (c *comparison) added(p place, old *shape.Type, g *shape.Field) {
	reserved := slices.ContainsFunc(old.Reserved, func(f *shape.Field) bool { return f.Name == g.Name })
	switch {
	case reserved && !c.rolling:
		c.add(p, FieldNameReused, "", Describe(g.Type), fmt.Sprintf("call it otherwise in its json tag: stored events may still have a %s that was removed", g.Name))
	case !g.Required():
		c.add(p, FieldAdded, "", Describe(g.Type), "")
	default:
		c.add(p, FieldAddedRequired, "", Describe(g.Type), optional(g))
	}
}

// optional says how a field that is required can be made optional.
func optional(g *shape.Field) string {
	if defaultable(g.Type) {
		return fmt.Sprintf("tag %s esgen:%q, or json:%q", g.Go, "default=…", g.Name+",omitempty")
	}
	return fmt.Sprintf("tag %s json:%q", g.Go, g.Name+",omitzero")
}

// renamed finds fields that are gone and stand there under another name, without a word of it:
// what is stored would be skipped. It returns the others.
func (c *comparison) renamed(p place, added, removed []*shape.Field) (restAdded, restRemoved []*shape.Field) {
	for _, g := range added {
		i := Predecessor(g, added, removed)
		if i < 0 {
			restAdded = append(restAdded, g)
			continue
		}
		f := removed[i]
		removed = slices.Delete(slices.Clone(removed), i, i+1)
		at := p.member(g.Name, c.code(f, g))
		c.add(at, FieldRenamedSilently, f.Name, g.Name,
			fmt.Sprintf("tag %s esgen:%q; or, if it is another field, %s", g.Go, "was="+f.Name, another(f, g)))
		c.field(at, f, &shape.Field{
			Name: f.Name, Was: append(slices.Clone(g.Was), f.Was...), // one finding for the name is enough
			Go: g.Go, Type: g.Type, Pos: g.Pos, OmitEmpty: g.OmitEmpty, OmitZero: g.OmitZero, Quoted: g.Quoted, Behind: g.Behind, Default: g.Default,
		})
	}
	return restAdded, removed
}

// another says how to tell that a field is not the one that has gone.
func another(f, g *shape.Field) string {
	if g.Go == f.Go || strings.EqualFold(g.Name, f.Name) || !defaultable(g.Type) {
		return fmt.Sprintf("remove %s first and add %s once that is released", f.Name, g.Go)
	}
	return fmt.Sprintf("tag it esgen:%q", "default=…")
}

// defaultable reports whether fields of a type can have a default.
func defaultable(t *shape.Type) bool {
	switch t.Kind {
	case shape.Bool, shape.Int, shape.Uint, shape.Float, shape.String:
		return true
	}
	return false
}

// Predecessor returns which of the fields that are gone is likely to be g under its old name: the same Go
// field, one whose name has another case or other separators, or the only one of its type; -1 for none. A default says
// that g is another field, unless only what it is called in JSON, or in Go, has changed.
func Predecessor(g *shape.Field, added, removed []*shape.Field) int {
	for _, alike := range []func(f *shape.Field) bool{
		func(f *shape.Field) bool { return f.Go == g.Go && len(f.Steps) == len(g.Steps) },
		func(f *shape.Field) bool { return letters(f.Name) == letters(g.Name) },
	} {
		if i := slices.IndexFunc(removed, alike); i >= 0 && (g.Default == nil || g.Go == removed[i].Go || strings.EqualFold(g.Name, removed[i].Name)) {
			return i
		}
	}
	if g.Default != nil {
		return -1
	}
	sameType := func(f *shape.Field) bool { return lock.Same(f.Type, g.Type) }
	if count(added, sameType) == 1 && count(removed, sameType) == 1 {
		return slices.IndexFunc(removed, sameType)
	}
	return -1
}

func count(fields []*shape.Field, is func(*shape.Field) bool) int {
	n := 0
	for _, f := range fields {
		if is(f) {
			n++
		}
	}
	return n
}

// letters leaves out what spellings of one name differ in.
func letters(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(name))
}

// moved finds fields that are gone and stand within an object that is new, or that stood in an object
// which is gone: what is stored would be skipped. It returns the others.
func (c *comparison) moved(p place, added, removed []*shape.Field) (restAdded, restRemoved []*shape.Field) {
	takenAdded, takenRemoved := map[*shape.Field]bool{}, map[*shape.Field]bool{}
	for _, f := range removed {
		for _, g := range added {
			switch {
			case Inner(g.Type, f) != nil:
				c.add(p.member(g.Name, c.code(f, g)), FieldMoved, p.member(f.Name, nil).path, p.member(g.Name+"."+f.Name, nil).path, "")
			case Inner(f.Type, g) != nil:
				c.add(p.member(g.Name, c.code(f, g)), FieldMoved, p.member(f.Name+"."+g.Name, nil).path, p.member(g.Name, nil).path, "")
			default:
				continue
			}
			takenAdded[g], takenRemoved[f] = true, true
		}
	}
	return slices.DeleteFunc(slices.Clone(added), func(g *shape.Field) bool { return takenAdded[g] }),
		slices.DeleteFunc(slices.Clone(removed), func(f *shape.Field) bool { return takenRemoved[f] })
}

// Inner returns the field of an object, if t is one, that is like f.
func Inner(t *shape.Type, f *shape.Field) *shape.Field {
	t = deref(t)
	if t.Kind != shape.Struct {
		return nil
	}
	g := lock.Field(t, f.Name)
	if g == nil || deref(g.Type).Kind != deref(f.Type).Kind {
		return nil
	}
	return g
}
