package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// oldType returns a Go type of a locked shape for encoding/json, without names: the code has none of it any more. It is
// nil if there is a type in it that marshals itself, in a way that the lock doesn't know.
func oldType(t *shape.Type) *jen.Statement {
	p := &oldPrinter{within: map[*shape.Type]bool{}}
	code := p.typ(t)
	if p.unknown {
		return nil
	}
	return code
}

type oldPrinter struct {
	within  map[*shape.Type]bool // the types that are being printed
	unknown bool
}

func (p *oldPrinter) typ(t *shape.Type) *jen.Statement {
	switch t.Kind {
	case shape.Pointer, shape.Slice, shape.Map:
		if p.within[t] || p.within[t.Elem] {
			return jen.Qual(upcasttest, "Null")
		}
	}
	p.within[t] = true
	defer delete(p.within, t)
	switch t.Kind {
	case shape.Pointer:
		return jen.Op("*").Add(p.typ(t.Elem))
	case shape.Slice:
		return jen.Index().Add(p.typ(t.Elem))
	case shape.Array:
		return jen.Index(jen.Lit(int(t.Len))).Add(p.typ(t.Elem))
	case shape.Map:
		return jen.Map(p.typ(t.Key)).Add(p.typ(t.Elem))
	case shape.Bytes:
		return jen.Index().Byte()
	case shape.Time:
		return jen.Qual("time", "Time")
	case shape.UUID:
		return jen.Qual(upcasttest, "UUID")
	case shape.Raw:
		return jen.Qual("encoding/json", "RawMessage")
	case shape.Number:
		return jen.Qual("encoding/json", "Number")
	case shape.Bool, shape.String, shape.Int, shape.Uint, shape.Float:
		return jen.Id(lock.Basic(t))
	case shape.Struct:
		return p.structure(t)
	}
	p.unknown = true
	return jen.Any()
}

func (p *oldPrinter) structure(t *shape.Type) *jen.Statement {
	used := map[string]bool{}
	return jen.StructFunc(func(g *jen.Group) {
		for _, f := range t.Fields {
			name := f.Go
			for used[name] {
				name += "_"
			}
			used[name] = true
			tag := f.Name
			for _, option := range []struct {
				name string
				is   bool
			}{{"omitempty", f.OmitEmpty || f.Behind && !f.OmitZero}, {"omitzero", f.OmitZero}, {"string", f.Quoted}} {
				if option.is {
					tag += "," + option.name
				}
			}
			if strings.HasPrefix(tag, "-") && f.Name == "-" {
				tag = "-," + strings.TrimPrefix(tag, "-")
			}
			g.Id(name).Add(p.typ(f.Type)).Tag(map[string]string{"json": tag})
		}
	})
}
