// Package model turns directives into aggregates, their events, the versions of these
// and the upcasters between the versions.
package model

import (
	"cmp"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/corpus"
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

	Corpus       corpus.Corpus // as the working tree has it
	FrozenCorpus corpus.Corpus // what must not change

	known *lock.Lock // all of both
}

// Aggregate is a state struct with its events.
type Aggregate struct {
	Go       string // the Go name
	Category string
	Fold     string // the version of what lies outside of the package; "" if the directive doesn't say
	Type     *types.Named
	Pos      token.Pos
	Events   []*Event    // by stored name, those that only the lock has among them
	State    *shape.Type // set by package check
	Code     string      // tells apart folds by their code; set by package fold

	// The names of generated functions.
	New, NewRepository, Decode string
}

// Event is all that is stored under one name.
type Event struct {
	Name      string
	Aggregate *Aggregate
	Versions  []*Version // 1, 2, 3 …; of an event that was renamed they may begin later
	Was       []string   // its former names
	Broken    bool       // a directive or an upcaster of it is, which has been reported

	wasPos token.Pos
}

// Latest returns the version that is applied and, unless it is retired, recorded; nil for an event whose
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

// version returns a version, or nil.
func (e *Event) version(schema int) *Version {
	for _, v := range e.Versions {
		if v.Schema == schema {
			return v
		}
	}
	return nil
}

// Version is an event in one schema version.
type Version struct {
	Event  *Event
	Schema int
	Go     string        // the Go name; for a version without a struct, what one would be called
	Type   *types.Named  // nil for a version that has no struct: the lock knows its shape
	Locked *lock.Version // nil if it is not locked yet
	Pos    token.Pos     // without a struct, of what makes esgen read it
	Shape  *shape.Type   // set by package check
	Upcast *Upcast       // to a later version; nil for the latest

	// Retired says that the version is read and applied, and never recorded.
	Retired bool

	// Allow has the changes to what is released that are meant: RULE:path, or RULE for the event itself.
	Allow []string

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
	Func   string // "" where esgen writes the step, or the event is dropped
	Pos    token.Pos
	Result Result
	From   *Version
	To     *Version // with a struct; nil for None, and for a slice of the sum
	Errors bool     // it returns an error too
	Raw    bool     // it takes the JSON text

	// Of a step that esgen writes: the version after From, which To may be several steps after; how
	// From is read into To's struct, set by package check; and what to write if that can't be.
	Next *Version
	View *shape.Type
	Stub string
}

// Written reports whether esgen writes the step.
func (u *Upcast) Written() bool { return u.Next != nil }

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
