package emit

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
)

// writeTest writes the test file: every chain, and round trips of the serializers.
func (w *writer) writeTest(f *jen.File) {
	for _, a := range w.Aggregates {
		for _, v := range a.Old() {
			w.writeTarget(f, a, v)
		}
		if len(a.Old()) > 0 {
			w.writeFuzz(f, a)
		}
	}
	w.serial.EmitTests(f)
}

// writeTarget writes a fuzz target, which go test runs with its samples.
func (w *writer) writeTarget(f *jen.File, a *model.Aggregate, v *model.Version) {
	f.Line()
	f.Func().Id(w.target[v]).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(
		jen.Id(w.fuzz[a]).CallFunc(func(g *jen.Group) {
			g.Id("f")
			g.Lit(v.Event.Name)
			g.Lit(v.Schema)
			if text, ok := sample(v.Shape); ok {
				g.Id(quote(text))
			}
		}))
}

// writeFuzz writes what the fuzz targets of one aggregate share.
func (w *writer) writeFuzz(f *jen.File, a *model.Aggregate) {
	comment(f, "%s takes samples and other texts through the upcasters from one version: "+
		"without a panic, and to events of the latest versions that can be stored.", w.fuzz[a])
	upcastData := func(data jen.Code) *jen.Statement {
		return jen.Id(w.upcast[a]).Call(jen.Id("name"), jen.Id("schema"), data)
	}
	f.Func().Id(w.fuzz[a]).Params(
		jen.Id("f").Op("*").Qual("testing", "F"), jen.Id("name").String(), jen.Id("schema").Int(), jen.Id("samples").Op("...").String(),
	).Block(
		jen.For(jen.List(jen.Id("_"), jen.Id("sample")).Op(":=").Range().Id("samples")).Block(
			jen.Id("data").Op(":=").Index().Byte().Parens(jen.Id("sample")),
			jen.List(jen.Id("_"), jen.Err()).Op(":=").Add(upcastData(jen.Id("data"))),
			jen.If(
				jen.List(jen.Id("_"), jen.Id("refused")).Op(":=").Qual("errors", "AsType").Types(jen.Op("*").Qual(upcast, "Error")).Call(jen.Err()),
				jen.Err().Op("!=").Nil().Op("&&").Op("!").Id("refused"),
			).Block(jen.Id("f").Dot("Fatalf").Call(jen.Lit("upcast %s: %v"), jen.Id("sample"), jen.Err())),
			jen.Id("f").Dot("Add").Call(jen.Id("data")),
		),
		jen.Id("f").Dot("Fuzz").Call(jen.Func().Params(jen.Id("t").Op("*").Qual("testing", "T"), jen.Id("data").Index().Byte()).Block(
			jen.List(jen.Id("events"), jen.Err()).Op(":=").Add(upcastData(jen.Id("data"))),
			jen.If(jen.Err().Op("!=").Nil()).Block(
				jen.Return().Comment("no such event, or refused by an upcaster"),
			),
			jen.For(jen.List(jen.Id("_"), jen.Id("event")).Op(":=").Range().Id("events")).Block(
				jen.If(
					jen.List(jen.Id("_"), jen.Id("_"), jen.Id("_"), jen.Err()).Op(":=").
						Parens(jen.Id(w.typ[a]).Values()).Dot("Encode").Call(jen.Nil(), jen.Id("event")),
					jen.Err().Op("!=").Nil()).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("%s became %#v: %v"), jen.Id("data"), jen.Id("event"), jen.Err())),
			),
		)),
	)
	f.Line()
}

// quote returns a Go literal of JSON, in back quotes where that is possible.
func quote(text string) string {
	if strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}
