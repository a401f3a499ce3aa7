package compat

import (
	"fmt"
	"iter"
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
		f := source(old, now, g)
		if f == nil {
			added = append(added, g)
			continue
		}
		kept[f] = true
		at := p.member(g.Name, c.code(f, g))
		if f.Name != g.Name && lock.Field(old, g.Name) != nil {
			c.reused(at, g)
		}
		if other := lock.Exchanged(old, now, f, g); other != nil && !c.rolling {
			c.add(at, FieldExchanged, f.Go, g.Go, fmt.Sprintf("tag %s json:%q again", g.Go, other.Name))
		}
		c.field(at, old, f, g)
		c.ambiguous(at, old, now, f, g)
	}
	var removed []*shape.Field
	for _, f := range old.Fields {
		if !kept[f] {
			removed = append(removed, f)
		}
	}
	added, removed = c.renamed(p, added, removed)
	for _, g := range added {
		c.fresh = append(c.fresh, located{p.member(g.Name, c.code(nil, g)), g, old})
	}
	for _, f := range removed {
		c.gone = append(c.gone, located{p.member(f.Name, c.code(f, nil)), f, old})
	}
}

// located is a field that only one of two shapes has.
type located struct {
	place
	*shape.Field
	old *shape.Type // the writer's object that has it, or lacks it
}

// settle judges the fields that have no counterpart, once all of them are known.
func (c *comparison) settle() {
	c.moved()
	for _, g := range c.fresh {
		c.added(g.place, g.old, g.Field)
	}
	for _, f := range c.gone {
		c.add(f.place, FieldRemoved, Describe(f.Type), "", "")
	}
}

// code returns which of a writer's and a reader's field is the code's.
func (c *comparison) code(writer, reader *shape.Field) *shape.Field {
	if c.rolling {
		return writer
	}
	return reader
}

// source returns the field whose stored values g is to read: that of its name, unless another field says that it was that, or one of a name that
// it had before. It is nil if there is none.
func source(old, now *shape.Type, g *shape.Field) *shape.Field {
	if f := lock.Field(old, g.Name); f != nil && !Claimed(old, now, g) {
		return f
	}
	for _, was := range g.Was {
		if f := lock.Field(old, was); f != nil {
			return f
		}
	}
	return nil
}

// Claimed reports whether another field, which the old shape doesn't have, says that it was what g is called now.
func Claimed(old, now *shape.Type, g *shape.Field) bool {
	return slices.ContainsFunc(now.Fields, func(f *shape.Field) bool {
		return f.Name != g.Name && slices.Contains(f.Was, g.Name) && lock.Field(old, f.Name) == nil
	})
}

// reused reports that a field has got a name under which something else is stored.
func (c *comparison) reused(p place, g *shape.Field) {
	if !c.rolling {
		c.add(p, FieldNameReused, "", Describe(g.Type), "call it otherwise in its json tag")
	}
}

// ambiguous reports former names of g under which stored objects may have something beside f, whose values g reads.
func (c *comparison) ambiguous(p place, old, now *shape.Type, f, g *shape.Field) {
	for _, was := range g.Was {
		stored := was != f.Name && lock.Field(old, was) != nil || reserves(old, was) && !slices.Contains(f.Was, was)
		if stored && lock.Field(now, was) == nil && !c.rolling {
			c.add(p, FieldAmbiguous, was, "", fmt.Sprintf("remove was=%s from the tag of %s", was, g.Go))
		}
	}
}

// reserves reports whether stored objects may have a field of a name that is none of the shape's.
func reserves(old *shape.Type, name string) bool {
	return slices.ContainsFunc(old.Reserved, func(f *shape.Field) bool { return f.Name == name || slices.Contains(f.Was, name) })
}

// field compares a field with the one whose values it reads.
func (c *comparison) field(p place, old *shape.Type, f, g *shape.Field) {
	if f.Name != g.Name {
		c.add(p, FieldRenamed, f.Name, g.Name, "")
	}
	for _, was := range f.Was {
		if was != g.Name && !slices.Contains(g.Was, was) && lock.Field(old, was) == nil && !c.rolling {
			c.add(p, FieldWasDropped, was, "", fmt.Sprintf("tag %s esgen:%q", g.Go, "was="+strings.Join(append(slices.Clone(g.Was), was), ",")))
		}
	}
	c.absence(p, f, g)
	c.values(p, f, g)
}

