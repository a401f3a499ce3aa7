package es

import "fmt"

// Version is an event's place in its stream: 1, 2, 3 … without gaps. As the
// version of a stream it is that of its last event, and 0 means that there is no
// stream.
type Version int64

// Position is an event's place in the whole store. Positions strictly increase
// in the order in which a reader of the feed sees events, start above 0, and may
// have gaps. A position can be stored as a checkpoint; 0 means the beginning.
type Position int64

// Validate refuses a negative position. The error matches [ErrNegative].
func (p Position) Validate() error { return notNegative("position", p) }

type expectation uint8

const (
	expectNothing expectation = iota // the zero value: forgotten
	expectExactly
	expectExists
	expectAny
)

// Expected says which version a stream must have for an append to it to be
// taken: optimistic concurrency. The zero value is no expectation at all, and
// every store refuses it.
type Expected struct {
	kind    expectation
	version Version
}

// The expectations beside [Exactly].
var (
	NoStream     = Expected{kind: expectExactly}
	StreamExists = Expected{kind: expectExists}
	Any          = Expected{kind: expectAny}
)

// Exactly expects the stream to be at version v. Exactly(0) is [NoStream], so
// that saving a new aggregate needs no branch.
func Exactly(v Version) Expected { return Expected{kind: expectExactly, version: v} }

// Met reports whether a stream at version actual (0: no stream) meets the
// expectation. The zero value is never met.
func (e Expected) Met(actual Version) bool {
	switch e.kind {
	case expectExactly:
		return actual == e.version
	case expectExists:
		return actual > 0
	default:
		return e.kind == expectAny
	}
}

// Exact returns the version that an [Exactly] or [NoStream] expectation names.
func (e Expected) Exact() (v Version, ok bool) { return e.version, e.kind == expectExactly }

// Validate refuses the zero value and a negative version. The error matches
// [ErrNoExpectation].
func (e Expected) Validate() error {
	switch {
	case e.kind == expectNothing:
		return fmt.Errorf("an append must say which version it expects (Exactly, NoStream, StreamExists or Any): %w", ErrNoExpectation)
	case e.version < 0:
		return fmt.Errorf("an append expects version %d, versions start at 0 (no stream): %w", e.version, ErrNoExpectation)
	}
	return nil
}

// String returns the expectation as error messages show it.
func (e Expected) String() string {
	switch {
	case e.kind == expectExactly && e.version == 0:
		return "no stream"
	case e.kind == expectExactly:
		return fmt.Sprintf("version %d", e.version)
	case e.kind == expectExists:
		return "an existing stream"
	case e.kind == expectAny:
		return "any version"
	default:
		return "nothing (zero value)"
	}
}
