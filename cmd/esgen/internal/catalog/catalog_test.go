package catalog_test

import (
	"go/token"
	"slices"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Versions and events that only the lock knows are there too, with what fields they once had.
func TestVersionsWithoutAStructAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	object := func(names ...string) *shape.Type {
		s := &shape.Type{Kind: shape.Struct}
		for _, name := range names {
			s.Fields = append(s.Fields, &shape.Field{Name: name, Type: &shape.Type{Kind: shape.String}})
		}
		return s
	}
	a := &model.Aggregate{Go: "Order", Category: "order"}
	event := func(name string, versions ...*model.Version) {
		e := &model.Event{Name: name, Aggregate: a, Versions: versions}
		for i, v := range versions {
			v.Event, v.Schema, v.Go = e, i+1, "Struct"
		}
		a.Events = append(a.Events, e)
	}
	event("order.kept", &model.Version{Shape: object("k"), Retired: true})
	event("order.noise", &model.Version{Shape: object("n"), Upcast: &model.Upcast{Func: "dropNoise", Result: model.None}})
	locked := object("now")
	locked.Reserved = object("once").Fields
	now := &model.Version{Shape: object("now"), Locked: &lock.Version{Shape: locked}}
	older := &model.Version{Shape: object("older"), Upcast: &model.Upcast{Func: "up", To: now}}
	event("order.placed", &model.Version{Shape: object("old"), Upcast: &model.Upcast{To: now, Next: older}}, older, now)
	p := &model.Package{Package: &load.Package{Path: "example.com/order"}, Aggregates: []*model.Aggregate{a}}

	problems := problem.NewList(token.NewFileSet())
	c := catalog.Build("example.com", []*model.Package{p}, problems)
	if problems.Len() > 0 || len(c.Aggregates) != 1 {
		t.Fatalf("%v, %d aggregates", problems.Lines(""), len(c.Aggregates))
	}
	var got []string
	for _, e := range c.Aggregates[0].Events {
		for _, v := range e.Versions {
			line := v.String() + v.Go + " " + v.Shape.Fields[0].Name
			if e.Retired() {
				line += " retired"
			}
			if v.Next != nil {
				line += " by " + v.Next.By + " to"
				for _, to := range v.Next.To {
					line += " " + to.String()
				}
			}
			for _, f := range v.Reserved {
				line += " reserves " + f.Name
			}
			got = append(got, line)
		}
	}
	want := []string{
		"order.kept v1 k retired",
		"order.noise v1 n retired by dropNoise to",
		"order.placed v1 old by  to order.placed v2",
		"order.placed v2 older by up to order.placed v3",
		"order.placed v3 now reserves once",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
