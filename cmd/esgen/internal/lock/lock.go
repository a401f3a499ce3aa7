// Package lock is the schema lock: what esgen remembers of every event that a package has
// ever stored. It lies in the folder esgen.lock of the package, one JSON file an event type, so
// that branches that add events don't collide, and is committed.
//
// The format, in docs/guides/schema-evolution.md for people, is that of version [Format]:
//
//	{
//	  "format": 1,
//	  "event": "order.placed",           the stored name
//	  "category": "order",               of the streams that it is stored in
//	  "aggregate": "Order",              the Go name
//	  "versions": [
//	    {
//	      "version": 1,                  the schema version
//	      "state": "current",            or "upcast" or "retired"
//	      "released": true,              only where people said so; else git tells
//	      "allow": [],                   changes to it that were meant all the same
//	      "go": "Placed",                the name of the Go struct
//	      "upcast": {"func": "upcastPlacedV1", "to": "order.placed 2"},
//	      "fields": [
//	        {"name": "items", "go": "Items", "type": "[]Item"},
//	        {"name": "note", "go": "Note", "type": "string", "optional": "omitempty", "was": ["remark"]}
//	      ],
//	      "reserved": [],                fields that it had and that stored events may have
//	      "types": {
//	        "Item": {"fields": [], "reserved": []},
//	        "Currency": {"type": "string", "enum": {"Euro": "EUR", "Dollar": "USD"}},
//	        "decimal.Decimal": {"codec": "json", "of": "github.com/shopspring/decimal"}
//	      }
//	    }
//	  ]
//	}
//
// A type is one of bool, int8 to int64, uint8 to uint64, float32, float64, string, bytes
// (base64), time (RFC 3339), uuid, raw (any JSON) and number (json.Number); []T, [3]T, map[K]T and *T
// (null or T); or a name of the table of types: a struct, a type with constants, one that marshals
// itself ("json" or "text", with whose methods it has if they are not the module's own) or one that contains itself. Fields, types and values are sorted
// by name, so that the order of declarations doesn't count.
package lock

import (
	"cmp"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Format is the version of the format that this package writes, and the highest that it reads.
const Format = 1

// Dir is the name of the folder within the package's.
const Dir = "esgen.lock"

// Lock is the lock of one package.
type Lock struct {
	Dir    string   // the folder, esgen.lock included; it need not exist
	Events []*Event // by name
}

// Event is what is locked of one event type.
type Event struct {
	Name      string
	Category  string
	Aggregate string     // the Go name
	Versions  []*Version // ascending
	Pos       token.Position
}

// State is what becomes of a version that is read.
type State string

// The states.
const (
	Current State = "current" // it is recorded and applied
	Upcast  State = "upcast"  // it is brought to other events
	Retired State = "retired" // it is applied, and never recorded again
)

// Version is one schema version of an event.
type Version struct {
	Schema   int
	State    State
	Released bool     // said by people; what is released by being on the base branch is not marked
	Allow    []string // the exceptions of its directive, RULE:path or RULE; once they are released, they are used up
	Go       string   // the name of the struct, the last that it had
	Upcast   *Step    // for state Upcast
	Shape    *shape.Type
	Pos      token.Position
}

// Step says how a version is upcast.
type Step struct {
	// Func is the function that does it, "" where esgen writes the step from the two shapes.
	Func string
	// To is the version that it leads to, such as "order.placed 2"; "" where that is left
	// to the function, or where the event is dropped.
	To string
}

// Event returns what is locked of the event of that name, or nil.
func (l *Lock) Event(name string) *Event {
	i, ok := slices.BinarySearchFunc(l.Events, name, func(e *Event, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return nil
	}
	return l.Events[i]
}

// Version returns a version of the event, or nil.
func (e *Event) Version(schema int) *Version {
	if e == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(e.Versions, schema, func(v *Version, schema int) int { return cmp.Compare(v.Schema, schema) })
	if !ok {
		return nil
	}
	return e.Versions[i]
}

// Last returns the highest version.
func (e *Event) Last() *Version { return e.Versions[len(e.Versions)-1] }
