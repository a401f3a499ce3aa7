package emit

import (
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

// writeTarget writes a fuzz target, which go test runs with its seed.
func (w *writer) writeTarget(f *jen.File, a *model.Aggregate, v *model.Version) {
	f.Line()
	f.Func().Id(w.target[v]).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(
		jen.Id(w.fuzz[a]).Call(jen.Id("f"), jen.Lit(v.Event.Name), jen.Lit(v.Schema), jen.Id(v.Go).Values()))
}

// writeFuzz writes what the fuzz targets of one aggregate share.
func (w *writer) writeFuzz(f *jen.File, a *model.Aggregate) {
	comment(f, "%s takes texts through the upcasters from one version: "+
		"without a panic, and to events of the latest versions that can be stored.", w.fuzz[a])
	f.Func().Id(w.fuzz[a]).Params(
		jen.Id("f").Op("*").Qual("testing", "F"), jen.Id("name").String(), jen.Id("schema").Int(), jen.Id("zero").Any(),
	).Block(
		jen.If(jen.List(jen.Id("seed"), jen.Err()).Op(":=").Qual("encoding/json", "Marshal").Call(jen.Id("zero")), jen.Err().Op("==").Nil()).
			Block(jen.Id("f").Dot("Add").Call(jen.Id("seed"))),
		jen.Id("f").Dot("Fuzz").Call(jen.Func().Params(jen.Id("t").Op("*").Qual("testing", "T"), jen.Id("data").Index().Byte()).Block(
			jen.List(jen.Id("events"), jen.Err()).Op(":=").Id(w.upcast[a]).Call(jen.Id("name"), jen.Id("schema"), jen.Id("data")),
			jen.If(jen.Err().Op("!=").Nil()).Block(
				jen.If(jen.Qual("errors", "Is").Call(jen.Err(), jen.Qual(upcast, "ErrUnknownType")).Op("||").
					Qual("errors", "Is").Call(jen.Err(), jen.Qual(upcast, "ErrUnknownSchema"))).
					Block(jen.Id("t").Dot("Error").Call(jen.Err())),
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
}
