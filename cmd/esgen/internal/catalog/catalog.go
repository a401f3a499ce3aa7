// Package catalog gathers what a module's packages say of their events for people and tools to read:
// aggregates, the commands that record events, the events with all their versions, and what becomes
// of old ones.
package catalog

import (
	"fmt"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Catalog is what is known of a module's events.
type Catalog struct {
	Module     string       // its path; that of a workspace's main module
	Aggregates []*Aggregate // by category
}

// Aggregate is an aggregate with its commands and events.
type Aggregate struct {
	Category string
	Go       string // the state's Go name
	Package  string // its import path
	Doc      string // as written, without directives; so are all others
	Commands []*Command
	Events   []*Event // by stored name
}

// Command is an exported function or method that records events, itself or by what it calls in
// its package.
type Command struct {
	Name      string
	Signature string // parameters and results, as written
	Doc       string
	Records   []*Event // by stored name
}

// Event is all that is stored under one name.
type Event struct {
	Name     string
	Was      []string   // its former names
	Versions []*Version // ascending
}

// Last returns the highest version.
func (e *Event) Last() *Version { return e.Versions[len(e.Versions)-1] }

// Retired reports whether the event is only read: nothing records it any more.
func (e *Event) Retired() bool { return e.Last().Retired || e.Last().Next != nil }

// Version is an event in one schema version.
type Version struct {
	Event  *Event
	Schema int
	Go     string // the struct's name; "" where there is none any more
	Doc    string
	Shape  *shape.Type
	Next   *Next // nil for the version that is applied

	// Retired says that it is applied when it is read, and never recorded any more.
	Retired bool

	// Reserved has the fields that it had before, and that stored events may still have.
	Reserved []*shape.Field

	docs *docs
}

// DocOf returns the doc comment of a field within the version's shape.
func (v *Version) DocOf(f *shape.Field) string { return v.docs.field(f.Pos) }

// String names the version as messages do: account.opened v2.
func (v *Version) String() string { return fmt.Sprintf("%s v%d", v.Event.Name, v.Schema) }

// Next says what becomes of an old version when it is read.
type Next struct {
	By     string     // the upcaster's name; "" if esgen writes the step
	To     []*Version // one; several of which there may be any number; or none: the event is dropped
	Splits bool       // to any number of To
}
