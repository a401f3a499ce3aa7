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
	// StopsReaders: the build that is released can't read what this one stores.
	StopsReaders
)

// String returns the verdict in words.
func (v Verdict) String() string {
	switch v {
	case NeedsVersion:
		return "needs a version bump"
	case NeedsUpcaster:
		return "needs an upcaster"
	case StopsReaders:
		return "the released build can't read it"
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

// Exception returns what allows the change at the event's directive.
func (c Change) Exception() string {
	if c.Path == "" {
		return string(c.Rule)
	}
	return string(c.Rule) + ":" + c.Path
}

// Readers returns what differs for code of the shape now that reads what was stored in the shape
// before, sorted by path. Both shapes are of structs, or of whatever an event is.
func Readers(before, now *shape.Type) []Change { return compare(before, now, false) }

// Rolling returns what code of the shape before can't read of what code of the shape now stores, as
// it happens while both run side by side.
func Rolling(before, now *shape.Type) []Change {
	changes := slices.DeleteFunc(compare(now, before, true), func(c Change) bool { return c.Verdict == Safe })
	for i, c := range changes {
		c.From, c.To, c.Verdict, c.Remedy = c.To, c.From, StopsReaders, ""
		if forth, ok := reverse[c.Rule]; ok {
			c.Rule = forth
		}
		changes[i] = c
	}
	return changes
}

// reverse has, for a rule by which old code fails to read what new code stores, the rule of the change that
// brought it about.
var reverse = map[Rule]Rule{
	FieldAddedRequired: FieldRemoved,
	FieldRequired:      FieldOptional,
	Narrowed:           Widened,
	Unvalidated:        Widened,
	ElementRequired:    ElementOptional,

	FieldRenamedSilently: FieldRenamed,
}

func compare(writer, reader *shape.Type, rolling bool) []Change {
	c := &comparison{rolling: rolling, seen: map[[2]*shape.Type]bool{}}
	c.types(place{}, writer, reader)
	c.settle()
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

	// Fields that only the reader has, and that only the writer has.
	fresh, gone []located
}

// place is where in the shapes a comparison is.
type place struct {
	path  string
	field *shape.Field // of the code
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
