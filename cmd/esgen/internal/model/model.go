// Package model turns directives into aggregates, their events, the versions of these
// and the upcasters between the versions.
package model

import (
	"cmp"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Package is a package to generate code for.
type Package struct {
	*load.Package
	Aggregates []*Aggregate // by Go name

	Lock   *lock.Lock // as the working tree has it
	Frozen *lock.Lock // what must not change
}

// Aggregate is a state struct with its events.
type Aggregate struct {
	Go       string // the Go name
	Category string
	Fold     string // of the apply methods; "" if the directive doesn't say
	Type     *types.Named
	Pos      token.Pos
	Events   []*Event    // by stored name
	State    *shape.Type // set by package check

	// The names of generated functions.
	New, NewRepository, Decode string
}

// Event is all that is stored under one name.
type Event struct {
	Name      string
	Aggregate *Aggregate
	Versions  []*Version // 1, 2, 3 …
	Broken    bool       // a directive or an upcaster of it is, which has been reported
}

// Latest returns the version that is recorded and applied; nil for a retired event, whose
// last version is split, dropped or turned into another event.
func (e *Event) Latest() *Version {
	last := e.Versions[len(e.Versions)-1]
	if last.Upcast != nil {
		return nil
	}
	return last
}

// Last returns the highest version.
func (e *Event) Last() int { return e.Versions[len(e.Versions)-1].Schema }

// Version is an event in one schema version.
type Version struct {
	Event  *Event
	Schema int
	Go     string // the Go name
	Type   *types.Named
	Pos    token.Pos
	Shape  *shape.Type // set by package check
	Upcast *Upcast     // to a later version; nil for the latest

	// Assign says that the apply body is generated (apply=assign), from Assigned,
	// the names of fields that event and state share, which package check sets.
	Assign    bool
	AssignPos token.Pos
	Assigned  []string
}

// Result is what an upcaster makes of one event.
type Result int

// The results.
const (
	One  Result = iota // an event
	Many               // a slice of events
	None               // nothing: the event is dropped
)

// Upcast is an upcaster.
type Upcast struct {
	Func   string
	Pos    token.Pos
	Result Result
	From   *Version
	To     *Version // nil for None, and for a slice of the sum
	Errors bool     // it returns an error too
}

// Latest returns the latest versions of the aggregate's events, by stored name.
func (a *Aggregate) Latest() []*Version {
	var all []*Version
	for _, e := range a.Events {
		if v := e.Latest(); v != nil {
			all = append(all, v)
		}
	}
	return all
}

// Old returns the versions that are upcast, by stored name and version.
func (a *Aggregate) Old() []*Version {
	var all []*Version
	for _, e := range a.Events {
		for _, v := range e.Versions {
			if v.Upcast != nil {
				all = append(all, v)
			}
		}
	}
	return all
}

func (p *Package) sort() {
	slices.SortFunc(p.Aggregates, func(a, b *Aggregate) int { return strings.Compare(a.Go, b.Go) })
	for _, a := range p.Aggregates {
		slices.SortFunc(a.Events, func(x, y *Event) int { return strings.Compare(x.Name, y.Name) })
		for _, e := range a.Events {
			slices.SortFunc(e.Versions, func(x, y *Version) int {
				return cmp.Or(cmp.Compare(x.Schema, y.Schema), cmp.Compare(x.Pos, y.Pos))
			})
		}
	}
}
