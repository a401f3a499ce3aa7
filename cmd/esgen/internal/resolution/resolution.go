// Package resolution finds how what was stored in an old shape is read into the Go type of a new one,
// without any code of the user's: fields are renamed (esgen:"was=…"), new ones are optional or have a default, old ones
// are skipped, numbers are widened. Where a value would be lost, guessed or refused, it says why.
//
// The name, and the idea that the reader's and the writer's schema together say how to read, are Avro's.
package resolution

import (
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Reason is why the old shape can't be read as the new one by itself.
type Reason struct {
	Path    string    // the names in JSON, such as items[].price
	Message string    // what is in the way
	Pos     token.Pos // the field in the code that it is about; token.NoPos where there is none
	New     bool      // the field is new, and would need no more than a default
}

// String returns the path and the message.
func (r Reason) String() string {
	if r.Path == "" {
		return r.Message
	}
	return r.Path + ": " + r.Message
}

// View returns a shape that reads what was stored in the shape old into the Go type that view is a shape of.
// View reads what is stored in the shape next, the one after old: it is next itself where that is in the code, and else
// what View returned for it. The label names the functions of the result. With reasons it is of no use.
func View(old, next, view *shape.Type, label string) (*shape.Type, []Reason) {
	r := &resolver{label: label, done: map[[3]*shape.Type]*shape.Type{}, moved: map[string]string{}}
	for _, c := range compat.Readers(old, next) {
		if c.Rule == compat.FieldMoved {
			r.moved[c.Path] = c.From
		}
	}
	t := r.value(old, next, view, "")
	return t, r.reasons
}

type resolver struct {
	label   string
	done    map[[3]*shape.Type]*shape.Type
	moved   map[string]string // by the path of a new field, that of what it was
	reasons []Reason
	pos     token.Pos
}

func (r *resolver) because(path, message string) {
	r.reasons = append(r.reasons, Reason{Path: strings.TrimPrefix(path, "."), Message: message, Pos: r.pos})
}

// value returns the view of a value that is not null.
func (r *resolver) value(old, next, view *shape.Type, path string) *shape.Type {
	if lock.Same(old, next) {
		return view
	}
	key := [3]*shape.Type{old, next, view}
	if t := r.done[key]; t != nil {
		return t
	}
	made := *view
	made.View = r.label
	r.done[key] = &made
	if old.Kind == shape.Pointer || next.Kind == shape.Pointer || view.Kind == shape.Pointer {
		return r.pointer(old, next, view, &made, path)
	}
	switch {
	case next.Kind == shape.Struct && old.Kind == shape.Struct:
		r.fields(old, next, view, &made, path)
		return &made
	case next.Kind == shape.Slice && old.Kind == shape.Slice, next.Kind == shape.Array && old.Kind == shape.Array && old.Len == next.Len:
		made.Elem = r.element(old.Elem, next.Elem, view.Elem, path+"[]")
		return &made
	case next.Kind == shape.Map && old.Kind == shape.Map:
		keys := *next
		keys.Key = old.Key
		r.leaf(&keys, next, path)
		made.Elem = r.element(old.Elem, next.Elem, view.Elem, path+"{}")
		return &made
	}
	r.leaf(old, next, path)
	return view
}

// leaf settles a value that is read whole, as it would be within one version.
func (r *resolver) leaf(old, next *shape.Type, path string) {
	var gone []string
	for _, c := range compat.Readers(old, next) {
		switch {
		case c.Verdict == compat.Safe:
		case c.Rule == compat.EnumValueRemoved:
			gone = append(gone, c.From)
		default:
			r.because(path, c.From+" → "+c.To)
		}
	}
	if len(gone) > 0 {
		r.because(path, "the value "+strings.Join(gone, ", ")+" has gone from "+compat.Describe(next))
	}
}

// pointer takes the pointers off the types that have one. Whether null has a place to go to is
// decided by the caller.
func (r *resolver) pointer(old, next, view, made *shape.Type, path string) *shape.Type {
	if compat.NullMoves(old, next) {
		r.because(path, compat.Describe(old)+" → "+compat.Describe(next))
		return made
	}
	if old.Kind == shape.Pointer {
		old = old.Elem
	}
	if next.Kind == shape.Pointer {
		next = next.Elem
	}
	if view.Kind != shape.Pointer {
		return r.value(old, next, view, path)
	}
	made.Elem = r.value(old, next, view.Elem, path)
	return made
}

// element returns the view of an element of a list or map, which has no default to take the place of null.
func (r *resolver) element(old, next, view *shape.Type, path string) *shape.Type {
	if old.Kind == shape.Pointer && next.Kind != shape.Pointer {
		r.because(path, "null has no place in "+compat.Describe(next))
	}
	return r.value(old, next, view, path)
}

// fields fills the fields of a view. Each of them is one of the Go type's, and has the name that is
// stored in the old shape.
func (r *resolver) fields(old, next, view, made *shape.Type, path string) {
	made.Fields = nil
	for _, v := range view.Fields {
		field := *v
		made.Fields = append(made.Fields, &field)
		if v.Name == "" {
			continue // new in a version after next
		}
		n := lock.Field(next, v.Name)
		before := r.pos
		if v.Pos.IsValid() {
			r.pos = v.Pos
		}
		at := path + "." + n.Name
		o, ok := r.match(old, next, n, at)
		switch {
		case !ok:
		case o == nil:
			r.added(n, &field, at)
		default:
			r.kept(old, o, n, v, &field, at)
		}
		r.pos = before
	}
}

// match returns the field of the old shape that n was. It is false if that is not clear, for which
// there is a reason.
func (r *resolver) match(old, next *shape.Type, n *shape.Field, at string) (*shape.Field, bool) {
	own := lock.Field(old, n.Name)
	if own != nil && compat.Claimed(old, next, n) {
		own = nil
	}
	var was *shape.Field
	for _, name := range n.Was {
		switch o := lock.Field(old, name); {
		case o == nil:
		case own != nil || was != nil:
			first := own
			if first == nil {
				first = was
			}
			r.because(at, "it could have been "+first.Name+" or "+o.Name+", and the old shape has both")
			return nil, false
		default:
			was = o
		}
	}
	switch {
	case was != nil:
		return was, true
	case own == nil && len(n.Was) > 0:
		r.because(at, "was="+strings.Join(n.Was, ",was=")+" names no field of the old shape")
		return nil, false
	case own == nil:
		if o := lookalike(old, next, n); o != nil {
			r.because(at, "it looks like what was "+o.Name+", whose values would be lost: write esgen:"+strconv.Quote("was="+o.Name)+`, or if it is another field, esgen:"default=…" or a version in between`)
			return nil, false
		}
		if from := r.moved[strings.TrimPrefix(at, ".")]; from != "" {
			r.because(at, "what is stored at "+from+" would be skipped")
			return nil, false
		}
	default:
		if other := lock.Exchanged(old, next, own, n); other != nil {
			r.because(at, "it was called "+own.Go+", and what is called "+n.Go+" was "+other.Name+": exchange their tags again")
			return nil, false
		}
	}
	return own, true
}

// lookalike returns a field of the old shape that has gone, and that n is likely to be without a word of it.
func lookalike(old, next *shape.Type, n *shape.Field) *shape.Field {
	var added, removed []*shape.Field
	for _, f := range next.Fields {
		if lock.Field(old, f.Name) == nil && len(f.Was) == 0 {
			added = append(added, f)
		}
	}
	for _, o := range old.Fields {
		if lock.Field(next, o.Name) == nil && !slices.ContainsFunc(next.Fields, func(f *shape.Field) bool { return slices.Contains(f.Was, o.Name) }) {
			removed = append(removed, o)
		}
	}
	i := compat.Predecessor(n, added, removed)
	if i < 0 {
		return nil
	}
	return removed[i]
}

// added settles a field that the old shape doesn't have.
func (r *resolver) added(n, field *shape.Field, at string) {
	if n.Required() {
		r.because(at, "it is new and required, and old events lack it")
		r.reasons[len(r.reasons)-1].New = true
	}
	field.Name, field.Was = "", nil
}

// kept settles a field that both shapes have: v is what the view makes of n.
func (r *resolver) kept(old *shape.Type, o, n, v, field *shape.Field, at string) {
	field.Name, field.Was = o.Name, nil
	for _, was := range o.Was {
		if lock.Field(old, was) == nil {
			field.Was = append(field.Was, was)
		}
	}
	field.Type = r.value(o.Type, n.Type, v.Type, at)
	field.Must, field.OmitEmpty, field.OmitZero, field.Behind = false, true, false, false
	if o.Quoted != n.Quoted {
		r.because(at, describeField(o)+" → "+describeField(n))
	}
	nullable := n.Type.Kind == shape.Pointer
	switch {
	case o.Required():
		field.Must, field.Default = true, nil
	case o.Default != nil:
		// It was missing and meant this, whatever it would mean now.
		field.Default = o.Default
		if v.Type.Kind == shape.Pointer || slices.ContainsFunc(v.Steps, func(s shape.Step) bool { return s.Ptr != nil }) {
			r.because(at, "where it is missing it was "+strconv.Quote(*o.Default)+" and would be null")
		}
	case o.Type.Kind == shape.Pointer:
		if n.Default == nil && !nullable {
			r.because(at, "null has no place in "+compat.Describe(n.Type)+", which has no default")
		}
	case n.Required():
		r.because(at, "it was optional and is required")
	case n.Default != nil:
		r.because(at, "where it is missing it was the zero value and would be "+strconv.Quote(*n.Default))
	case nullable:
		r.because(at, "where it is missing it was the zero value and would be null")
	case !zeroStays(o.Type, n.Type):
		r.because(at, "where it is missing it was the zero value, which would be another")
	}
}

// zeroStays reports whether the zero value of the one type is that of the other: not where something became a
// pointer or was one, nor where a UUID of zeros would be an empty string.
func zeroStays(old, next *shape.Type) bool {
	switch {
	case old.Kind == shape.Array && next.Kind == shape.Array:
		return zeroStays(old.Elem, next.Elem)
	case old.Kind == shape.Struct && next.Kind == shape.Struct:
		return !slices.ContainsFunc(next.Fields, func(n *shape.Field) bool {
			for _, name := range append([]string{n.Name}, n.Was...) {
				if o := lock.Field(old, name); o != nil && !zeroStays(o.Type, n.Type) {
					return true
				}
			}
			return false
		})
	}
	return (old.Kind == shape.Pointer) == (next.Kind == shape.Pointer) && (old.Kind == shape.UUID) == (next.Kind == shape.UUID)
}

func describeField(f *shape.Field) string {
	if f.Quoted {
		return compat.Describe(f.Type) + " in quotes"
	}
	return compat.Describe(f.Type)
}
