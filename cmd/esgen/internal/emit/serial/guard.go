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
		visit(t.Elem)
		for _, field := range t.Fields {
			visit(field.Type)
			for _, e := range g.embedded(t.Go, field) {
				visit(&shape.Type{Go: e})
			}
		}
	}
	for _, t := range g.guards {
		visit(t)
	}
	if len(guarded) == 0 {
		return
	}
	f.Comment("If one of these doesn't compile, a struct or a tag was changed after esgen\nran: run it again.")
	f.Var().DefsFunc(func(group *jen.Group) {
		for _, t := range guarded {
			group.Id("_").Add(structCode(t.Underlying().(*types.Struct))).Op("=").Add(typeCode(t)).Values()
		}
	})
	f.Line()
}

// embedded returns the types of the structs that a field was promoted from.
func (g *Generator) embedded(t types.Type, field *shape.Field) []types.Type {
	var out []types.Type
	for _, step := range field.Steps {
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return out
		}
		for f := range st.Fields() {
			if f.Name() == step.Name {
				t = f.Type()
			}
		}
		if p, ok := types.Unalias(t).(*types.Pointer); ok {
			t = p.Elem()
		}
		t = types.Unalias(t)
		out = append(out, t)
	}
	return out
}
