package es

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// MaxTimerIDLen bounds the id of a timer, in bytes.
const MaxTimerIDLen = 200

// Timer is something to be done at a time, for one who may not run by then: see package process.
type Timer struct {
	// ID identifies the timer among those of its name: 1 to MaxTimerIDLen bytes of UTF-8. Setting one that
	// is set replaces it.
	ID string
	// Due is when, in UTC with microseconds.
	Due time.Time
	// Data is what the owner wants to know then. It comes back byte for byte.
	Data []byte
}

// TimerChanges are changes to the timers of a name. A store makes all of them or none.
type TimerChanges struct {
	Set   []Timer
	Clear []string // ids; one that is not set is no error
}

// Validate refuses what no store takes, with an error that matches [ErrInvalidName]. Stores call
// it first.
func (c TimerChanges) Validate() error {
	for _, t := range c.Set {
		if err := cmp.Or(validateTimerID(t.ID), validateDue(t)); err != nil {
			return err
		}
	}
	for _, id := range c.Clear {
		if err := validateTimerID(id); err != nil {
			return err
		}
	}
	return nil
}

func validateTimerID(id string) error {
	if id == "" || len(id) > MaxTimerIDLen {
		return fmt.Errorf("timer %.40q: its id is %d bytes, 1 to %d are allowed: %w", id, len(id), MaxTimerIDLen, ErrInvalidName)
	}
	return ValidateCheckpointName(id)
}

func validateDue(t Timer) error {
	if year := t.Due.UTC().Year(); year < 1970 || year > 9999 {
		return fmt.Errorf("timer %q is due in the year %d: %w", t.ID, year, ErrInvalidName)
	}
	return nil
}

// Timers keeps timers, by the name of their owner, until they are cleared.
type Timers interface {
	Tracker

	// RecordTimers records progress, as [Tracker.Record] does, together with changes to the timers of a name:
	// all or nothing, as durably as an append.
	RecordTimers(ctx context.Context, p Progress, name string, c TimerChanges) error

	// Timers returns the first of a name's timers in the order of their due times and ids, at
	// most so many; limit 0 means all.
	Timers(ctx context.Context, name string, limit int) ([]Timer, error)

	// ClearTimer removes a timer, if it is still due when it was.
	ClearTimer(ctx context.Context, name string, t Timer) error
}
