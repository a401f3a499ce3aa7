package serial

import (
	"go/types"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// emitGuards writes, for each struct that is stored field by field, a call with a parameter
// of the struct's type as it was: it compiles as long as fields, types and tags are the same.
func (g *Generator) emitGuards(f *jen.File) {
	done := map[string]bool{}
	var guarded []types.Type
	var aliases []*types.Alias // that are embedded
	var visit func(t *shape.Type)
	visit = func(t *shape.Type) {
		if t == nil || t.Kind == shape.Marshaler || t.Kind == shape.Text {
			return // its fields are its own affair
		}
		key := types.TypeString(t.Go, nil)
		if done[key] {
			return
		}
		done[key] = true
		if n := t.Named(); n != nil && g.canGuard(n) {
			guarded = append(guarded, n)
		}
		if st, ok := t.Go.Underlying().(*types.Struct); ok {
			for f := range st.Fields() {
				if alias := embeddedAlias(f); alias != nil && f.Pkg() == g.pkg && g.canWrite(alias) && !slices.Contains(aliases, alias) {
					aliases = append(aliases, alias)
				}
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
	f.Comment("But if events of the old shape are stored already, first give the new one a version of its own:")
	f.Comment("version=N, with the old struct and an upcaster from it. A new field that may be missing needs")
	f.Comment("none, with omitempty or esgen:\"default=…\" in its tag.")
	for _, t := range guarded {
		guard(f, structCode(t.Underlying().(*types.Struct)), typeCode(t).Values())
	}
	for _, alias := range aliases {
		guard(f, jen.Op("*").Add(typeCode(alias)), jen.Parens(jen.Op("*").Add(embeddedCode(alias))).Parens(jen.Nil()))
	}
}

// guard writes a call that compiles as long as value can be assigned to the type was. Where it can't, the
// compiler prints the name of the function.
func guard(f *jen.File, was, value jen.Code) {
	const name = "structChangedRunEsgenAgain"
	f.Func().Id("_").Params(jen.Id(name).Func().Params(was)).Block(jen.Id(name).Call(value))
	f.Line()
}

// canGuard reports whether t is a struct that can change between two runs of esgen and
// whose fields, names and types, can be written down in the package.
func (g *Generator) canGuard(t *types.Named) bool {
	st, ok := t.Underlying().(*types.Struct)
	pkg := t.Obj().Pkg()
	if !ok || pkg != g.pkg && (shape.IsStandard(g.pkg.Path(), pkg.Path()) || !shape.CanName(g.pkg, t)) {
		return false
	}
	for f := range st.Fields() {
		if !f.Exported() && f.Pkg() != g.pkg || pkg != g.pkg && !g.canWrite(f.Type()) {
			return false
		}
	}
	return true
}

// canWrite reports whether a field's type can be written in the package.
func (g *Generator) canWrite(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return true
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if !g.canWrite(arg) {
				return false
			}
		}
		return shape.CanName(g.pkg, t)
	case *types.Pointer:
		return g.canWrite(t.Elem())
	case *types.Slice:
		return g.canWrite(t.Elem())
	case *types.Array:
		return g.canWrite(t.Elem())
	case *types.Map:
		return g.canWrite(t.Key()) && g.canWrite(t.Elem())
	}
	return false
}

// embeddedAlias returns the alias by which f embeds its type, nil if there is none.
func embeddedAlias(f *types.Var) *types.Alias {
	t := f.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	alias, ok := t.(*types.Alias)
	if !ok || !f.Embedded() {
		return nil
	}
	return alias
}

// embeddedType returns the type that f embeds, without the pointer.
func embeddedType(f *types.Var) types.Type {
	t := types.Unalias(f.Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	return t
}
