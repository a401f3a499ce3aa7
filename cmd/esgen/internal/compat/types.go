package compat

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// types compares the values of a place.
func (c *comparison) types(p place, old, now *shape.Type) {
	pair := [2]*shape.Type{old, now}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true
	switch {
	case old.Kind == shape.Pointer && now.Kind == shape.Pointer:
		c.types(p, old.Elem, now.Elem)
	case NullMoves(old, now):
		c.add(p, TypeChanged, Describe(old), Describe(now), "")
	case old.Kind == shape.Pointer:
		c.add(p, ElementRequired, Describe(old), Describe(now), "")
	case now.Kind == shape.Pointer:
		c.add(p, ElementOptional, Describe(old), Describe(now), "")
		c.types(p, old, now.Elem)
	case old.Kind != now.Kind:
		c.kinds(p, old, now)
	default:
		c.sameKind(p, old, now)
	}
}

// NullMoves reports whether one of two types is a pointer, and null may stand for a value of what it points to too: it is not
// to be told what a null that is stored has become.
func NullMoves(old, now *shape.Type) bool {
	return (old.Kind == shape.Pointer) != (now.Kind == shape.Pointer) && (nilable(deref(old)) || nilable(deref(now)))
}

// nilable reports whether null may stand for a value of the type.
func nilable(t *shape.Type) bool {
	switch t.Kind {
	case shape.Pointer, shape.Slice, shape.Map, shape.Bytes, shape.Raw, shape.Marshaler:
		return true
	}
	return false
}

func (c *comparison) sameKind(p place, old, now *shape.Type) {
	switch now.Kind {
	case shape.Int, shape.Uint, shape.Float:
		c.numbers(p, old, now)
		c.enums(p, old, now)
	case shape.String:
		c.enums(p, old, now)
	case shape.Marshaler, shape.Text:
		if !lock.SameCodec(old, now) {
			c.add(p, CodecChanged, codec(old, now), codec(now, old), "")
		}
	case shape.Struct:
		c.fields(p, old, now)
	case shape.Slice:
		c.types(p.element("[]"), old.Elem, now.Elem)
	case shape.Array:
		if old.Len != now.Len {
			c.add(p, ArrayLengthChanged, Describe(old), Describe(now), "")
			return
		}
		c.types(p.element("[]"), old.Elem, now.Elem)
	case shape.Map:
		if k, l := old.Key, now.Key; k.Kind != l.Kind || k.Bits != l.Bits || !lock.SameCodec(k, l) {
			c.add(p, MapKeyChanged, Describe(old), Describe(now), "")
			return
		}
		c.enums(p.element("{key}"), old.Key, now.Key)
		c.types(p.element("{}"), old.Elem, now.Elem)
	}
}

// kinds compares two types that are not even of one kind.
func (c *comparison) kinds(p place, old, now *shape.Type) {
	switch {
	case number(old) && number(now):
		c.numbers(p, old, now)
	case old.Kind == shape.UUID && now.Kind == shape.String && len(now.Enum) == 0:
		c.add(p, Widened, Describe(old), Describe(now), "")
	case old.Kind == shape.String && stringForm(now):
		c.add(p, Unvalidated, Describe(old), Describe(now), "")
	default:
		from, to := Describe(old), Describe(now)
		if from == to { // it has got methods, or lost them
			from, to = from+" ("+old.Kind.String()+")", to+" ("+now.Kind.String()+")"
		}
		c.add(p, TypeChanged, from, to, "")
	}
}

func number(t *shape.Type) bool {
	return t.Kind == shape.Int || t.Kind == shape.Uint || t.Kind == shape.Float
}

// stringForm reports whether values of the type are strings of some form.
func stringForm(t *shape.Type) bool {
	switch t.Kind {
	case shape.UUID, shape.Time, shape.Text, shape.Bytes:
		return true
	}
	return false
}

// numbers compares two types of numbers.
func (c *comparison) numbers(p place, old, now *shape.Type) {
	rule := Widened
	switch {
	case old.Kind == now.Kind && old.Bits == now.Bits:
		return
	case old.Kind == now.Kind && old.Bits > now.Bits:
		rule = Narrowed
	case old.Kind == now.Kind:
	case old.Kind == shape.Float:
		rule = TypeChanged
	case now.Kind == shape.Float:
		if integers := map[int]int{32: 24, 64: 53}[now.Bits]; old.Bits > integers {
			rule = Inexact
		}
	case old.Kind == shape.Uint && now.Bits > old.Bits: // to Int
	default:
		rule = SignChanged
	}
	c.add(p, rule, Describe(old), Describe(now), "")
}

// enums compares the values that are declared. A decoder takes others too: enums are open.
func (c *comparison) enums(p place, old, now *shape.Type) {
	switch {
	case c.rolling || len(old.Enum) == 0 && len(now.Enum) == 0:
		return
	case len(old.Enum) == 0:
		c.add(p, EnumIntroduced, Describe(old), Describe(now), "")
		return
	case len(now.Enum) == 0:
		c.add(p, EnumOpened, Describe(old), Describe(now), "")
		return
	}
	for _, e := range shape.Renumbered(old, now) {
		c.add(p, EnumValueRenumbered, fmt.Sprintf("%s (%s)", e.Before, literal(now, e.Value)), fmt.Sprintf("%s (%[2]s)", e.Now, literal(now, e.Value)),
			"give each constant the value that it had, and new ones values of their own")
	}
	for _, value := range old.Enum {
		if !slices.Contains(now.Enum, value) {
			c.add(p, EnumValueRemoved, strconv.Quote(value), "", fmt.Sprintf("keep its constant (and mark it Deprecated): %s %s = %s", "const …", now.Name, literal(now, value)))
		}
	}
	for _, value := range now.Enum {
		if !slices.Contains(old.Enum, value) {
			c.add(p, EnumValueAdded, "", strconv.Quote(value), "")
		}
	}
}

func literal(t *shape.Type, value string) string {
	if t.Kind == shape.String {
		return strconv.Quote(value)
	}
	return value
}

// codec names a type that marshals itself, with whose methods it has where that is all in which it differs from another.
func codec(t, other *shape.Type) string {
	if t.Name == other.Name && t.Origin != "" {
		return t.Name + " (of " + t.Origin + ")"
	}
	return Describe(t)
}

// Describe names a type for people.
func Describe(t *shape.Type) string { return describe(t, nil) }

// describe names a type within others, which may be the type itself, as in type Tree []Tree.
func describe(t *shape.Type, within []*shape.Type) string {
	if slices.Contains(within, t) {
		return t.Name
	}
	within = append(within, t)
	switch t.Kind {
	case shape.Pointer:
		return "*" + describe(t.Elem, within)
	case shape.Slice:
		return "[]" + describe(t.Elem, within)
	case shape.Array:
		return fmt.Sprintf("[%d]%s", t.Len, describe(t.Elem, within))
	case shape.Map:
		return "map[" + describe(t.Key, within) + "]" + describe(t.Elem, within)
	case shape.Struct:
		if t.Name == "" {
			return "struct"
		}
		return t.Name
	case shape.Marshaler, shape.Text:
		return t.Name
	case shape.Int, shape.Uint, shape.Float:
		if len(t.Enum) > 0 {
			return t.Name
		}
		return t.Kind.String() + strconv.Itoa(t.Bits)
	case shape.String:
		if len(t.Enum) > 0 {
			return t.Name
		}
	}
	return t.Kind.String()
}
