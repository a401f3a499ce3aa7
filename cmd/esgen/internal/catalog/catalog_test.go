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

// What has no Go struct any more is taken from the lock: old versions, and whole events.
func TestVersionsWithoutAStructComeFromTheLock(t *testing.T) {
	t.Parallel()
	object := func(names ...string) *shape.Type {
		s := &shape.Type{Kind: shape.Struct}
		for _, name := range names {
			s.Fields = append(s.Fields, &shape.Field{Name: name, Type: &shape.Type{Kind: shape.String}})
		}
		return s
	}
	now := object("now")
	a := &model.Aggregate{Go: "Order", Category: "order"}
	placed := &model.Event{Name: "order.placed", Aggregate: a}
	placed.Versions = []*model.Version{{Event: placed, Schema: 3, Go: "Placed", Shape: now}}
	a.Events = []*model.Event{placed}
	lastLocked := object("now")
	lastLocked.Reserved = object("once").Fields
	p := &model.Package{
		Package: &load.Package{Path: "example.com/order"}, Aggregates: []*model.Aggregate{a},
		Lock: &lock.Lock{Events: []*lock.Event{
			{Name: "other.thing", Category: "other", Versions: []*lock.Version{{Schema: 1, State: lock.Current, Shape: object()}}},
			{Name: "order.kept", Category: "order", Versions: []*lock.Version{{Schema: 1, State: lock.Retired, Shape: object("k")}}},
			{Name: "order.noise", Category: "order", Versions: []*lock.Version{{Schema: 1, State: lock.Upcast, Upcast: &lock.Step{Func: "dropNoise"}, Shape: object("n")}}},
			{Name: "order.placed", Category: "order", Versions: []*lock.Version{
				{Schema: 1, State: lock.Upcast, Upcast: &lock.Step{To: "order.placed 2"}, Go: "PlacedV1", Shape: object("old")},
				{Schema: 2, State: lock.Upcast, Upcast: &lock.Step{Func: "up", To: "order.placed 3"}, Shape: object("older")},
				{Schema: 3, State: lock.Current, Shape: lastLocked},
			}},
		}},
	}
	problems := problem.NewList(token.NewFileSet())
	c := catalog.Build("example.com", []*model.Package{p}, problems)
	if problems.Len() > 0 || len(c.Aggregates) != 1 {
		t.Fatalf("%v, %d aggregates", problems.Lines(""), len(c.Aggregates))
	}
	var got []string
	for _, e := range c.Aggregates[0].Events {
		for _, v := range e.Versions {
			line := v.String() + " " + v.Shape.Fields[0].Name
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
