// Package compat says what a change to a stored event means: whether the code as it is now reads
// what was stored before, without loss and without a misreading.
//
// The verdicts follow the rules of buf's WIRE_JSON category, Confluent's compatibility modes, Avro's schema
// resolution and Protobuf's "never reuse a number, reserve what you delete", carried over to JSON
// objects. A pair of types that no rule knows is never compatible.
package compat

import (
	"cmp"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Verdict is what a change asks for.
type Verdict int

// The verdicts, from the best to the worst.
const (
	// Safe: what is stored is read as it was meant. Nothing is to be done.
	Safe Verdict = iota
	// NeedsVersion: the event needs a new schema version. esgen writes the upcaster.
	NeedsVersion
	// NeedsUpcaster: the event needs a new schema version and a function that makes the new form of the old.
	NeedsUpcaster
)

// String returns the verdict in words.
func (v Verdict) String() string {
	switch v {
	case NeedsVersion:
		return "needs a version bump"
	case NeedsUpcaster:
		return "needs an upcaster"
	}
	return "safe"
}

// Change is one difference between two shapes.
type Change struct {
	Rule    Rule
	Path    string // of the field, in the names of the JSON text: items[].price; "" for the event itself
	From    string // the type or value before; "" where the rule says all
	To      string
	Verdict Verdict
	Remedy  string // what to write in place of a new version; "" if there is nothing but that

	// Field is the field in the new shape, or the nearest one around it; nil for the event itself.
	Field *shape.Field
}

// String returns the change without its place.
func (c Change) String() string {
	parts := []string{string(c.Rule)}
	if c.Path != "" {
		parts = append(parts, c.Path)
	}
	switch {
	case c.From != "" && c.To != "":
		parts = append(parts, c.From+"→"+c.To)
	case c.From != "" || c.To != "":
		parts = append(parts, c.From+c.To)
	}
	return strings.Join(parts, " ")
}

// Readers returns what differs for code of the shape now that reads what was stored in the shape
// before, sorted by path. Both shapes are of structs, or of whatever an event is.
func Readers(before, now *shape.Type) []Change { return compare(before, now, false) }

// Rolling returns what differs for code of the shape before that reads what code of the shape now
// stores, as it happens while both run side by side. Changes are told as they look from there: a
// field added is one that the old code skips.
func Rolling(before, now *shape.Type) []Change {
	changes := compare(now, before, true)
	for i := range changes {
		changes[i].From, changes[i].To = changes[i].To, changes[i].From
		changes[i].Field = nil
	}
	return slices.DeleteFunc(changes, func(c Change) bool { return c.Verdict == Safe })
}

// Worst returns the gravest verdict of the changes.
func Worst(changes []Change) Verdict {
	worst := Safe
	for _, c := range changes {
		worst = max(worst, c.Verdict)
	}
	return worst
}

func compare(writer, reader *shape.Type, rolling bool) []Change {
	c := &comparison{rolling: rolling, seen: map[[2]*shape.Type]bool{}}
	c.types(place{}, writer, reader)
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Rule), string(b.Rule)))
	})
	return c.changes
}

// comparison walks two shapes side by side: that of who wrote and that of who reads.
type comparison struct {
	// rolling: the writer is the newer code, so that absence is what it leaves out, not also what
	// was stored before a field was there.
	rolling bool
	seen    map[[2]*shape.Type]bool // pairs that were compared: a type used twice is told of once
	changes []Change
}

// place is where in the shapes a comparison is.
type place struct {
	path  string
	field *shape.Field // of the reader
}

func (p place) member(name string, f *shape.Field) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	if f == nil {
		f = p.field
	}
	return place{name, f}
}

func (p place) element(suffix string) place { return place{p.path + suffix, p.field} }

func (c *comparison) add(p place, rule Rule, from, to, remedy string) {
	c.changes = append(c.changes, Change{
		Rule: rule, Path: p.path, From: from, To: to, Verdict: rules[rule].verdict, Remedy: remedy, Field: p.field,
	})
}
