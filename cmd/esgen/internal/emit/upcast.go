package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

func (w *writer) writeUpcast(f *jen.File, a *model.Aggregate) {
	comment(f, "%s decodes an event of any stored schema version and takes it through its upcasters.", w.upcast[a])
	f.Func().Id(w.upcast[a]).
		Params(jen.Id("name").String(), jen.Id("schema").Int(), jen.Id("data").Index().Byte()).
		Params(jen.Index().Id(names.Sum(a.Go)), jen.Error()).
		Block(
			jen.Switch(jen.Id("name")).BlockFunc(func(g *jen.Group) {
				for _, e := range a.Events {
					g.Case(jen.Lit(e.Name)).Block(
						jen.Switch(jen.Id("schema")).BlockFunc(func(g *jen.Group) {
							var dropped []jen.Code
							for _, v := range e.Versions {
								if u := v.Upcast; u != nil && u.Result == model.None && u.Func == "" {
									dropped = append(dropped, jen.Lit(v.Schema))
									continue
								}
								g.Case(jen.Lit(v.Schema)).BlockFunc(func(g *jen.Group) { w.writeVersion(g, v) })
							}
							if len(dropped) > 0 {
								g.Case(dropped...).Block(jen.Return(jen.Nil(), jen.Nil()))
							}
						}),
						jen.Return(jen.Nil(), jen.Qual(upcast, "UnknownSchema").Call(
							jen.Id("name"), jen.Id("schema"), jen.Lit(e.Last()))),
					)
				}
			}),
			jen.Return(jen.Nil(), jen.Qual(upcast, "UnknownType").CallFunc(func(g *jen.Group) {
				g.Lit(a.Category)
				g.Id("name")
				for _, e := range a.Events {
					g.Lit(e.Name)
				}
			})),
		)
}

func (w *writer) writeVersion(g *jen.Group, v *model.Version) {
	switch u := v.Upcast; {
	case u != nil && u.Written():
		// Decoded as what it becomes.
		g.Var().Id("e").Id(u.To.Go)
		g.Add(ifErr(jen.Id(w.codecs[v].decode).Call(jen.Id("data"), jen.Op("&").Id("e")), jen.Nil()))
		g.Return(w.latest(u.To, jen.Id("e")))
		return
	case v.Type == nil:
		g.Return(jen.Id(w.lift[v]).Call(jen.Qual("slices", "Clone").Call(jen.Id("data"))))
		return
	}
	g.Var().Id("e").Id(v.Go)
	g.Add(ifErr(jen.Id(w.codecs[v].decode).Call(jen.Id("data"), jen.Op("&").Id("e")), jen.Nil()))
	g.Return(w.latest(v, jen.Id("e")))
}

// latest is the expression for the latest events, and an error, that an event of version v becomes.
func (w *writer) latest(v *model.Version, e *jen.Statement) jen.Code {
	if v.Upcast != nil {
		return jen.Id(w.lift[v]).Call(e)
	}
	return jen.List(jen.Index().Id(names.Sum(v.Event.Aggregate.Go)).Values(e), jen.Nil())
}

