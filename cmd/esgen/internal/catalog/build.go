package catalog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
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
		event := &Event{Name: e.Name}
		for _, v := range e.Versions {
			version := &Version{Event: event, Schema: v.Schema, Go: v.Go, Doc: b.docs.types[v.Go], Shape: v.Shape, docs: b.docs}
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
	b.locked(a)
	a.Commands = b.calls.commands(from, events)
	return a
}

func (b *builder) next(a *model.Aggregate, u *model.Upcast, versions map[*model.Version]*Version) *Next {
	next := &Next{By: u.Func, Splits: u.Result == model.Many}
	switch {
	case u.To != nil:
		next.To = []*Version{versions[u.To]}
	case u.Result == model.Many:
		next.To = b.calls.parts(u.Func, a, versions)
	}
	return next
}

// locked adds what only the lock knows: versions and whole events of which the package has no struct any more.
func (b *builder) locked(a *Aggregate) {
	if b.Lock == nil {
		return
	}
	steps := map[*Version]*lock.Step{}
	for _, e := range b.Lock.Events {
		if e.Category != a.Category {
			continue
		}
		event := a.event(e.Name)
		if event == nil {
			event = &Event{Name: e.Name}
			a.Events = append(a.Events, event)
		}
		for _, v := range e.Versions {
			event.Decoded = v.State == lock.Retired
			version := event.version(v.Schema)
			if version == nil {
				version = &Version{Event: event, Schema: v.Schema, Go: v.Go, Shape: v.Shape}
				event.Versions = append(event.Versions, version)
				if v.Upcast != nil {
					steps[version] = v.Upcast
				}
			}
			version.Reserved = v.Shape.Reserved
		}
		slices.SortFunc(event.Versions, func(x, y *Version) int { return cmp.Compare(x.Schema, y.Schema) })
	}
	slices.SortFunc(a.Events, func(x, y *Event) int { return strings.Compare(x.Name, y.Name) })
	for version, step := range steps {
		version.Next = &Next{By: step.Func}
		name, schema, _ := strings.Cut(step.To, " ")
		if n, err := strconv.Atoi(schema); err == nil {
			if to := a.event(name).version(n); to != nil {
				version.Next.To = []*Version{to}
			}
		}
	}
}

// event returns the event of that name, nil if there is none.
func (a *Aggregate) event(name string) *Event {
	if i := slices.IndexFunc(a.Events, func(e *Event) bool { return e.Name == name }); i >= 0 {
		return a.Events[i]
	}
	return nil
}

// version returns the version of that number, nil if there is none.
func (e *Event) version(schema int) *Version {
	if e == nil {
		return nil
	}
	if i := slices.IndexFunc(e.Versions, func(v *Version) bool { return v.Schema == schema }); i >= 0 {
		return e.Versions[i]
	}
	return nil
}
