package emit

import (
	"cmp"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// writeGuards writes declarations that compile as long as the named numbers, strings and
// booleans within what is stored are made of what they were. The serializers would convert
// whatever they become. (Structs have guards of their own.)
func (w *writer) writeGuards(f *jen.File) {
	found := map[*types.TypeName]*types.Basic{}
	for _, a := range w.Aggregates {
		w.findBasics(a.State, found)
		for _, e := range a.Events {
			for _, v := range e.Versions {
				if v.Type != nil {
					w.findBasics(v.Shape, found)
				}
			}
		}
	}
	basics := slices.SortedFunc(maps.Keys(found), func(a, b *types.TypeName) int {
		return cmp.Or(strings.Compare(a.Pkg().Path(), b.Pkg().Path()), strings.Compare(a.Name(), b.Name()))
	})
	if len(basics) == 0 {
		return
	}
	comment(f, "If one of these doesn't compile, a type was changed after esgen ran: run it again. But if events with "+
		"it are stored already, first give the new shape a version of its own.")
	for _, name := range basics {
		const changed = "typeChangedRunEsgenAgain"
		f.Func().Id("_").Params().Block(
			jen.Type().Id(changed).Id(found[name].Name()),
			jen.Id("_").Op("=").Parens(jen.Op("*").Id(changed)).
				Parens(jen.Parens(jen.Op("*").Qual(name.Pkg().Path(), name.Name())).Parens(jen.Nil())),
		)
		f.Line()
	}
}

// findBasics finds the named types within t that are made of basic ones, but for those of
// the standard library, which don't change.
func (w *writer) findBasics(t *shape.Type, found map[*types.TypeName]*types.Basic) {
	for t := range t.All() {
		named := t.Named()
		if named == nil || t.Kind == shape.Marshaler || t.Kind == shape.Text {
			continue
		}
		basic, ok := named.Underlying().(*types.Basic)
		if pkg := named.Obj().Pkg(); ok && (pkg == w.Types || !shape.IsStandard(w.Path, pkg.Path())) && named.TypeArgs() == nil {
			found[named.Obj()] = basic
		}
	}
}
