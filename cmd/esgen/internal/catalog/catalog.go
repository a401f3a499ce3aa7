// Package catalog gathers what a module's packages say of their events for people and tools to read:
// aggregates, the commands that record events, the events with all their versions, and what becomes
// of old ones.
package catalog

import "github.com/esgen-go/esgen/cmd/esgen/internal/shape"

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
	Versions []*Version // 1, 2, 3 …
}

// Last returns the highest version.
func (e *Event) Last() *Version { return e.Versions[len(e.Versions)-1] }

// Retired reports whether the event is only read: nothing records it any more.
func (e *Event) Retired() bool { return e.Last().Next != nil }

// Version is an event in one schema version.
type Version struct {
	Event  *Event
	Schema int
	Go     string // the struct's Go name
	Doc    string
	Type   *Type
	Next   *Next // nil for the version that is recorded
}

// Next says what becomes of an old version when it is read.
type Next struct {
	By     string     // the upcaster's name
	To     []*Version // one; several of which there may be any number; or none: the event is dropped
	Splits bool       // to any number of To
}

// Type is how a value is stored.
type Type struct {
	shape.Kind
	Name      string // the Go name of what holds others or marshals itself, with its package's where that is another one
	Bits      int    // of numbers
	Len       int64  // of arrays
	Key, Elem *Type
	Fields    []*Field // of structs, as they are encoded
}

// Field is a member of a struct's object.
type Field struct {
	Name     string // in JSON
	Doc      string
	Type     *Type
	Required bool
	Default  *string // of a missing field, in the tag's spelling
	Quoted   bool    // the value stands in a JSON string
}

// Structs returns the structs within t, each once, in the order in which they are met. t itself is
// only among them if it is within itself.
func (t *Type) Structs() []*Type {
	var all []*Type
	seen := map[*Type]bool{}
	var walk func(*Type)
	walk = func(t *Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		if t.Kind == shape.Struct {
			all = append(all, t)
		}
		walk(t.Key)
		walk(t.Elem)
		for _, f := range t.Fields {
			walk(f.Type)
		}
	}
	for _, f := range t.Fields {
		walk(f.Type)
	}
	return all
}
