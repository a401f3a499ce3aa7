package subscription

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Backoff says how often, and after which waits, an event is tried again that its handler
// has failed.
type Backoff struct {
	// Attempts is how often an event is tried in all. The default, also in place of 0, is 5.
	Attempts int
	// First is the wait before the second attempt. Each further one is twice as long, up to Max;
	// each is varied at random by half, so that handlers that failed together don't come back
	// together. The defaults, also in place of 0, are 100 milliseconds and 5 seconds; one that is not
	// given gives way to one that is.
	First, Max time.Duration
}

// orDefaults returns the backoff with the defaults for what is not given.
func (b Backoff) orDefaults() Backoff {
	const first, ceiling = 100 * time.Millisecond, 5 * time.Second
	if b.Attempts == 0 {
		b.Attempts = 5
	}
	if b.First == 0 {
		if b.First = first; b.Max > 0 {
			b.First = min(first, b.Max)
		}
	}
	if b.Max == 0 {
		b.Max = max(ceiling, b.First)
	}
	return b
}

// wait returns how long to wait after an attempt, from 1.
func (b Backoff) wait(attempt int) time.Duration {
	d := b.First
	for range attempt - 1 {
		if d *= 2; d >= b.Max {
			d = b.Max
			break
		}
	}
	return d/2 + rand.N(d)
}

// EventError tells which event a handler could not handle, and how often it was tried. Err
// is what the handler returned last.
type EventError struct {
	Event    es.Recorded
	Attempts int
	Err      error
}

func (e *EventError) Error() string {
	return fmt.Sprintf("handling %s at version %d (%s, position %d), attempt %d: %v",
		e.Event.Stream, e.Event.Version, e.Event.Type, e.Event.Position, e.Attempts, e.Err)
}

func (e *EventError) Unwrap() error { return e.Err }

// Passing marks an error of a handler or sink as one that says nothing about the event: the database that it
// writes to is down. The event is then tried until it is handled, however long that takes. Errors that match [es.ErrTxLost], as
// those of a store's InTx do, are such without it.
func Passing(err error) error {
	if err == nil {
		return nil
	}
	return &passing{err}
}

type passing struct{ error }

func (p *passing) Unwrap() error { return p.error }

// passes reports whether a failure says nothing about the event.
func passes(err error) bool {
	_, marked := errors.AsType[*passing](err)
	return marked || errors.Is(err, es.ErrTxLost)
}

// PanicError is what a handler's or a sink's panic becomes: a failure like any other, so that an event which
// brings about one does not bring down the process each time it comes.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // where it happened, as of [debug.Stack]
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Caught calls a function and makes a panic of it an error, a *[PanicError]. Handlers and sinks are called so. One that
// spreads its work over goroutines needs it there: their panics are nobody else's to catch.
func Caught(call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return call()
}

// panicked logs where a panic happened, which the error does not tell.
func (d *delivery) panicked(err error) {
	if p, ok := errors.AsType[*PanicError](err); ok {
		d.logger.Error("esgen: a handler panicked", "subscription", d.name, "panic", p.Value, "stack", string(p.Stack))
	}
}

// again tries an event that has failed once until it is handled, or the attempts are used up.
func (d *delivery) again(ctx, work context.Context, rec es.Recorded, upTo es.Position, err error) error {
	for attempt := 1; ; attempt++ {
		switch {
		case fatal(err) || stopped(ctx, err):
			return err
		case work.Err() != nil: // it was cut off, which says nothing about the event
			return ctx.Err()
		}
		d.panicked(err)
		failed := &EventError{Event: rec, Attempts: attempt, Err: err}
		d.status.failed(failed)
		switch {
		case passes(err):
		case d.parkLimit > 0:
			if unmendable(err) {
				failed.Attempts = max(attempt, d.backoff.Attempts)
			}
			return d.park(work, upTo, failed)
		case attempt >= d.backoff.Attempts || unmendable(err):
			return failed
		}
		wait := d.backoff.wait(attempt)
		d.logger.Warn("esgen: a handler failed, and is tried again", "subscription", d.name, "stream", rec.Stream.String(),
			"version", int64(rec.Version), "position", int64(rec.Position), "attempt", attempt, "wait", wait, "error", err)
		if failed := d.flush(work); failed != nil { // what was handled before it does not wait
			return failed
		}
		if sleep(ctx, wait) != nil {
			return ctx.Err()
		}
		if err = d.try(ctx, work, []es.Recorded{rec}, upTo); err == nil {
			return nil
		}
	}
}

// unmendable reports whether no further attempt of this build will handle an event: it can't be
// read.
func unmendable(err error) bool {
	_, unreadable := errors.AsType[*es.EventError](err)
	return unreadable
}

// fatal reports whether going on is no use, whatever is tried.
func fatal(err error) bool {
	return errors.Is(err, es.ErrFenced) || errors.Is(err, es.ErrBeyondHead) || errors.Is(err, es.ErrClosed)
}

// stopped reports whether an error is that of a context that has ended.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

// storeBackoff is for what the store fails.
var storeBackoff = Backoff{First: 50 * time.Millisecond, Max: 5 * time.Second}

// persistently calls the store until it does not fail, unless its failure can't pass.
func (s *Subscription) persistently(ctx context.Context, what string, call func() error) error {
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || lasting(err) || ctx.Err() != nil {
			return err
		}
		s.status.failed(err)
		wait := storeBackoff.wait(attempt)
		s.logger.Warn("esgen: the store failed, and is tried again", "subscription", s.name, "doing", what, "wait", wait, "error", err)
		if sleep(ctx, wait) != nil {
			return err
		}
	}
}

// lasting reports whether a store's failure can't pass by itself.
func lasting(err error) bool {
	return fatal(err) || unmendable(err) || errors.Is(err, es.ErrNegative) || errors.Is(err, es.ErrInvalidName) || errors.Is(err, es.ErrPartitions) || errors.Is(err, ErrOtherStore) || errors.Is(err, ErrParked) || errors.Is(err, ErrMixed)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
