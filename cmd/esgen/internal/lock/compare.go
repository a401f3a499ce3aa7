package lock

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Same reports whether two shapes are stored alike. The names of Go fields and types don't count, except
// for types that marshal themselves: nothing else tells their forms apart.
func Same(a, b *shape.Type) bool { return same(a, b, map[[2]*shape.Type]bool{}) }

func same(a, b *shape.Type, seen map[[2]*shape.Type]bool) bool {
	if a == nil || b == nil || seen[[2]*shape.Type{a, b}] {
		return a == nil && b == nil || a != nil && b != nil
	}
	seen[[2]*shape.Type{a, b}] = true
	if a.Kind != b.Kind || a.Bits != b.Bits || a.Len != b.Len || !slices.Equal(a.Enum, b.Enum) || len(a.Fields) != len(b.Fields) {
		return false
	}
	if !SameCodec(a, b) || len(shape.Renumbered(a, b)) > 0 {
		return false
	}
	for _, f := range a.Fields {
		g := Field(b, f.Name)
		if g == nil || !sameField(f, g) || Exchanged(a, b, f, g) != nil || !same(f.Type, g.Type, seen) {
			return false
		}
	}
	return same(a.Key, b.Key, seen) && same(a.Elem, b.Elem, seen)
}

// SameCodec reports whether two types that marshal themselves are the same, as far as a lock can tell: by their names and by whose
// methods they have. The DateV1 that esgen offers for an old Date is that. It is true for other types.
func SameCodec(a, b *shape.Type) bool {
	if a.Kind != shape.Marshaler && a.Kind != shape.Text {
		return true
	}
	return (a.Name == b.Name || offered.ReplaceAllString(b.Name, "") == a.Name) && a.Origin == b.Origin
}

// offered is how the names of old types end that esgen offers.
var offered = regexp.MustCompile(`V[1-9][0-9]*$`)

// Exchanged returns the field of an old shape that has the name in Go which g has, where f, whose values g reads, was called
// otherwise, and where both are still read: it is as if their tags had been mixed up. It is nil if it isn't so.
func Exchanged(old, now *shape.Type, f, g *shape.Field) *shape.Field {
	if f.Name != g.Name || f.Go == g.Go { // which may have come out of a struct that was embedded
		return nil
	}
	for _, other := range old.Fields {
		if goPath(other) == goPath(g) && Field(now, other.Name) != nil {
			return other
		}
	}
	return nil
}

func goPath(f *shape.Field) string {
	path := ""
	for _, s := range f.Steps {
		path += s.Name + "."
	}
	return path + f.Go
}

func sameField(f, g *shape.Field) bool {
	return f.OmitEmpty == g.OmitEmpty && f.OmitZero == g.OmitZero && f.Quoted == g.Quoted && f.Behind == g.Behind &&
		slices.Equal(f.Was, g.Was) && (f.Default == nil) == (g.Default == nil) && (f.Default == nil || *f.Default == *g.Default)
}

// Field returns the field of a struct by its name in JSON, or nil.
func Field(t *shape.Type, name string) *shape.Field {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Merge returns the shape that is locked when one that is locked already has become another in the same version:
// the current one, with the fields that are gone reserved, and all that were so before.
func Merge(locked, current *shape.Type) *shape.Type {
	return merge(locked, current, map[[2]*shape.Type]*shape.Type{})
}

func merge(locked, current *shape.Type, done map[[2]*shape.Type]*shape.Type) *shape.Type {
	if current == nil || locked == nil {
		return current
	}
	pair := [2]*shape.Type{locked, current}
	if t := done[pair]; t != nil {
		return t
	}
	merged := *current
	done[pair] = &merged
	if locked.Kind != current.Kind {
		return &merged
	}
	merged.Key, merged.Elem = merge(locked.Key, current.Key, done), merge(locked.Elem, current.Elem, done)
	merged.Fields = nil
	taken := map[string]bool{}
	for _, f := range current.Fields {
		field := *f
		for _, name := range append([]string{f.Name}, f.Was...) {
			if old := Field(locked, name); old != nil && !taken[name] {
				field.Type = merge(old.Type, f.Type, done)
				taken[name] = true
			}
		}
		merged.Fields = append(merged.Fields, &field)
		taken[f.Name] = true
	}
	merged.Reserved = nil
	for _, f := range append(slices.Clone(locked.Reserved), locked.Fields...) {
		if !taken[f.Name] {
			taken[f.Name] = true
			merged.Reserved = append(merged.Reserved, f)
		}
	}
	return &merged
}

// Frozen returns what of a lock must not change: what is in base, which may be nil, and the versions
// that people marked as released.
func (l *Lock) Frozen(base *Lock) *Lock {
	if base == nil {
		base = &Lock{Dir: l.Dir}
	}
	return base.Join(l, func(v *Version) bool { return v.Released })
}

// Join returns the versions of l, and those of other that l lacks and keep is true for.
func (l *Lock) Join(other *Lock, keep func(*Version) bool) *Lock {
	joined := &Lock{Dir: l.Dir, Events: slices.Clone(l.Events)}
	for _, e := range other.Events {
		both := *e
		both.Versions = nil
		i, found := slices.BinarySearchFunc(joined.Events, e.Name, func(e *Event, name string) int { return cmp.Compare(e.Name, name) })
		if found {
			both = *joined.Events[i]
			both.Versions = slices.Clone(both.Versions)
		}
		for _, v := range e.Versions {
			if keep(v) && both.Version(v.Schema) == nil {
				both.Versions = append(both.Versions, v)
				slices.SortFunc(both.Versions, func(a, b *Version) int { return cmp.Compare(a.Schema, b.Schema) })
			}
		}
		switch {
		case found:
			joined.Events[i] = &both
		case len(both.Versions) > 0:
			joined.Events = slices.Insert(joined.Events, i, &both)
		}
	}
	return joined
}
