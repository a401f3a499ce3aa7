package es

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// What a store or a repository answers, to be matched with errors.Is. Those that
// carry details are typed as well: see [ConflictError], [IdempotencyError],
// [InvalidError], [BeyondHeadError] and [EventError].
var (
	// ErrConflict: the stream is not at the expected version.
	ErrConflict = errors.New("conflict")
	// ErrIdempotency: an event id was used before, for something else.
	ErrIdempotency = errors.New("event id already used")
	// ErrNotFound: there is no such stream.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyAppended: the stream has the event that [LoadQuery] names in Unless.
	ErrAlreadyAppended = errors.New("already appended")
	// ErrOutcomeUnknown: an append failed in a way that leaves open whether it was
	// stored. Sending the same events again settles it.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrBeyondHead: a position lies beyond the end of the feed, as after the
	// restore of an older backup.
	ErrBeyondHead = errors.New("position beyond the head of the feed")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")

	// The reasons in an [InvalidError].
	ErrInvalidStream   = errors.New("invalid stream name")
	ErrNoEvents        = errors.New("no events")
	ErrNoExpectation   = errors.New("no valid expected version")
	ErrDuplicateStream = errors.New("stream twice in one append")
	ErrDuplicateID     = errors.New("event id twice in one append")
	ErrNilID           = errors.New("nil event id")
	ErrInvalidType     = errors.New("invalid event type name")
	ErrInvalidSchema   = errors.New("invalid schema version")
	ErrInvalidData     = errors.New("data is not one valid JSON text in UTF-8")
	ErrInvalidMetadata = errors.New("metadata is not valid UTF-8")
	ErrTooLarge        = errors.New("too large")

	// ErrInvalidName: a checkpoint's name or a snapshot's fingerprint is not taken.
	ErrInvalidName = errors.New("invalid name")
	// ErrNegative: a version, position or limit that is asked for is below 0.
	ErrNegative = errors.New("must not be negative")
)

// ConflictError tells that a stream was not at the version that an append
// expected: someone else appended first. Nothing was written. Load again and
// decide afresh, as the repository's Update does by itself. It matches
// [ErrConflict].
type ConflictError struct {
	Stream   Stream
	Expected Expected
	Actual   Version // 0: there is no stream
}

func (e *ConflictError) Error() string {
	actual := fmt.Sprintf("it is at version %d", e.Actual)
	if e.Actual == 0 {
		actual = "it does not exist"
	}
	return fmt.Sprintf("appending to %s: expected %s, but %s: load it again and decide afresh", e.Stream, e.Expected, actual)
}

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// IdempotencyError tells that an append repeats event ids which its stream
// already has, but not as they were appended: only some of them, in another
// order, with others between them, or with another type, schema version or data.
// Nothing was written. It matches [ErrIdempotency].
type IdempotencyError struct {
	Stream  Stream
	EventID uuid.UUID
	Version Version // where the stream has the event; 0 if it is the one that it lacks
	Reason  string
}

func (e *IdempotencyError) Error() string {
	at := "not stored"
	if e.Version > 0 {
		at = fmt.Sprintf("stored as version %d", e.Version)
	}
	return fmt.Sprintf("appending to %s: event %s (%s): %s: a repeated append must hold the same events, a new one needs new ids",
		e.Stream, e.EventID, at, e.Reason)
}

// Is reports whether target is [ErrIdempotency].
func (e *IdempotencyError) Is(target error) bool { return target == ErrIdempotency }

// InvalidError tells what about an append no store takes, or this one does not.
// Nothing was written. Err is or wraps the reason, such as [ErrTooLarge], which
// errors.Is finds.
type InvalidError struct {
	Stream  Stream    // zero if the append as a whole is meant
	Index   int       // of the event within its write, from 0; -1 if none is meant
	EventID uuid.UUID // of that event
	Type    string    // of that event
	Field   string    // of the event, such as Data; "" if none is meant
	Err     error
}

func (e *InvalidError) Error() string {
	msg := "append refused"
	if e.Stream != (Stream{}) {
		msg = fmt.Sprintf("append to %.120s refused", e.Stream.String())
	}
	if e.Index >= 0 {
		msg += fmt.Sprintf(": event %d (%.80s, id %s)", e.Index, e.Type, e.EventID)
	}
	if e.Field != "" {
		msg += ": field " + e.Field
	}
	return msg + ": " + e.Err.Error()
}

func (e *InvalidError) Unwrap() error { return e.Err }

// BeyondHeadError tells that a position lies beyond the last one of the store:
// it stems from another store, or this one was restored from an older backup.
// Going on silently would skip events. It matches [ErrBeyondHead].
type BeyondHeadError struct {
	Position Position
	Head     Position
}

func (e *BeyondHeadError) Error() string {
	return fmt.Sprintf("position %d is beyond the head %d of the feed: it belongs to another store, or this one was restored from an older backup; start again from a position that it has",
		e.Position, e.Head)
}

// Is reports whether target is [ErrBeyondHead].
func (e *BeyondHeadError) Is(target error) bool { return target == ErrBeyondHead }

// EventError tells which stored event could not be read: decoded, upcast or
// folded. Err says why.
type EventError struct {
	Stream  Stream
	Version Version
	Type    string // "" for the snapshot
	Schema  int
	Err     error
}

func (e *EventError) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("reading the snapshot of %s at version %d: %v", e.Stream, e.Version, e.Err)
	}
	return fmt.Sprintf("reading %s at version %d (%s, schema version %d): %v", e.Stream, e.Version, e.Type, e.Schema, e.Err)
}

func (e *EventError) Unwrap() error { return e.Err }
