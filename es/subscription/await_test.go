package subscription_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// gate lets events up to a position pass.
type gate struct {
	open  atomic.Int64
	calls atomic.Int64
	fails func(call int64) error // before it waits; nil: never
}

func (g *gate) wait(ctx context.Context, p es.Position) error {
	n := g.calls.Add(1)
	if g.fails != nil {
		if err := g.fails(n); err != nil {
			return err
		}
	}
	for g.open.Load() < int64(p) {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func TestEventsAreHandledWhenTheyMayBeAndTheRestGoesOnMeanwhile(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"handler", "sink"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, h, g := memory.New(), newPoisoned(3), &gate{}
			fill(t, store, "a", 2, 10)
			g.open.Store(10)
			opts := append(slices.Clip(fast), subscription.Await(g.wait), subscription.Grace(time.Hour), subscription.CheckpointEvery(1000, time.Millisecond))
			sub := newSub(t, store, h, opts...)
			if way == "sink" {
				var err error
				if sub, err = subscription.Into(store, "reader", sinkOf(store, h), opts...); err != nil {
					t.Fatal(err)
				}
			}
			stop := running(t, sub)
			await(t, "it is parked", func() bool { return len(parked(t, store)) == 1 && len(h.positions()) == 6 })
			fill(t, store, "a", 2, 4)
			await(t, "it waits, and has recorded what is handled", func() bool {
				p, err := store.Checkpoint(t.Context(), "reader")
				return err == nil && p == 10 && g.calls.Load() > 1
			})
			h.cure()
			if err := store.Decide(t.Context(), "reader", stream("a", 0), 2, es.Retry); err != nil && !errors.Is(err, es.ErrNotParked) {
				t.Fatal(err) // it may have been tried meanwhile
			}
			await(t, "what is parked is handled meanwhile", func() bool { return len(parked(t, store)) == 0 })
			if n := len(h.positions()); n != 10 {
				t.Fatalf("%d events are handled, of which 10 may be", n)
			}
			g.open.Store(14)
			await(t, "the rest is handled", func() bool { return len(h.positions()) == 14 })
			fill(t, store, "a", 2, 2)
			if err := stop(); err != nil { // which does not wait
				t.Fatal(err)
			}
			if n := len(h.positions()); n != 14 {
				t.Fatalf("%d events are handled, of which 14 may be", n)
			}
		})
	}
}

func TestWhatIsWaitedForMayFailAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	store, got, g := memory.New(), newSeen(), &gate{fails: func(call int64) error {
		switch call {
		case 1:
			return errPoison
		case 2:
			panic("the second")
		}
		return nil
	}}
	g.open.Store(100)
	fill(t, store, "a", 2, 10)
	stop := running(t, newSub(t, store, got, subscription.Await(g.wait)))
	await(t, "all was handled", func() bool { return slices.Equal(got.positions(), upTo(10)) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	closed := newSub(t, store, got, subscription.Await(func(context.Context, es.Position) error { return es.ErrClosed }))
	fill(t, store, "a", 2, 1)
	if err := closed.Run(t.Context()); !errors.Is(err, es.ErrClosed) {
		t.Fatalf("Run: %v, want es.ErrClosed", err)
	}
}
