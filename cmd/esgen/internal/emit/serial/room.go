package serial

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Room returns an expression for how long the JSON of v, a value of type t, gets if nothing in its strings needs escaping and
// no integer has more than ten digits. What does not fit is encoded all the same, with one more allocation. Room returns nil
// if the length depends on more than that of some strings, or is far more than what most values take.
func Room(t *shape.Type, v *jen.Statement) *jen.Statement {
	const longest, most = 256, 5 // bytes beside the strings, and strings
	var r room
	if !r.value(t, v) || r.constant > longest || len(r.strings) > most {
		return nil
	}
	sum := jen.Lit(r.constant)
	for _, s := range r.strings {
		sum = sum.Op("+").Len(s)
	}
	return sum
}

// room adds up the longest JSON of values.
type room struct {
	constant int
	strings  []jen.Code // whose lengths are to be added
}

// value adds v's JSON. It is false if a variable number of values may be in there.
func (r *room) value(t *shape.Type, v *jen.Statement) bool {
	switch t.Kind {
	case shape.Bool:
		r.constant += len("false")
	case shape.Int, shape.Uint:
		r.constant += len("-1234567890")
	case shape.Float:
		r.constant += len("-1.7976931348623157e+308")
	case shape.Time:
		r.constant += len(`"2006-01-02T15:04:05.999999999-07:00"`)
	case shape.UUID:
		r.constant += len(`"00000000-0000-0000-0000-000000000000"`)
	case shape.String:
		r.constant += len(`""`)
		r.strings = append(r.strings, v)
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