// writeLift writes the step from an old version.
func (w *writer) writeLift(f *jen.File, v *model.Version) {
	u, a := v.Upcast, v.Event.Aggregate
	if v.Type == nil && !u.Raw {
		return // it is decoded as what it becomes, or not at all
	}
	comment(f, "%s takes version %d of %s through its upcasters.", w.lift[v], v.Schema, v.Event.Name)
	old := jen.Id(v.Go)
	if u.Raw {
		old = jen.Qual("encoding/json", "RawMessage")
	}
	f.Func().Id(w.lift[v]).Params(jen.Id("e").Add(old)).
		Params(jen.Index().Id(names.Sum(a.Go)), jen.Error()).
		BlockFunc(func(g *jen.Group) {
			if u.Written() {
				g.List(jen.Id("data"), jen.Err()).Op(":=").Id(w.codecs[v].append).Call(jen.Nil(), jen.Op("&").Id("e"))
				g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), step(v, jen.Err())))
				g.Var().Id("next").Id(u.To.Go)
				g.Add(jen.If(jen.Err().Op(":=").Id(w.codecs[v].decode).Call(jen.Id("data"), jen.Op("&").Id("next")), jen.Err().Op("!=").Nil()).
					Block(jen.Return(jen.Nil(), step(v, jen.Err()))))
				g.Return(w.latest(u.To, jen.Id("next")))
				return
			}
			call := jen.Id(u.Func).Call(jen.Id("e"))
			switch u.Result {
			case model.None:
				w.writeCall(g, v, nil, call)
				g.Return(jen.Nil(), jen.Nil())
			case model.One:
				w.writeCall(g, v, jen.Id("next"), call)
				g.Return(w.latest(u.To, jen.Id("next")))
			case model.Many:
				w.writeCall(g, v, jen.Id("parts"), call)
				w.writeParts(g, v)
			}
		})
}

// writeCall writes the call of an upcaster and the check of its error.
func (w *writer) writeCall(g *jen.Group, v *model.Version, result *jen.Statement, call *jen.Statement) {
	u := v.Upcast
	failed := []jen.Code{jen.Nil(), step(v, jen.Err())}
	switch {
	case !u.Errors && result == nil:
		g.Add(call)
	case !u.Errors:
		g.Add(result).Op(":=").Add(call)
	case result == nil:
		g.If(jen.Err().Op(":=").Add(call), jen.Err().Op("!=").Nil()).Block(jen.Return(failed...))
	default:
		g.List(result, jen.Err()).Op(":=").Add(call)
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(failed...))
	}
}

func step(v *model.Version, err jen.Code) jen.Code {
	to := 0
	if v.Upcast.Result == model.One {
		to = v.Upcast.To.Schema
	}
	return jen.Qual(upcast, "Step").Call(jen.Lit(v.Event.Name), jen.Lit(v.Schema), jen.Lit(to), err)
}

// writeParts writes what becomes of the parts of a split.
func (w *writer) writeParts(g *jen.Group, v *model.Version) {
	u, a := v.Upcast, v.Event.Aggregate
	sum := jen.Index().Id(names.Sum(a.Go))
	switch {
	case u.To == nil: // a slice of the sum, which pointers implement too
		g.For(jen.List(jen.Id("_"), jen.Id("part")).Op(":=").Range().Id("parts")).Block(
			jen.Switch(jen.Id("part").Assert(jen.Type())).Block(
				jen.CaseFunc(func(g *jen.Group) {
					for _, l := range a.Latest() {
						g.Id(l.Go)
					}
				}),
				jen.Default().Block(jen.Return(jen.Nil(), step(v, noEvent(u.Func+" returned a %T", a, jen.Id("part"))))),
			),
		)
		g.Return(jen.Id("parts"), jen.Nil())
	case u.To.Upcast == nil:
		g.Id("events").Op(":=").Make(sum, jen.Len(jen.Id("parts")))
		g.For(jen.List(jen.Id("i"), jen.Id("part")).Op(":=").Range().Id("parts")).Block(
			jen.Id("events").Index(jen.Id("i")).Op("=").Id("part"))
		g.Return(jen.Id("events"), jen.Nil())
	default:
		g.Var().Id("events").Add(sum)
		g.For(jen.List(jen.Id("_"), jen.Id("part")).Op(":=").Range().Id("parts")).Block(
			jen.List(jen.Id("next"), jen.Err()).Op(":=").Id(w.lift[u.To]).Call(jen.Id("part")),
			jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
			jen.Id("events").Op("=").Append(jen.Id("events"), jen.Id("next").Op("...")),
		)
		g.Return(jen.Id("events"), jen.Nil())
	}
}
