package shape

import (
	"fmt"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

const rootPath = "github.com/esgen-go/esgen/aggregate"

// Of returns the shape of a named struct type of the user's package, and all
// problems that keep it from being stored. With problems the shape is
// incomplete and good for nothing but messages. Of never panics, whatever is wrong
// with the types.
func Of(t types.Type, mode Mode) (*Type, []Problem) {
	b := &builder{mode: mode}
	if t == nil {
		return &Type{Mode: mode, Go: types.Typ[types.Invalid]}, []Problem{{Message: "the type is unknown"}}
	}
	t = types.Unalias(t)
	path := t.String()
	if n, ok := t.(*types.Named); ok {
		b.user = n.Obj().Pkg()
		b.pos = n.Obj().Pos()
		path = n.Obj().Name()
		b.root = n
	}
	s := b.build(t, path)
	if s.Kind == Struct || s.Kind == Invalid || len(b.problems) > 0 {
		return s, b.problems
	}
	// Only a root's own MarshalJSON gets here, or a type that is no struct.
	if _, isStruct := t.Underlying().(*types.Struct); !isStruct {
		b.problem(path, fmt.Sprintf("%s is no struct", name(t)), "make it a struct")
	}
	return s, b.problems
}

type builder struct {
	mode     Mode
	user     *types.Package // whose structs may have unexported fields in a State
	root     *types.Named
	seen     typeutil.Map // types.Type to *Type
	problems []Problem
	pos      token.Pos // the user's field that is being looked at
	depth    int
}

func (b *builder) problem(path, message, remedy string) {
	const longest = 120
	if len(path) > longest {
		path = path[:longest] + "…"
	}
	b.problems = append(b.problems, Problem{Pos: b.pos, Path: path, Message: message, Remedy: remedy})
}

// unknown reports a type of which the type-checker knows nothing either.
func (b *builder) unknown(path string) {
	b.problem(path, "the type is unknown", "declare or import it, so that the package compiles")
	b.problems[len(b.problems)-1].Unknown = true
}

// build returns the shape of t, found at path.
func (b *builder) build(t types.Type, path string) *Type {
	t = types.Unalias(t)
	if s, ok := b.seen.At(t).(*Type); ok {
		if b.mode == State && b.isRoot(t) && embedsRoot(t) {
			b.innerRoot(path)
		}
		return s
	}
	s := &Type{Mode: b.mode, Go: t, Name: b.typeName(t)}
	if b.depth > 200 {
		// Each instance of a generic type that holds a larger instance of itself is a new type.
		b.problem(path, "the type has no end", "don't let a generic type contain larger instances of itself")
		return s
	}
	b.depth++
	defer func() { b.depth-- }()
	before := len(b.problems)
	b.seen.Set(t, s)
	b.fill(s, path)
	if len(b.problems) > before && !b.own(t) {
		// Reported at the field that leads there: the next such field wants its own report.
		b.seen.Delete(t)
	}
	return s
}

// isRoot reports whether t is the type that the shape is asked for.
func (b *builder) isRoot(t types.Type) bool { return b.root != nil && types.Identical(t, b.root) }

// own reports whether t is declared in the user's package.
func (b *builder) own(t types.Type) bool {
	n, ok := t.(*types.Named)
	return ok && b.user != nil && n.Obj().Pkg() == b.user
}

func (b *builder) fill(s *Type, path string) {
	t := s.Go
	if !b.canName(t, path) {
		return
	}
	if _, ok := t.(*types.TypeParam); ok {
		b.problem(path, "a type parameter can't be stored", "use an instance of the generic type")
		return
	}
	if b.special(s) || b.methods(s, path) {
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		b.basic(s, u, path)
	case *types.Pointer:
		if pointsToItself(u) {
			b.problem(path, fmt.Sprintf("%s holds nothing but pointers to itself", name(t)), "use a type that holds a value")
			return
		}
		s.Kind = Pointer
		s.Elem = b.build(u.Elem(), path)
	case *types.Slice:
		if b.isByte(u.Elem()) {
			s.Kind = Bytes
			return
		}
		s.Kind = Slice
		s.Elem = b.build(u.Elem(), path+"[]")
	case *types.Array:
		s.Kind = Array
		s.Len = u.Len()
		s.Elem = b.build(u.Elem(), path+"[]")
	case *types.Map:
		s.Kind = Map
		s.Key = b.key(u.Key(), path)
		s.Elem = b.build(u.Elem(), path+"{}")
	case *types.Struct:
		s.Kind = Struct
		if b.mode == State {
			b.stateFields(s, u, path)
		} else {
			b.eventFields(s, path)
		}
	case *types.Interface:
		remedy := "use a concrete type, or json.RawMessage for free-form data"
		if b.mode == State {
			remedy = "use a concrete type, or " + b.optOut()
		}
		b.problem(path, fmt.Sprintf("an interface (%s) can't be stored, because decoding doesn't know which type to make", name(t)), remedy)
	case *types.Chan, *types.Signature:
		b.problem(path, fmt.Sprintf("a %s can't be stored", goKind(u)), b.optOut())
	default:
		b.problem(path, fmt.Sprintf("%s can't be stored", name(t)), b.optOut())
	}
}

// canName reports whether the user's package can mention t. If not, that is a problem.
func (b *builder) canName(t types.Type, path string) bool {
	n, ok := t.(*types.Named)
	switch {
	case !ok || CanName(b.user, n):
		return true
	case !n.Obj().Exported():
		b.problem(path, fmt.Sprintf("%s can't be named outside its package", name(t)), "use a type that is exported")
	default:
		b.problem(path, fmt.Sprintf("%s is in an internal package, which can't be imported from here", name(t)), "use a type of a package that is not internal")
	}
	return false
}

// pointsToItself reports whether no value is ever reached through p, as with type P *P.
func pointsToItself(p *types.Pointer) bool {
	seen := map[types.Type]bool{}
	for ok := true; ok; p, ok = p.Elem().Underlying().(*types.Pointer) {
		if seen[p] {
			return true
		}
		seen[p] = true
	}
	return false
}

// special recognizes the types that have fast paths of their own.
func (b *builder) special(s *Type) bool {
	switch name(s.Go) {
	case "time.Time":
		s.Kind = Time
	case "github.com/google/uuid.UUID":
		s.Kind = UUID
	case "encoding/json.RawMessage":
		s.Kind = Raw
	case "encoding/json.Number":
		s.Kind = Number
	default:
		return false
	}
	return true
}

func (b *builder) basic(s *Type, u *types.Basic, path string) {
	if b.mode == Event {
		s.Constants = b.constants(s.Go)
		s.Enum = Values(s.Constants)
	}
	switch u.Kind() {
	case types.Bool:
		s.Kind = Bool
	case types.String:
		s.Kind = String
	case types.Int, types.Int64:
		s.Kind, s.Bits = Int, 64
	case types.Int8:
		s.Kind, s.Bits = Int, 8
	case types.Int16:
		s.Kind, s.Bits = Int, 16
	case types.Int32:
		s.Kind, s.Bits = Int, 32
	case types.Uint, types.Uint64, types.Uintptr:
		s.Kind, s.Bits = Uint, 64
	case types.Uint8:
		s.Kind, s.Bits = Uint, 8
	case types.Uint16:
		s.Kind, s.Bits = Uint, 16
	case types.Uint32:
		s.Kind, s.Bits = Uint, 32
	case types.Float32:
		s.Kind, s.Bits = Float, 32
	case types.Float64:
		s.Kind, s.Bits = Float, 64
	case types.Invalid:
		b.unknown(path)
	default: // complex, unsafe.Pointer
		b.problem(path, fmt.Sprintf("a %s can't be stored", u.Name()), b.optOut())
	}
}

// isByte reports whether a slice of t is stored as base64, as encoding/json does.
func (b *builder) isByte(t types.Type) bool {
	u, ok := t.Underlying().(*types.Basic)
	if !ok || u.Kind() != types.Uint8 {
		return false
	}
	m := methodsOf(t)
	return m.marshalJSON == none && m.marshalText == none
}

// key returns the shape of a map's key.
func (b *builder) key(t types.Type, path string) *Type {
	t = types.Unalias(t)
	s := &Type{Mode: b.mode, Go: t, Name: b.typeName(t)}
	if !b.canName(t, path) {
		return s
	}
	switch name(t) {
	case "time.Time":
		s.Kind = Time
		return s
	case "github.com/google/uuid.UUID":
		s.Kind = UUID
		return s
	}
	m := methodsOf(t)
	if _, isPointer := t.Underlying().(*types.Pointer); !isPointer && m.marshalText != none && m.unmarshalText != none {
		s.Kind, s.AddrMarshal, s.Origin = Text, m.marshalText == onPointer, b.origin(t)
		return s
	}
	if m.marshalText != none || m.unmarshalText != none {
		b.halfText(t, m, path)
		return s
	}
	if u, ok := t.Underlying().(*types.Basic); ok && u.Info()&(types.IsString|types.IsInteger) != 0 && u.Kind() != types.Invalid {
		b.basic(s, u, path)
		return s
	}
	if u, ok := t.Underlying().(*types.Basic); ok && u.Kind() == types.Invalid {
		b.basic(s, u, path)
		return s
	}
	b.problem(path, fmt.Sprintf("a map with keys of type %s can't be stored", name(t)),
		"use keys that are strings, integers, or have MarshalText and UnmarshalText")
	return s
}

func (b *builder) optOut() string {
	if b.mode == State {
		return `tag the field esgen:"-" to leave it out of snapshots`
	}
	return `remove the field, or tag it json:"-" to leave it out`
}

// typeName returns what a named type is called in the user's package, "" for other types.
func (b *builder) typeName(t types.Type) string {
	if _, ok := t.(*types.Named); !ok {
		return ""
	}
	return types.TypeString(t, func(p *types.Package) string {
		if p == b.user {
			return ""
		}
		return p.Name()
	})
}

// name returns a type's name with its package's whole path.
func name(t types.Type) string { return types.TypeString(t, nil) }

func goKind(t types.Type) string {
	if _, ok := t.(*types.Chan); ok {
		return "channel"
	}
	return "function"
}
