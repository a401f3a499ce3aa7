package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/internal/golden"
)

// writeTest writes the test file: the golden corpus, every chain, and round trips of the serializers.
func (w *writer) writeTest(f *jen.File) {
	for _, a := range w.Aggregates {
		w.writeChain(f, a)
		w.writeGoldens(f, a)
		for _, v := range a.Old() {
			w.writeTarget(f, a, v)
		}
	}
	w.serial.EmitTests(f)
}

// writeChain writes what the tests of one aggregate share.
func (w *writer) writeChain(f *jen.File, a *model.Aggregate) {
	comment(f, "%s reads and writes the events of %s.", w.chain[a], article(a.Go))
	sum := names.Sum(a.Go)
	f.Var().Id(w.chain[a]).Op("=").Qual(upcasttest, "Chain").Types(jen.Id(sum)).Values(
		jen.Line().Id("Decode").Op(":").Id(w.upcast[a]),
		jen.Line().Id("Encode").Op(":").Id(w.typ[a]).Values().Dot("Encode"),
		jen.Line().Id("Latest").Op(":").Index().Id(sum).ValuesFunc(func(g *jen.Group) {
			for _, v := range a.Latest() {
				g.Id(v.Go).Values()
			}
		}),
		jen.Line(),
	)
	f.Line()
}

// writeGoldens writes the test of the golden corpus.
func (w *writer) writeGoldens(f *jen.File, a *model.Aggregate) {
	f.Func().Id(w.goldens[a]).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Qual(upcasttest, "Goldens").CallFunc(func(g *jen.Group) {
			g.Id("t")
			g.Id(w.chain[a])
			for _, e := range a.Events {
				g.Line().Lit(goldenFile(e))
			}
			g.Line()
		}))
	f.Line()
}

// goldenFile returns the path of an event's goldens within the package.
func goldenFile(e *model.Event) string {
	return lock.Dir + "/" + golden.Dir + "/" + lock.FileName(e.Name)
}

// writeTarget writes the fuzz target of an old version.
func (w *writer) writeTarget(f *jen.File, a *model.Aggregate, v *model.Version) {
	args := []jen.Code{jen.Id("f"), jen.Id(w.chain[a]), jen.Lit(v.Event.Name), jen.Lit(v.Schema), jen.Lit(goldenFile(v.Event))}
	call := jen.Qual(upcasttest, "Fuzz")
	switch u := v.Upcast; {
	case v.Type != nil && !u.Written():
		call = jen.Qual(upcasttest, "FuzzStruct")
		args = append(args, jen.Id(w.codecs[v].decode), jen.Lit(!v.Shape.Departs()))
	case v.Type != nil:
		call = jen.Qual(upcasttest, "FuzzLocked").Types(jen.Id(v.Go))
	case u.Written():
		if old := oldType(v.Shape); old != nil {
			call = jen.Qual(upcasttest, "FuzzLocked").Types(old)
		}
	}
	f.Func().Id(w.target[v]).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(call.Call(args...))
	f.Line()
}
