package subscription

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/esgen-go/esgen/es"
)

// Message is the stored event that a typed event comes from, with its metadata and place.
type Message struct {
	es.Recorded
	// Part says which part of the stored event the typed one is, from 1 to Parts: an
	// upcaster may split one stored event into several, which have all but this in common.
	Part, Parts int
}

// Typed makes a handler of a function that handles decoded events. decode is what esgen has generated,
// such as account.Decode: it brings events of any stored version to the latest.
//
// An event that was split is handled part by part, and counts as handled after its last: if a part
// fails, all come again. One that an upcaster drops is handled by nobody and passed. One that decode
// does not know is never passed: its *[es.EventError] is treated as a failure that no further attempt
// will mend.
func Typed[E any](decode func(es.Recorded) ([]E, error), handle func(ctx context.Context, event E, m Message) error) Handler {
	return Each(func(ctx context.Context, rec es.Recorded) error {
		events, err := decode(rec)
		if err != nil {
			return err
		}
		for i, event := range events {
			if err := handle(ctx, event, Message{Recorded: rec, Part: i + 1, Parts: len(events)}); err != nil {
				if len(events) > 1 {
					err = fmt.Errorf("part %d of %d: %w", i+1, len(events), err)
				}
				return err
			}
		}
		return nil
	})
}

// Router is a handler for several categories, each with its own handler:
//
//	subscription.Router{
//		"account":   subscription.Typed(account.Decode, onAccount),
//		"operation": subscription.Typed(operation.Decode, onOperation),
//	}
//
// A subscription with a Router gets the events of these categories, unless [Categories] says
// otherwise. An event of another category is an error, never passed.
type Router map[string]Handler

// Categories returns those that the router has a handler for.
func (r Router) Categories() []string { return slices.Sorted(maps.Keys(r)) }

// portion returns how many of the first events one handler is to have at once.
func (r Router) portion(events []es.Recorded) int {
	category := events[0].Stream.Category
	if h, ok := r[category].(portioned); ok {
		events = events[:h.portion(events)]
	}
	if n := slices.IndexFunc(events, func(rec es.Recorded) bool { return rec.Stream.Category != category }); n >= 0 {
		return n
	}
	return len(events)
}

// Handle implements [Handler]. Events of one category that follow each other are handled
// together, or as their handler has them.
func (r Router) Handle(ctx context.Context, events []es.Recorded) error {
	for handled := 0; len(events) > 0; {
		n := r.portion(events)
		h, ok := r[events[0].Stream.Category]
		if !ok {
			rec := events[0]
			err := fmt.Errorf("the router has no handler for category %s", rec.Stream.Category)
			return &failedAt{handled, &es.EventError{Stream: rec.Stream, Version: rec.Version, Type: rec.Type, Schema: rec.Schema, Err: err}}
		}
		if err := h.Handle(ctx, events[:n:n]); err != nil {
			if failed, known := errors.AsType[*failedAt](err); known {
				return &failedAt{handled + failed.index, failed.err}
			}
			return err
		}
		handled, events = handled+n, events[n:]
	}
	return nil
}
