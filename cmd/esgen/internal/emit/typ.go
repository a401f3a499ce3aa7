package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/emit/serial"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// ifErr writes the usual check of an error.
func ifErr(call jen.Code, results ...jen.Code) *jen.Statement {
	return jen.If(jen.Err().Op(":=").Add(call), jen.Err().Op("!=").Nil()).Block(
		jen.Return(append(results, jen.Err())...))
}

// writeType writes the implementation of aggregate.Type.
func (w *writer) writeType(f *jen.File, a *model.Aggregate) {
	typ := w.typ[a]
	comment(f, "%s tells repositories how to load and save %s.", typ, article(a.Go))
	f.Type().Id(typ).Struct()
	f.Line()
	f.Var().Id("_").Qual(aggregate, "Type").Types(jen.Id(a.Go)).Op("=").Id(typ).Values()
	f.Line()
	method := func() *jen.Statement { return f.Func().Params(jen.Id(typ)) }
	state := jen.Id("a").Op("*").Id(a.Go)

	method().Id("Category").Params().String().Block(jen.Return(jen.Lit(a.Category)))
	f.Line()
	method().Id("Root").Params(state).Op("*").Qual(aggregate, "Root").Block(jen.Return(jen.Op("&").Id("a").Dot("Root")))
	f.Line()
	method().Id("Fingerprint").Params().String().Block(jen.Return(jen.Lit(shape.Fingerprint(a.State, a.Fold, a.Code))))

	comment(f, "Replay decodes and applies a stored event. Those of the latest schema version take the short way.")
	method().Id("Replay").Params(state, jen.Id("row").Qual(es, "Row")).Error().BlockFunc(func(g *jen.Group) { w.writeReplay(g, a) })

	comment(f, "Apply applies an event.")
	method().Id("Apply").Params(state, jen.Id("event").Any()).Error().Block(
		jen.Switch(jen.Id("e").Op(":=").Id("event").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
			for _, v := range a.Latest() {
				g.Case(jen.Id(v.Go)).Block(jen.Id("a").Dot(names.Apply(v.Go)).Call(jen.Id("e")))
			}
			g.Default().Block(jen.Return(noEvent("applying %T to "+article(a.Go), a, jen.Id("event"))))
		}),
		jen.Return(jen.Nil()),
	)

	comment(f, "Encode appends the stored form of an event to dst, or to memory of its own if that is nil, and returns that part.")
	method().Id("Encode").Params(jen.Id("dst").Index().Byte(), jen.Id("event").Any()).
		Params(jen.Id("name").String(), jen.Id("schema").Int(), jen.Id("data").Index().Byte(), jen.Err().Error()).
		Block(
			jen.Id("n").Op(":=").Len(jen.Id("dst")),
			jen.Switch(jen.Id("e").Op(":=").Id("event").Assert(jen.Type())).BlockFunc(func(g *jen.Group) {
				for _, v := range a.Latest() {
					g.Case(jen.Id(v.Go)).BlockFunc(func(g *jen.Group) {
						g.List(jen.Id("name"), jen.Id("schema")).Op("=").List(jen.Lit(v.Event.Name), jen.Lit(v.Schema))
						w.writeEncode(g, v)
					})
				}
				g.Default().Block(jen.Err().Op("=").Add(noEvent("encoding %T as an event of "+article(a.Go), a, jen.Id("event"))))
			}),
			jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Id("name"), jen.Id("schema"), jen.Nil(), jen.Err())),
			jen.Return(jen.Id("name"), jen.Id("schema"), jen.Id("dst").Index(jen.Id("n").Op(":")), jen.Nil()),
		)

	comment(f, "AppendState appends the state as a snapshot holds it.")
	method().Id("AppendState").Params(jen.Id("dst").Index().Byte(), state).Params(jen.Index().Byte(), jen.Error()).
		Block(jen.Return(jen.Id(w.states[a].append).Call(jen.Id("dst"), jen.Id("a"))))
}

// writeEncode appends an event to dst: where that is nil to memory of about the right size, or by way of a buffer.
func (w *writer) writeEncode(g *jen.Group, v *model.Version) {
	encode := func(dst *jen.Statement) *jen.Statement {
		return jen.Id(w.codecs[v].append).Call(dst, jen.Op("&").Id("e"))
	}
	result := jen.List(jen.Id("dst"), jen.Err())
	if room := serial.Room(v.Shape, jen.Id("e")); room != nil {
		g.Add(result).Op("=").Add(encode(jen.Qual(codec, "Room").Call(jen.Id("dst"), room)))
		return
	}
	g.Id("scratch").Op(":=").Qual(codec, "NewScratch").Call(jen.Id("dst"))
	g.Add(result).Op("=").Id("scratch").Dot("Done").Call(encode(jen.Id("scratch").Dot("Dst")))
}

// noEvent is the error for a value that is no event of the aggregate.
func noEvent(doing string, a *model.Aggregate, value jen.Code) *jen.Statement {
	return jen.Qual("fmt", "Errorf").Call(
		jen.Lit(doing+": its events are "+andList(goNames(a.Latest()))+", as values, not pointers"), value)
}

func (w *writer) writeReplay(g *jen.Group, a *model.Aggregate) {
	g.Switch(jen.Id("row").Dot("Type")).BlockFunc(func(g *jen.Group) {
		for _, v := range a.Latest() {
			g.Case(jen.Lit(v.Event.Name)).Block(
				jen.If(jen.Id("row").Dot("Schema").Op("==").Lit(v.Schema)).Block(
					jen.Var().Id("e").Id(v.Go),
					ifErr(jen.Id(w.codecs[v].decode).Call(jen.Id("row").Dot("Data"), jen.Op("&").Id("e"))),
					jen.Id("a").Dot(names.Apply(v.Go)).Call(jen.Id("e")),
					jen.Return(jen.Nil()),
				),
			)
		}
		g.Case(jen.Lit("")).Block(
			jen.Comment("A snapshot of the state."),
			jen.Return(jen.Id(w.states[a].decode).Call(jen.Id("row").Dot("Data"), jen.Id("a"))))
	})
	g.List(jen.Id("events"), jen.Err()).Op(":=").Id(w.upcast[a]).Call(
		jen.Id("row").Dot("Type"), jen.Id("row").Dot("Schema"), jen.Id("row").Dot("Data"))
	g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	g.For(jen.List(jen.Id("_"), jen.Id("event")).Op(":=").Range().Id("events")).Block(
		ifErr(jen.Parens(jen.Id(w.typ[a]).Values()).Dot("Apply").Call(jen.Id("a"), jen.Id("event"))))
	g.Return(jen.Nil())
}