// values compares the values of two fields, if they are there.
func (c *comparison) values(p place, f, g *shape.Field) {
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
			c.add(p, AbsenceChanged, "zero", "another zero", "keep what is within "+g.Go+" as it is")
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
// a value has become no pointer, and a pointer no value. A UUID's is written as text of zeros, which no string has for its own.
func zeroAlike(old, now *shape.Type, seen map[*shape.Type]bool) bool {
	if old.Kind != now.Kind {
		return old.Kind != shape.Pointer && now.Kind != shape.Pointer && old.Kind != shape.UUID
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
			if f := source(old, now, g); f != nil && (f.Behind != g.Behind || !zeroAlike(f.Type, g.Type, seen)) {
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
	taken := lock.Field(old, g.Name) != nil || reserves(old, g.Name) ||
		slices.ContainsFunc(old.Fields, func(f *shape.Field) bool { return slices.Contains(f.Was, g.Name) })
	if taken {
		c.reused(p, g)
	}
	if g.Required() {
		c.add(p, FieldAddedRequired, "", Describe(g.Type), optional(g))
	} else if !taken || c.rolling {
		c.add(p, FieldAdded, "", Describe(g.Type), "")
	}
	for _, f := range old.Reserved { // which it brings back under another name
		if slices.Contains(g.Was, f.Name) && !c.rolling {
			c.values(p, f, g)
		}
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
		if c.rolling { // the writer, which is the newer code, may say so
			if j := slices.IndexFunc(removed, func(f *shape.Field) bool { return slices.Contains(f.Was, g.Name) }); j >= 0 {
				i = j
			}
		}
		if i < 0 {
			restAdded = append(restAdded, g)
			continue
		}
		f := removed[i]
		removed = slices.Delete(slices.Clone(removed), i, i+1)
		at := p.member(g.Name, c.code(f, g))
		c.add(at, FieldRenamedSilently, f.Name, g.Name,
			fmt.Sprintf("tag %s esgen:%q; or, if it is another field, %s", g.Go, "was="+f.Name, another(f, g)))
		c.field(at, &shape.Type{}, f, &shape.Field{
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
// field, one whose name has another case or other separators, the only one of its type, or the only one at all; -1 for none. A default says
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
	if len(added) == 1 && len(removed) == 1 && kindred(removed[0].Type, g.Type, map[*shape.Type]bool{}) {
		return 0
	}
	return -1
}

// kindred reports whether the values of one type may be those of another in a form of their own, such as a number that has become
// wider, a string that has become a pointer, or one value that has become a list.
func kindred(old, now *shape.Type, seen map[*shape.Type]bool) bool {
	old, now = deref(old), deref(now)
	if seen[now] {
		return true
	}
	seen[now] = true
	whole := func(t *shape.Type) bool { return t.Kind == shape.Int || t.Kind == shape.Uint }
	switch {
	case whole(old) && whole(now):
		return true
	case now.Kind == shape.Slice && old.Kind != shape.Slice:
		return kindred(old, now.Elem, seen)
	case old.Kind != now.Kind:
		return false
	}
	switch now.Kind {
	case shape.Struct:
		return slices.ContainsFunc(now.Fields, func(g *shape.Field) bool { return lock.Field(old, g.Name) != nil })
	case shape.Slice, shape.Array, shape.Map:
		return kindred(old.Elem, now.Elem, seen)
	}
	return lock.SameCodec(old, now)
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

// moved finds fields that are gone and stand in another object, or that stood in one which is gone: what is
// stored would be skipped. It leaves the others.
func (c *comparison) moved() {
	takenFresh, takenGone := map[*shape.Field]bool{}, map[*shape.Field]bool{}
	for _, f := range c.gone {
		for _, g := range c.fresh {
			from, to := counterpart(f, g)
			if from == "" {
				continue
			}
			at := g.place
			if c.rolling {
				at.field = f.field
			}
			c.add(at, FieldMoved, from, to, fmt.Sprintf("if it is another field, remove %s first and add %s once that is released", from, to))
			takenFresh[g.Field], takenGone[f.Field] = true, true
			break
		}
	}
	c.fresh = slices.DeleteFunc(c.fresh, func(g located) bool { return takenFresh[g.Field] })
	c.gone = slices.DeleteFunc(c.gone, func(f located) bool { return takenGone[f.Field] })
}

// counterpart returns the paths of a field that is f or within it, and of one that is g or within it, which are alike: they have
// one name and one kind of value. Without any, they are empty.
func counterpart(f, g located) (from, to string) {
	for path, old := range f.all() {
		for at, now := range g.all() {
			if old.Name == now.Name && deref(old.Type).Kind == deref(now.Type).Kind && path != at {
				return path, at
			}
		}
	}
	return "", ""
}

// all returns the field and all within it, by their paths.
func (l located) all() iter.Seq2[string, *shape.Field] {
	return func(yield func(string, *shape.Field) bool) {
		seen := map[*shape.Type]bool{}
		var walk func(path string, f *shape.Field) bool
		var within func(path string, t *shape.Type) bool
		walk = func(path string, f *shape.Field) bool { return yield(path, f) && within(path, f.Type) }
		within = func(path string, t *shape.Type) bool {
			if seen[t] {
				return true
			}
			seen[t] = true
			switch t.Kind {
			case shape.Pointer:
				return within(path, t.Elem)
			case shape.Slice, shape.Array:
				return within(path+"[]", t.Elem)
			case shape.Map:
				return within(path+"{}", t.Elem)
			case shape.Struct:
				return !slices.ContainsFunc(t.Fields, func(f *shape.Field) bool { return !walk(path+"."+f.Name, f) })
			}
			return true
		}
		walk(l.path, l.Field)
	}
}
