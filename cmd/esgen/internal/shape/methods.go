package shape

import (
	"fmt"
	"go/types"
)

// receiver says where a method is found.
type receiver uint8

const (
	none receiver = iota
	onValue
	onPointer
)

type methodSet struct {
	marshalJSON, unmarshalJSON receiver
	marshalText, unmarshalText receiver
	promoted                   bool // marshalJSON or marshalText comes from an embedded field
}

func methodsOf(t types.Type) methodSet {
	var m methodSet
	switch t.Underlying().(type) {
	case *types.Interface, *types.TypeParam, nil:
		return m
	}
	value, pointer := types.NewMethodSet(t), types.NewMethodSet(types.NewPointer(t))
	find := func(name string, takesBytes bool) (receiver, bool) {
		sel := pointer.Lookup(nil, name)
		if sel == nil || !marshals(sel.Obj(), takesBytes) {
			return none, false
		}
		promoted := len(sel.Index()) > 1
		if value.Lookup(nil, name) != nil {
			return onValue, promoted
		}
		return onPointer, promoted
	}
	var json, text bool
	m.marshalJSON, json = find("MarshalJSON", false)
	m.unmarshalJSON, _ = find("UnmarshalJSON", true)
	m.marshalText, text = find("MarshalText", false)
	m.unmarshalText, _ = find("UnmarshalText", true)
	m.promoted = json || (m.marshalJSON == none && text)
	return m
}

// marshals reports whether f has the signature of MarshalJSON or, with
// takesBytes, of UnmarshalJSON.
func marshals(f types.Object, takesBytes bool) bool {
	sig, ok := f.Type().(*types.Signature)
	if !ok || sig.Variadic() {
		return false
	}
	if takesBytes {
		return sig.Params().Len() == 1 && isBytes(sig.Params().At(0).Type()) && sig.Results().Len() == 1 && isError(sig.Results().At(0).Type())
	}
	return sig.Params().Len() == 0 && sig.Results().Len() == 2 && isBytes(sig.Results().At(0).Type()) && isError(sig.Results().At(1).Type())
}

func isBytes(t types.Type) bool {
	return types.Identical(t, types.NewSlice(types.Typ[types.Byte]))
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// methods handles types that marshal themselves.
func (b *builder) methods(s *Type, path string) bool {
	t := s.Go
	if _, ok := t.Underlying().(*types.Pointer); ok {
		return false // the methods are the element's
	}
	m := methodsOf(t)
	if m == (methodSet{}) {
		return false
	}
	st, isStruct := t.Underlying().(*types.Struct)
	isRoot := b.isRoot(t)
	pair := m.marshalJSON != none && m.unmarshalJSON != none ||
		m.marshalJSON == none && m.unmarshalJSON == none && m.marshalText != none && m.unmarshalText != none
	if b.mode == State && isStruct && b.own(t) && (isRoot || !pair || m.promoted) {
		return false // methods for other readers; a snapshot holds the fields
	}
	if m.promoted && isStruct && b.own(t) && (isRoot || st.NumFields() > 1) {
		b.problem(path, fmt.Sprintf("%s has the MarshalJSON or MarshalText of an embedded field, which would store that field alone", name(t)),
			"name the embedded field")
		return true
	}
	if isRoot && m.marshalJSON == none && m.marshalText != none {
		b.problem(path, "an event that is a text can't be stored", "give the type MarshalJSON and UnmarshalJSON, or remove MarshalText")
		return true
	}
	switch {
	case m.marshalJSON != none && m.unmarshalJSON != none:
		s.Kind, s.AddrMarshal, s.Origin = Marshaler, m.marshalJSON == onPointer, b.origin(t)
	case m.marshalJSON != none:
		b.problem(path, fmt.Sprintf("%s has MarshalJSON without UnmarshalJSON", name(t)), "write the other half")
	case m.unmarshalJSON != none:
		b.problem(path, fmt.Sprintf("%s has UnmarshalJSON without MarshalJSON", name(t)), "write the other half")
	case m.marshalText != none && m.unmarshalText != none:
		s.Kind, s.AddrMarshal, s.Origin = Text, m.marshalText == onPointer, b.origin(t)
	default:
		b.halfText(t, m, path)
	}
	return true
}

func (b *builder) halfText(t types.Type, m methodSet, path string) {
	if m.marshalText != none {
		b.problem(path, fmt.Sprintf("%s has MarshalText without UnmarshalText", name(t)), "write the other half")
		return
	}
	b.problem(path, fmt.Sprintf("%s has UnmarshalText without MarshalText", name(t)), "write the other half")
}
