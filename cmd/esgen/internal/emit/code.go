package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// writeCode writes the generated file: first what people use, then what repositories do, then
// the serializers.
func (w *writer) writeCode(f *jen.File) {
	for _, a := range w.Aggregates {
		w.writeSum(f, a)
		w.writeConstructors(f, a)
		w.writeDecode(f, a)
		for _, v := range a.Latest() {
			w.writeRecord(f, a, v)
		}
	}
	comment(f, "This code does not compile against a run-time older than it was generated for.")
	f.Const().Defs(
		jen.Id("_").Op("=").Qual(aggregate, "Generation1"),
		jen.Id("_").Op("=").Qual(codec, "Generation1"),
	)
	w.writeGuards(f)
	for _, a := range w.Aggregates {
		w.writeType(f, a)
		w.writeUpcast(f, a)
		for _, v := range a.Old() {
			w.writeLift(f, v)
		}
	}
	w.serial.Emit(f)
}

// goNames returns the Go names of events.
func goNames(events []*model.Version) []string {
	all := make([]string, len(events))
	for i, v := range events {
		all[i] = v.Go
	}
	return all
}

// article returns the indefinite article for a name.
func article(name string) string {
	if name != "" && strings.ContainsRune("AEIOaeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// writeSum writes the sealed sum of an aggregate's events.
func (w *writer) writeSum(f *jen.File, a *model.Aggregate) {
	sum, latest := names.Sum(a.Go), a.Latest()
	comment(f, "%s is an event of %s: %s.", sum, article(a.Go), orList(goNames(latest)))
	f.Type().Id(sum).Interface(jen.Id(names.SumMethod(a.Go)).Params())
	f.Line()
	for _, v := range latest {
		f.Func().Params(jen.Id(v.Go)).Id(names.SumMethod(a.Go)).Params().Block()
	}
}

// writeConstructors writes New and NewRepository.
func (w *writer) writeConstructors(f *jen.File, a *model.Aggregate) {
	typ := w.typ[a]
	comment(f, "%s returns a new %s with the given id, at version 0 and with nothing recorded.", a.New, a.Go)
	f.Func().Id(a.New).Params(jen.Id("id").String()).Op("*").Id(a.Go).Block(
		jen.Id("a").Op(":=").New(jen.Id(a.Go)),
		jen.Qual(aggregate, "Init").Call(jen.Op("&").Id("a").Dot("Root"), jen.Id("id"), jen.Id(typ).Values()),
		jen.Return(jen.Id("a")),
	)
	comment(f, "%s returns the repository that loads aggregates of type %s from store and saves them there.", a.NewRepository, a.Go)
	repo := jen.Qual(repository, "Repository").Types(jen.Id(a.Go))
	f.Func().Id(a.NewRepository).
		Params(jen.Id("store").Qual(es, "Store"), jen.Id("opts").Op("...").Qual(repository, "Option")).
		Op("*").Add(repo).
		Block(jen.Return(jen.Qual(repository, "New").Types(jen.Id(a.Go)).Call(
			jen.Id("store"), jen.Id(typ).Values(), jen.Id("opts").Op("..."))))
}

// writeDecode writes Decode.
func (w *writer) writeDecode(f *jen.File, a *model.Aggregate) {
	comment(f, "%s returns a recorded event, of any schema version that was ever stored, as events of the latest ones: "+
		"one, several if it was split since, or none if it was dropped. "+
		"Its errors are of type *es.EventError, which names stream, version, type and schema version. They match upcast.ErrUnknownType "+
		"or upcast.ErrUnknownSchema if this build knows no such event of %s.",
		a.Decode, article(a.Go))
	rec := func(field string) *jen.Statement { return jen.Id("rec").Dot(field) }
	failed := func() *jen.Statement {
		return jen.Return(jen.Nil(), jen.Op("&").Qual(es, "EventError").Values(
			jen.Id("Stream").Op(":").Add(rec("Stream")), jen.Id("Version").Op(":").Add(rec("Version")),
			jen.Id("Type").Op(":").Add(rec("Type")), jen.Id("Schema").Op(":").Add(rec("Schema")), jen.Id("Err").Op(":").Err()))
	}
	f.Func().Id(a.Decode).Params(jen.Id("rec").Qual(es, "Recorded")).
		Params(jen.Index().Id(names.Sum(a.Go)), jen.Error()).
		Block(
			jen.If(rec("Stream").Dot("Category").Op("!=").Lit(a.Category)).Block(
				jen.Err().Op(":=").Qual("fmt", "Errorf").Call(
					jen.Lit("%w: "+a.Decode+" is for streams of category "+a.Category), jen.Qual(upcast, "ErrUnknownType")),
				failed()),
			jen.List(jen.Id("events"), jen.Err()).Op(":=").Id(w.upcast[a]).Call(rec("Type"), rec("Schema"), rec("Data")),
			jen.If(jen.Err().Op("!=").Nil()).Block(failed()),
			jen.Return(jen.Id("events"), jen.Nil()),
		)
}

// writeRecord writes the record method of an event, unless it is retired, and its apply method if that is generated.
func (w *writer) writeRecord(f *jen.File, a *model.Aggregate, v *model.Version) {
	receiver := jen.Id("a").Op("*").Id(a.Go)
	if !v.Retired {
		comment(f, "%s queues the event to be saved and applies it.", names.Record(v.Go))
		f.Func().Params(receiver).Id(names.Record(v.Go)).Params(jen.Id("e").Id(v.Go)).Block(
			jen.Qual(aggregate, "Record").Call(jen.Op("&").Id("a").Dot("Root"), jen.Id("e")),
			jen.Id("a").Dot(names.Apply(v.Go)).Call(jen.Id("e")),
		)
	}
	if !v.Assign {
		return
	}
	comment(f, "%s copies the fields of the event to those of the same names.", names.Apply(v.Go))
	f.Func().Params(receiver.Clone()).Id(names.Apply(v.Go)).Params(jen.Id("e").Id(v.Go)).BlockFunc(func(g *jen.Group) {
		for _, field := range v.Assigned {
			g.Id("a").Dot(field).Op("=").Id("e").Dot(field)
		}
	})
}
