// Package upcast is the run-time of upcaster chains: what generated code needs to
// bring an event of an older schema version to the latest. An upcaster turns one
// stored event into one (1→1), several (1→many) or none (1→none); its version,
// position and id stay as they are.
package upcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The reasons why a stored event can't be read by this build, for errors.Is.
var (
	// ErrUnknownType: this build has no event of the stored name.
	ErrUnknownType = errors.New("unknown event type")
	// ErrUnknownSchema: this build has the event, but not in the stored schema version.
	ErrUnknownSchema = errors.New("unknown schema version")
)

// UnknownType returns the error for a stored event whose name is none of known. It
// matches [ErrUnknownType].
func UnknownType(category, name string, known ...string) error {
	known = slices.Sorted(slices.Values(known)) // the caller's slice stays as it is
	return fmt.Errorf("%w %q in category %s (known: %s): it was written by another build; "+
		"if its struct was renamed, keep the stored name with //esgen:event name=%s, "+
		"if it was deleted, bring the struct back or drop the event with //esgen:drop name=%s",
		ErrUnknownType, name, category, strings.Join(known, ", "), name, name)
}

// UnknownSchema returns the error for a stored event in a schema version that this
// build can't read; latest is the newest that it can. It matches [ErrUnknownSchema].
func UnknownSchema(name string, schema, latest int) error {
	if schema > latest {
		return fmt.Errorf("%w %d of %s: this build reads up to %d: it was written by a newer build; deploy that one here too",
			ErrUnknownSchema, schema, name, latest)
	}
	return fmt.Errorf("%w %d of %s: this build reads %d: bring back the struct of version %d and an //esgen:upcast function for it",
		ErrUnknownSchema, schema, name, latest, schema)
}

// Error tells which step of a chain failed. Err is what the upcaster returned.
type Error struct {
	Type     string // the event's stored name
	From, To int    // schema versions; To is 0 for a split or a drop
	Err      error
}

func (e *Error) Error() string {
	if e.To == 0 {
		return fmt.Sprintf("upcasting %s from schema version %d: %v", e.Type, e.From, e.Err)
	}
	return fmt.Sprintf("upcasting %s from schema version %d to %d: %v", e.Type, e.From, e.To, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Step wraps what an upcaster returned into an *[Error]; nil stays nil.
func Step(name string, from, to int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Type: name, From: from, To: to, Err: err}
}
