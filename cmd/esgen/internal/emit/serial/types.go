package serial

import (
	"go/types"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/dave/jennifer/jen"
)

func title(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// typeCode writes a type as source.
func typeCode(t types.Type) *jen.Statement {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return namedCode(t.Obj(), t.TypeArgs())
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return jen.Qual("unsafe", "Pointer")
		}
		return jen.Id(t.Name())
	case *types.Pointer:
		return jen.Op("*").Add(typeCode(t.Elem()))
	case *types.Slice:
		return jen.Index().Add(typeCode(t.Elem()))
	case *types.Array:
		return jen.Index(jen.Lit(int(t.Len()))).Add(typeCode(t.Elem()))
	case *types.Map:
		return jen.Map(typeCode(t.Key())).Add(typeCode(t.Elem()))
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			return jen.Chan().Op("<-").Parens(typeCode(t.Elem()))
		case types.RecvOnly:
			return jen.Op("<-").Chan().Parens(typeCode(t.Elem()))
		}
		return jen.Chan().Parens(typeCode(t.Elem()))
	case *types.Signature:
		return jen.Func().Add(signature(t))
	case *types.Interface:
		return interfaceCode(t)
	case *types.Struct:
		return structCode(t)
	}
	return jen.Id(t.String())
}

func namedCode(name *types.TypeName, args *types.TypeList) *jen.Statement {
	s := jen.Id(name.Name())
	if pkg := name.Pkg(); pkg != nil {
		s = jen.Qual(pkg.Path(), name.Name())
	}
	if args.Len() > 0 {
		s.TypesFunc(func(g *jen.Group) {
			for arg := range args.Types() {
				g.Add(typeCode(arg))
			}
		})
	}
	return s
}

func signature(t *types.Signature) *jen.Statement {
	params := func(tuple *types.Tuple, variadic bool) []jen.Code {
		var list []jen.Code
		for i := range tuple.Len() {
			p := tuple.At(i).Type()
			if s, ok := p.(*types.Slice); ok && variadic && i == tuple.Len()-1 {
				list = append(list, jen.Op("...").Add(typeCode(s.Elem())))
				continue
			}
			list = append(list, typeCode(p))
		}
		return list
	}
	s := jen.Params(params(t.Params(), t.Variadic())...)
	if t.Results().Len() > 0 {
		s.Params(params(t.Results(), false)...)
	}
	return s
}

func interfaceCode(t *types.Interface) *jen.Statement {
	return jen.InterfaceFunc(func(g *jen.Group) {
		for m := range t.ExplicitMethods() {
			g.Id(m.Name()).Add(signature(m.Signature()))
		}
		for e := range t.EmbeddedTypes() {
			g.Add(typeCode(e))
		}
	})
}

func structCode(t *types.Struct) *jen.Statement {
	return jen.StructFunc(func(g *jen.Group) {
		for i := range t.NumFields() {
			f := t.Field(i)
			var s *jen.Statement
			if f.Embedded() {
				s = g.Add(embeddedCode(f.Type()))
			} else {
				s = g.Id(f.Name()).Add(typeCode(f.Type()))
			}
			if tag := t.Tag(i); tag != "" {
				s.Op(tagLiteral(tag))
			}
		}
	})
}

// embeddedCode writes the type of an embedded field, by the name of an alias if that is what is
// embedded: it is the field's name.
func embeddedCode(t types.Type) *jen.Statement {
	switch t := t.(type) {
	case *types.Pointer:
		return jen.Op("*").Add(embeddedCode(t.Elem()))
	case *types.Alias:
		return namedCode(t.Obj(), t.TypeArgs())
	}
	return typeCode(t)
}

func tagLiteral(tag string) string {
	if strconv.CanBackquote(tag) {
		return "`" + tag + "`"
	}
	return strconv.Quote(tag)
}

// convert writes x as a value of type to, which has type from.
func convert(x jen.Code, from types.Type, to types.BasicKind) *jen.Statement {
	if types.Identical(from, types.Typ[to]) {
		return jen.Add(x)
	}
	return jen.Id(types.Typ[to].Name()).Call(x)
}

// convertTo writes x, of basic type from, as a value of type to.
func convertTo(x jen.Code, from types.BasicKind, to types.Type) *jen.Statement {
	if types.Identical(to, types.Typ[from]) {
		return jen.Add(x)
	}
	return typeCode(to).Call(x)
}
