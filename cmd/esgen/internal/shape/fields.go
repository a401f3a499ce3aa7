package shape

import (
	"cmp"
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// stateFields lists all fields of a struct by their Go names.
func (b *builder) stateFields(s *Type, st *types.Struct, path string) {
	for i := range st.NumFields() {
		f := st.Field(i)
		if f.Name() == "_" {
			continue
		}
		if f.Embedded() && isRoot(f.Type()) {
			if !b.isRoot(s.Go) {
				b.innerRoot(path)
			}
			continue
		}
		restore := b.at(f)
		tag, tagged := reflect.StructTag(st.Tag(i)).Lookup("esgen")
		at := path + "." + f.Name()
		b.checkTag(f, st.Tag(i), at)
		switch {
		case tag == "-":
		case tagged && strings.HasPrefix(tag, "default="):
			b.problem(at, "a state's field has no default, snapshots are complete", `remove the esgen tag`)
		case tagged:
			b.problem(at, fmt.Sprintf("esgen:%q is not known here", tag), `the only one on a state's field is esgen:"-"`)
		case !f.Exported() && f.Pkg() != b.user:
			b.problem(at, fmt.Sprintf("%s has unexported fields, which can't be reached from here", name(s.Go)),
				`tag the field that leads there esgen:"-", or give the type MarshalJSON and UnmarshalJSON`)
		default:
			s.Fields = append(s.Fields, &Field{Name: f.Name(), Go: f.Name(), Type: b.build(f.Type(), at), Pos: f.Pos()})
		}
		restore()
	}
}

func (b *builder) innerRoot(path string) {
	b.problem(path, "an aggregate within a state would lose its id and version in a snapshot", `keep its id instead, or tag the field esgen:"-"`)
}

// embedsRoot reports whether t is an aggregate.
func embedsRoot(t types.Type) bool {
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range st.Fields() {
		if f.Embedded() && isRoot(f.Type()) {
			return true
		}
	}
	return false
}

func isRoot(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == rootPath && n.Obj().Name() == "Root"
}

// at moves the position of problems to f, if f is the user's own.
func (b *builder) at(f *types.Var) (restore func()) {
	before := b.pos
	if f.Pkg() == b.user {
		b.pos = f.Pos()
	}
	return func() { b.pos = before }
}

// candidate is a field that may or may not make it into the object.
type candidate struct {
	Field
	v      *types.Var
	tag    string // the whole struct tag
	typ    types.Type
	index  []int
	tagged bool
}

// level is an embedded struct whose fields are to be listed.
type level struct {
	st    *types.Struct
	key   types.Type
	index []int
	steps []Step
}

// eventFields lists the fields as encoding/json does: breadth first over
// embedded structs, of equal names the shallowest wins, then the tagged one.
func (b *builder) eventFields(s *Type, path string) {
	var found []candidate
	seen := map[string]bool{} // types already visited
	st := s.Go.Underlying().(*types.Struct)
	next := []level{{st: st, key: s.Go}}
	var count, nextCount map[string]int // how often a type is embedded at a level
	for len(next) > 0 {
		current := next
		next = nil
		count, nextCount = nextCount, map[string]int{}
		for _, l := range current {
			id := name(l.key)
			if seen[id] {
				continue
			}
			seen[id] = true
			for i := range l.st.NumFields() {
				c, embedded, ok := b.candidate(l, i, path)
				if !ok {
					continue
				}
				if embedded != nil {
					id := name(embedded.key)
					nextCount[id]++
					if nextCount[id] == 1 {
						next = append(next, *embedded)
					}
					continue
				}
				found = append(found, c)
				if count[id] > 1 {
					found = append(found, c) // so that it is seen to be ambiguous
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		if c := cmp.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if c := cmp.Compare(len(a.index), len(b.index)); c != 0 {
			return c
		}
		if a.tagged != b.tagged {
			if a.tagged {
				return -1
			}
			return 1
		}
		return slices.Compare(a.index, b.index)
	})
	var kept []candidate
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].Name == found[0].Name {
			n++
		}
		if n > 1 && len(found[0].index) == len(found[1].index) && found[0].tagged == found[1].tagged {
			restore := b.at(found[1].v)
			b.problem(path+"."+found[0].Name, "several fields have this name, and encoding/json would drop them all", "give them different names in their json tags")
			restore()
		} else {
			kept = append(kept, found[0])
		}
		found = found[n:]
	}
	slices.SortFunc(kept, func(a, b candidate) int { return slices.Compare(a.index, b.index) })
	claimed := map[string]*Field{}
	for i := range kept {
		f := b.field(&kept[i], path)
		s.Fields = append(s.Fields, f)
		for _, was := range f.Was {
			if other := claimed[was]; other != nil {
				restore := b.at(kept[i].v)
				b.problem(path+"."+f.Name, fmt.Sprintf("%s was %s too, and a stored value has one field to go to", other.Name, was), "remove one of the two was="+was)
				restore()
			}
			claimed[was] = f
		}
	}
}

// candidate looks at one field of a struct: it is left out, embedded, or a candidate.
func (b *builder) candidate(l level, i int, path string) (c candidate, embedded *level, ok bool) {
	f, tag := l.st.Field(i), l.st.Tag(i)
	defer b.at(f)()
	jsonTag := reflect.StructTag(tag).Get("json")
	if jsonTag == "-" || f.Name() == "_" {
		return c, nil, false
	}
	at := path + "." + f.Name()
	b.checkTag(f, tag, at)
	elem, ptr := f.Type(), types.Type(nil)
	if p, isPointer := types.Unalias(elem).(*types.Pointer); isPointer {
		elem, ptr = p.Elem(), p.Elem()
	}
	elem = types.Unalias(elem)
	under, isStruct := elem.Underlying().(*types.Struct)
	if !f.Exported() {
		switch {
		case !f.Embedded():
			b.problem(at, "the unexported field would be lost", b.exportOrOptOut(f))
			return c, nil, false
		case !isStruct:
			b.problem(at, "the embedded field of an unexported type that is no struct would be lost", b.exportOrOptOut(f))
			return c, nil, false
		case f.Pkg() != b.user:
			b.problem(at, "the fields of an unexported struct that another package embeds can't be reached from here", b.exportOrOptOut(f))
			return c, nil, false
		case ptr != nil:
			b.problem(at, "an embedded pointer to an unexported struct can't be decoded by encoding/json", "export the type, or embed it without the pointer")
			return c, nil, false
		}
	}
	tagName, options, _ := strings.Cut(jsonTag, ",")
	if tagName != "" && !validName(tagName) {
		b.problem(at, fmt.Sprintf("encoding/json doesn't take %q as a name and would use %s", tagName, f.Name()), "use letters, digits and punctuation except quotes, backslash and comma")
		tagName = ""
	}
	index := append(slices.Clone(l.index), i)
	if f.Embedded() && isStruct && tagName == "" {
		if ptr != nil && !b.canName(elem, at) {
			return c, nil, false
		}
		return c, &level{st: under, key: elem, index: index, steps: append(slices.Clone(l.steps), Step{f.Name(), ptr})}, true
	}
	c = candidate{v: f, tag: tag, typ: f.Type(), index: index, tagged: tagName != ""}
	c.Name, c.Go, c.Pos, c.Steps = cmp.Or(tagName, f.Name()), f.Name(), f.Pos(), l.steps
	c.Behind = slices.ContainsFunc(l.steps, func(s Step) bool { return s.Ptr != nil })
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			c.OmitEmpty = true
		case "omitzero":
			c.OmitZero = true
		case "string":
			c.Quoted = true
		}
	}
	return c, nil, true
}

