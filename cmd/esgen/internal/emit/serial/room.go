package serial

import (
	"go/types"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Room returns an expression for how long the JSON of v, a value of type t, gets if nothing in its strings needs escaping: just as
// long, but for floats and times, which count with the longest, and for what is omitted, which counts as if it were not. What
// does not fit is encoded all the same, with one more allocation. Room returns nil if there may be any number of values, or so many that this would cost
// more than it saves.
func Room(t *shape.Type, v *jen.Statement) *jen.Statement {
	const longest, most = 256, 12 // bytes of constant length, and values of other lengths
	var r room
	if !r.value(t, v) || r.constant > longest || len(r.lengths) > most {
		return nil
	}
	sum := jen.Lit(r.constant)
	for _, l := range r.lengths {
		sum = sum.Op("+").Add(l)
	}
	return sum
}

// room adds up the lengths of values as JSON.
type room struct {
	constant int
	lengths  []jen.Code
}

// value adds v's JSON. It is false if a variable number of values may be in there.
func (r *room) value(t *shape.Type, v *jen.Statement) bool {
	switch t.Kind {
	case shape.Bool:
		r.lengths = append(r.lengths, codec("BoolLength").Call(convert(v, t.Go, types.Bool)))
	case shape.Int:
		r.lengths = append(r.lengths, codec("IntLength").Call(convert(v, t.Go, types.Int64)))
	case shape.Uint:
		r.lengths = append(r.lengths, codec("UintLength").Call(convert(v, t.Go, types.Uint64)))
	case shape.Float:
		r.constant += len("-0.0000012345678901234567")
	case shape.Time:
		r.constant += len(`"2006-01-02T15:04:05.999999999-07:00"`)
	case shape.UUID:
		r.constant += len(`"00000000-0000-0000-0000-000000000000"`)
	case shape.String:
		r.constant += len(`""`)
		r.lengths = append(r.lengths, jen.Len(v))
	case shape.Struct:
		return r.object(t, v)
	default:
		return false
	}
	return true
}

func (r *room) object(t *shape.Type, v *jen.Statement) bool {
	r.constant += len("{}")
	for i, f := range t.Fields {
		if f.Quoted || f.Behind {
			return false
		}
		r.constant += len(`"":`) + len(f.Name)
		if i > 0 {
			r.constant += len(",")
		}
		at := jen.Add(v)
		for _, s := range f.Steps {
			at.Dot(s.Name)
		}
		if !r.value(f.Type, at.Dot(f.Go)) {
			return false
		}
	}
	return true
}
