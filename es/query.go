package es

import (
	"cmp"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ReadQuery selects events of one stream. Its zero value, but for the stream,
// reads all of it forwards.
type ReadQuery struct {
	Stream Stream
	// From is the first version to read, inclusive. 0 means the first, or the last if
	// Backwards is set.
	From Version
	// Backwards reads from From down to version 1.
	Backwards bool
	// Limit is the largest number of events; 0 means no limit.
	Limit int
}

// Validate refuses an invalid stream ([ErrInvalidStream]) and a negative number
// ([ErrNegative]). Stores call it first.
func (q ReadQuery) Validate() error {
	return cmp.Or(q.Stream.Validate(), notNegative("From", q.From), notNegative("Limit", q.Limit))
}

// LoadQuery selects what rebuilds an aggregate.
type LoadQuery struct {
	Stream Stream
	// Fingerprint selects the snapshots that can be used; "" means none. It is part of
	// the query so that an outdated snapshot costs no second round trip.
	Fingerprint string
	// Unless names an event: if the stream has it, Load yields [ErrAlreadyAppended] and
	// no rows. The zero value names none.
	Unless uuid.UUID
	// UpTo is the last version to load, inclusive; 0 means all. A later snapshot is not
	// used.
	UpTo Version
	// AsOf leaves out events that were recorded later; the zero time leaves out none.
	// With it no snapshot is used.
	AsOf time.Time
}

// Validate refuses an invalid stream ([ErrInvalidStream]), a fingerprint that no
// snapshot has ([ErrInvalidName]) and a negative number ([ErrNegative]). Stores call it
// first.
func (q LoadQuery) Validate() error {
	if q.Fingerprint != "" {
		if err := validateFingerprint(q.Fingerprint); err != nil {
			return err
		}
	}
	return cmp.Or(q.Stream.Validate(), notNegative("UpTo", q.UpTo))
}

// FeedQuery selects events of the feed. Its zero value reads all.
type FeedQuery struct {
	// After is the position to read after: a checkpoint, or 0 for the beginning.
	After Position
	// UpTo is the last position to read, inclusive; 0 means the head.
	UpTo Position
	// Categories and Types leave out events of other categories and types. Empty ones
	// leave out none.
	Categories []string
	Types      []string
	// Limit is the largest number of events to yield; 0 means no limit.
	Limit int
	// Scanned, unless nil, is set to the position up to which the read has looked at
	// every event, filtered out or not: before each turn of the loop to that of the event
	// yielded, and once more when the loop ends by itself. This is what a reader stores as its checkpoint,
	// so that a filter that matches nothing advances as well. It never moves below After.
	Scanned *Position
}

// Validate refuses an invalid category ([ErrInvalidStream]) or type
// ([ErrInvalidType]), which would match nothing for ever, and a negative number
// ([ErrNegative]). Stores call it first, and leave Scanned as it is after an error.
func (q FeedQuery) Validate() error {
	for _, category := range q.Categories {
		if err := ValidateCategory(category); err != nil {
			return err
		}
	}
	for _, name := range q.Types {
		if err := validateType(name); err != nil {
			return fmt.Errorf("event type: %w", err)
		}
	}
	return cmp.Or(notNegative("After", q.After), notNegative("UpTo", q.UpTo), notNegative("Limit", q.Limit))
}

// ListQuery selects streams.
type ListQuery struct {
	Category string
	After    string // the id to go on after; "" for the beginning
	Limit    int    // 0 means no limit
}

// Validate refuses an invalid category or id ([ErrInvalidStream]) and a negative
// number ([ErrNegative]). Stores call it first.
func (q ListQuery) Validate() error {
	if q.After != "" {
		return cmp.Or(Stream{Category: q.Category, ID: q.After}.Validate(), notNegative("Limit", q.Limit))
	}
	return cmp.Or(ValidateCategory(q.Category), notNegative("Limit", q.Limit))
}

func notNegative[N Version | Position | int](field string, n N) error {
	if n < 0 {
		return fmt.Errorf("%s is %d: %w", field, n, ErrNegative)
	}
	return nil
}