func (b *builder) exportOrOptOut(f *types.Var) string {
	if f.Pkg() == b.user {
		return `export it, or tag it json:"-" if it needn't be stored`
	}
	return `use a type of your own, or give the type MarshalJSON and UnmarshalJSON`
}

// field finishes a candidate that made it.
func (b *builder) field(c *candidate, path string) *Field {
	defer b.at(c.v)()
	f := c.Field
	at := path + "." + f.Name
	f.Type = b.build(c.typ, at)
	if f.Quoted {
		b.quoted(&f, at)
	}
	if f.OmitZero && !b.canBeZero(c.typ) {
		b.problem(at, fmt.Sprintf("omitzero can't tell the zero value of %s from here", name(c.typ)), "give the type an IsZero method, or remove omitzero")
	}
	if tag, ok := reflect.StructTag(c.tag).Lookup("esgen"); ok {
		b.eventTag(&f, tag, at)
	}
	return &f
}

// quoted settles what ",string" means: nothing for what isn't a scalar.
func (b *builder) quoted(f *Field, at string) {
	t := f.Type
	if p, ok := types.Unalias(t.Go).(*types.Pointer); ok && t.Kind == Pointer && p != nil {
		t = t.Elem
	}
	switch t.Kind {
	case Bool, Int, Uint, Float, String, Number:
	case Marshaler, Text:
		if _, ok := t.Go.Underlying().(*types.Basic); ok {
			b.problem(at, fmt.Sprintf(`encoding/json writes %s without the quotes that ",string" makes it ask for`, name(t.Go)), `remove ",string"`)
		}
		f.Quoted = false
	default:
		f.Quoted = false
	}
}

// Omits reports whether encoding ever leaves the field out on account of its own value.
func (f *Field) Omits() bool {
	return f.OmitZero || f.OmitEmpty && HasEmpty(f.Type.Go)
}

// HasEmpty reports whether omitempty ever leaves out a value of type t: structs and
// arrays are never empty.
func HasEmpty(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Struct:
		return false
	case *types.Array:
		return u.Len() == 0
	}
	return true
}

// canBeZero reports whether generated code can tell t's zero value: by IsZero,
// by comparison, or field by field.
func (b *builder) canBeZero(t types.Type) bool {
	if IsZeroer(t) != 0 || types.Comparable(t) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Pointer:
		return true
	case *types.Struct:
		for f := range u.Fields() {
			if !f.Exported() && f.Pkg() != b.user || f.Name() == "_" || !zeroByValue(f.Type()) {
				return false
			}
		}
		return true
	}
	return false
}

func zeroByValue(t types.Type) bool {
	if types.Comparable(t) {
		return true
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return true
	}
	return false
}

// IsZeroer reports whether t has the IsZero method that omitzero asks: 0 no, 1 on the value, 2 on its pointer only.
func IsZeroer(t types.Type) int {
	isZero := func(t types.Type) bool {
		sel := types.NewMethodSet(t).Lookup(nil, "IsZero")
		if sel == nil {
			return false
		}
		sig, ok := sel.Obj().Type().(*types.Signature)
		return ok && sig.Params().Len() == 0 && sig.Results().Len() == 1 && types.Identical(sig.Results().At(0).Type(), types.Typ[types.Bool])
	}
	switch {
	case isZero(t):
		return 1
	case isZero(types.NewPointer(t)):
		return 2
	}
	return 0
}

// validName is encoding/json's rule for names in tags.
func validName(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return s != ""
}
