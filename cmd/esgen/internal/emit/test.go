package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// test writes the test file: every chain, and round trips of the serializers.
func (w *writer) test(f *jen.File) {
	for _, a := range w.Aggregates {
		for _, v := range a.Old() {
			w.chainTest(f, a, v)
		}
		if len(a.Old()) > 0 {
			w.fuzzChain(f, a)
		}
	}
	w.serial.EmitTests(f)
}

// chainTest writes a fuzz target, which go test runs with its seed.
func (w *writer) chainTest(f *jen.File, a *model.Aggregate, v *model.Version) {
	f.Line()
	f.Func().Id("FuzzUpcast" + names.Upper(v.Go)).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(
		jen.Id(fuzzName(a)).Call(jen.Id("f"), jen.Lit(v.Event.Name), jen.Lit(v.Schema), jen.Id(v.Go).Values()))
}

func fuzzName(a *model.Aggregate) string { return "fuzz" + names.Upper(a.Go) + "Upcasters" }

// fuzzChain writes what the fuzz targets of one aggregate share.
func (w *writer) fuzzChain(f *jen.File, a *model.Aggregate) {
	comment(f, "%s takes texts through the upcasters from one version: "+
		"without a panic, and to events of the latest versions that can be stored.", fuzzName(a))
	f.Func().Id(fuzzName(a)).Params(
		jen.Id("f").Op("*").Qual("testing", "F"), jen.Id("name").String(), jen.Id("schema").Int(), jen.Id("zero").Any(),
	).Block(
		jen.If(jen.List(jen.Id("seed"), jen.Err()).Op(":=").Qual("encoding/json", "Marshal").Call(jen.Id("zero")), jen.Err().Op("==").Nil()).
			Block(jen.Id("f").Dot("Add").Call(jen.Id("seed"))),
		jen.Id("f").Dot("Fuzz").Call(jen.Func().Params(jen.Id("t").Op("*").Qual("testing", "T"), jen.Id("data").Index().Byte()).Block(
			jen.List(jen.Id("events"), jen.Err()).Op(":=").Id(upcastName(a)).Call(jen.Id("name"), jen.Id("schema"), jen.Id("data")),
			jen.If(jen.Err().Op("!=").Nil()).Block(
				jen.If(jen.Qual("errors", "Is").Call(jen.Err(), jen.Qual(upcast, "ErrUnknownType")).Op("||").
					Qual("errors", "Is").Call(jen.Err(), jen.Qual(upcast, "ErrUnknownSchema"))).
					Block(jen.Id("t").Dot("Error").Call(jen.Err())),
				jen.Return().Comment("no such event, or refused by an upcaster"),
			),
			jen.For(jen.List(jen.Id("_"), jen.Id("event")).Op(":=").Range().Id("events")).Block(
				jen.If(
					jen.List(jen.Id("_"), jen.Id("_"), jen.Id("_"), jen.Err()).Op(":=").
						Parens(jen.Id(names.Type(a.Go)).Values()).Dot("Encode").Call(jen.Nil(), jen.Id("event")),
					jen.Err().Op("!=").Nil()).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("%s became %#v: %v"), jen.Id("data"), jen.Id("event"), jen.Err())),
			),
		)),
	)
}
