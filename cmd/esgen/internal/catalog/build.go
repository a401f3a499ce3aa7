package catalog

import (
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Build builds the catalogue of packages that were checked. Two aggregates of one category are a
// problem: their streams would be the same.
func Build(module string, packages []*model.Package, problems *problem.List) *Catalog {
	c := &Catalog{Module: module}
	categories := map[string]*model.Aggregate{}
	for _, p := range packages {
		b := &builder{Package: p, docs: readDocs(p.Files), calls: readCalls(p.Files)}
		for _, a := range p.Aggregates {
			if other := categories[a.Category]; other != nil {
				problems.At(a.Pos, "aggregate %s has the category %q of another one, %s: give one of them another name=",
					a.Go, a.Category, other.Type.Obj().Pkg().Path()+"."+other.Go)
				continue
			}
			categories[a.Category] = a
			c.Aggregates = append(c.Aggregates, b.aggregate(a))
		}
	}
	slices.SortFunc(c.Aggregates, func(a, b *Aggregate) int { return strings.Compare(a.Category, b.Category) })
	return c
}

type builder struct {
	*model.Package
	docs  *docs
	calls *calls
}

func (b *builder) aggregate(from *model.Aggregate) *Aggregate {
	a := &Aggregate{Category: from.Category, Go: from.Go, Package: b.Path, Doc: b.docs.types[from.Go]}
	events, versions := map[*model.Event]*Event{}, map[*model.Version]*Version{}
	for _, e := range from.Events {
		event := &Event{Name: e.Name, Was: e.Was}
		for _, v := range e.Versions {
			version := &Version{Event: event, Schema: v.Schema, Shape: v.Shape, Retired: v.Retired, docs: b.docs}
			if v.Type != nil {
				version.Go, version.Doc = v.Go, b.docs.types[v.Go]
			}
			if v.Locked != nil {
				version.Reserved = v.Locked.Shape.Reserved
			}
			event.Versions = append(event.Versions, version)
			versions[v] = version
		}
		a.Events = append(a.Events, event)
		events[e] = event
	}
	for _, e := range from.Events {
		for _, v := range e.Versions {
			if v.Upcast != nil {
				versions[v].Next = b.next(from, v.Upcast, versions)
			}
		}
	}
	a.Commands = b.calls.commands(from, events)
	return a
}

func (b *builder) next(a *model.Aggregate, u *model.Upcast, versions map[*model.Version]*Version) *Next {
	next := &Next{By: u.Func, Splits: u.Result == model.Many}
	switch {
	case u.Written():
		next.To = []*Version{versions[u.Next]}
	case u.To != nil:
		next.To = []*Version{versions[u.To]}
	case u.Result == model.Many:
		next.To = b.calls.parts(u.Func, a, versions)
	}
	return next
}
