package serial

import (
	"go/types"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// emitGuards writes, for each struct of the package that is stored, an
// assignment to a variable of the struct's type as it was: it compiles as long as
// fields, types and tags are the same.
func (g *Generator) emitGuards(f *jen.File) {
	done := map[string]bool{}
	var guarded []types.Type
	var visit func(t *shape.Type)
	visit = func(t *shape.Type) {
		if t == nil {
			return
		}
		key := types.TypeString(t.Go, nil)
		if done[key] {
			return
		}
		done[key] = true
		if n := t.Named(); n != nil && n.Obj().Pkg() == g.pkg {
			if _, ok := n.Underlying().(*types.Struct); ok {
				guarded = append(guarded, n)
			}
		}
		if st, ok := t.Go.Underlying().(*types.Struct); ok {
			for f := range st.Fields() {
				if f.Embedded() { // also those of which no field is stored now
					visit(&shape.Type{Go: embeddedType(f)})
				}
			}
		}
		visit(t.Elem)
		for _, field := range t.Fields {
			visit(field.Type)
		}
	}
	for _, t := range g.guards {
		visit(t)
	}
	if len(guarded) == 0 {
		return
	}
	f.Comment("If one of these doesn't compile, a struct or a tag was changed after esgen ran: run it again.")
	f.Var().DefsFunc(func(group *jen.Group) {
		for _, t := range guarded {
			group.Id("_").Add(structCode(t.Underlying().(*types.Struct))).Op("=").Add(typeCode(t)).Values()
		}
	})
	f.Line()
}

// embeddedType returns the type that f embeds, without the pointer.
func embeddedType(f *types.Var) types.Type {
	t := types.Unalias(f.Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	return t
}
