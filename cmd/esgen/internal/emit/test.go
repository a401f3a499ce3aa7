package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// test writes the test file: round trips of the serializers, and every chain.
func (w *writer) test(f *jen.File) {
	for _, a := range w.Aggregates {
		for _, v := range a.Old() {
			w.chainTest(f, a, v)
		}
	}
	w.serial.EmitTests(f)
}

// chainTest writes a fuzz target, which go test runs with its seed: whatever an old version
// holds must come out of its chain as events of the latest, or as an error of an upcaster.
func (w *writer) chainTest(f *jen.File, a *model.Aggregate, v *model.Version) {
	comment(f, "Any version %d of %s must go through its upcasters without a panic.", v.Schema, v.Event.Name)
	f.Func().Id("FuzzUpcast"+names.Upper(v.Go)).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(
		jen.List(jen.Id("seed"), jen.Err()).Op(":=").Qual("encoding/json", "Marshal").Call(jen.Id(v.Go).Values()),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Id("f").Dot("Fatal").Call(jen.Err())),
		jen.Id("f").Dot("Add").Call(jen.Id("seed")),
		jen.Id("f").Dot("Fuzz").Call(jen.Func().Params(jen.Id("t").Op("*").Qual("testing", "T"), jen.Id("data").Index().Byte()).Block(
			jen.Var().Id("e").Id(v.Go),
			jen.If(jen.Id(w.codecs[v].decode).Call(jen.Id("data"), jen.Op("&").Id("e")).Op("!=").Nil()).Block(
				jen.Return().Comment("no such event"),
			),
			jen.List(jen.Id("events"), jen.Err()).Op(":=").Id(upcastName(a)).Call(
				jen.Lit(v.Event.Name), jen.Lit(v.Schema), jen.Id("data")),
			jen.If(jen.Err().Op("!=").Nil()).Block(
				jen.If(jen.List(jen.Id("_"), jen.Id("ok")).Op(":=").
					Qual("errors", "AsType").Types(jen.Op("*").Qual(upcast, "Error")).Call(jen.Err()), jen.Op("!").Id("ok")).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("%s is not from an upcaster: %v"), jen.Id("data"), jen.Err())),
				jen.Return(),
			),
			jen.For(jen.List(jen.Id("_"), jen.Id("event")).Op(":=").Range().Id("events")).Block(
				jen.If(
					jen.List(jen.Id("_"), jen.Id("_"), jen.Id("_"), jen.Err()).Op(":=").
						Parens(jen.Id(names.Type(a.Go)).Values()).Dot("Encode").Call(jen.Nil(), jen.Id("event")),
					jen.Err().Op("!=").Nil()).Block(
					jen.Id("t").Dot("Errorf").Call(jen.Lit("%s became %#v, which can't be encoded: %v"), jen.Id("data"), jen.Id("event"), jen.Err())),
			),
		)),
	)
}
