package subscription_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// The store is empty at the first run, so that the position does not tell that there was one.
func TestNowInAnEmptyStoreSkipsNothingAfterARestart(t *testing.T) {
	t.Parallel()
	store := memory.New()
	ended, cancel := context.WithCancel(t.Context())
	seen := newSeen()
	h := subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error { return errPoison })
	sub := newSub(t, store, h, subscription.StartAt(subscription.Now), subscription.Retry(subscription.Backoff{Attempts: 1, First: 1, Max: 1}),
		subscription.OnChange(func(s subscription.Status) {
			if s.State == subscription.Live {
				cancel()
			}
		}))
	if err := sub.Run(ended); err != nil {
		t.Fatal(err)
	}
	fill(t, store, "a", 1, 3) // nobody runs
	if err := sub.Run(t.Context()); !errors.Is(err, errPoison) {
		t.Fatalf("the second run: %v, want the handler's failure", err)
	}
	running(t, newSub(t, store, seen, subscription.StartAt(subscription.Now)))
	await(t, "all came", func() bool { return slices.Equal(seen.positions(), upTo(3)) })
}

// A start beyond the head is refused, and leaves no group behind that nobody could ever join.
func TestAGroupThatWouldBeginBeyondTheHeadIsNotMade(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 3)
	sub := newSub(t, store, newSeen(), subscription.Group(4), subscription.StartAt(subscription.After(4)))
	if err := sub.Run(t.Context()); !errors.Is(err, es.ErrBeyondHead) {
		t.Fatalf("Run: %v, want es.ErrBeyondHead", err)
	}
	if _, err := store.Group(t.Context(), "reader"); !errors.Is(err, es.ErrNotFound) {
		t.Fatalf("Group: %v, want es.ErrNotFound", err)
	}
}

func TestAForgottenSubscriptionBeginsAnewAndOneAtWorkIsRefused(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"lone", "group"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, first, second := memory.New(), newSeen(), newSeen()
			fill(t, store, "a", 2, 10)
			opts := []subscription.Option{subscription.CheckpointEvery(1, time.Hour), subscription.Poll(5 * time.Millisecond)}
			if way == "group" {
				opts = append(opts, subscription.Group(2), subscription.Lease(time.Hour))
			}
			ended := make(chan error, 1)
			go func() { ended <- newSub(t, store, first, opts...).Run(t.Context()) }()
			await(t, "all was recorded", func() bool {
				all, err := store.Readers(t.Context())
				return err == nil && len(all) == 1 && all[0].Position == 10
			})
			if way == "group" { // as if it had been killed
				if err := store.Forget(t.Context(), "reader"); !errors.Is(err, es.ErrInUse) {
					t.Fatalf("Forget: %v, want es.ErrInUse", err)
				}
				state, err := store.Group(t.Context(), "reader")
				if err != nil {
					t.Fatal(err)
				}
				if err := store.Leave(t.Context(), "reader", state.Members[0].ID, 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := store.Forget(t.Context(), "reader"); err != nil {
				t.Fatal(err)
			}
			fill(t, store, "a", 2, 2)
			if err := <-ended; !errors.Is(err, es.ErrFenced) {
				t.Fatalf("Run: %v, want es.ErrFenced", err)
			}
			running(t, newSub(t, store, second, opts...))
			await(t, "it has begun anew", func() bool { return len(second.positions()) == 12 })
		})
	}
}

// A sink that records nothing right is not called as fast as it can be.
func TestAGroupsSinkThatIsAlwaysRefusedIsNotCalledAllTheTime(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	calls := 0
	sink := subscription.SinkFunc(func(context.Context, subscription.Batch) error {
		calls++
		return &es.FencedError{Name: "reader", Partition: 0}
	})
	sub, err := subscription.Into(store, "reader", sink, subscription.Group(2))
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, sub)
	await(t, "the status tells of it", func() bool {
		status, err := sub.Status(t.Context())
		return err == nil && errors.Is(status.Err, es.ErrFenced) && status.State == subscription.Retrying
	})
	time.Sleep(200 * time.Millisecond)
	if err := stop(); err != nil && !errors.Is(err, es.ErrFenced) {
		t.Fatal(err)
	}
	if calls > 20 {
		t.Fatalf("the sink was called %d times in vain", calls)
	}
}

// Else a Group option added to a subscription would have all that was handled handled again.
func TestAGroupBeginsWhereTheSubscriptionOfItsNameWasOrNotAtAll(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	h := newPoisoned(3)
	stop := running(t, newSub(t, store, h, fast...))
	await(t, "all but what is parked was handled", func() bool { return len(h.positions()) == 6 && len(parked(t, store)) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	grouped := append(slices.Clip(fast), subscription.Group(4))
	for _, at := range []subscription.Start{subscription.Beginning, subscription.After(9)} {
		if err := newSub(t, store, h, append(grouped, subscription.StartAt(at))...).Run(t.Context()); !errors.Is(err, subscription.ErrMixed) {
			t.Fatalf("Run: %v, want ErrMixed", err)
		}
	}
	h.cure()
	running(t, newSub(t, store, h, append(grouped, subscription.StartAt(subscription.After(10)))...))
	if err := store.Decide(t.Context(), "reader", stream("a", 0), 2, es.Retry); err != nil && !errors.Is(err, es.ErrNotParked) {
		t.Fatal(err)
	}
	fill(t, store, "a", 2, 2)
	await(t, "the group has handled what was parked, and the rest", func() bool {
		return slices.Equal(h.of(stream("a", 0)), versions(6)) && slices.Equal(h.of(stream("a", 1)), versions(6))
	})
}

func TestASubscriptionDoesNotBeginUnderTheNameOfAGroup(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	got := newSeen()
	stop := running(t, newSub(t, store, got, subscription.Group(4)))
	await(t, "the group has handled all", func() bool { return len(got.positions()) == 10 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := newSub(t, store, got).Run(t.Context()); !errors.Is(err, subscription.ErrMixed) || len(got.positions()) != 10 {
		t.Fatalf("Run: %v after %d events, want ErrMixed after 10", err, len(got.positions()))
	}
}

// A group was made of it, as the guide has it, and then somebody starts an older build.
func TestASubscriptionThatBecameAGroupDoesNotGoOnAloneAgain(t *testing.T) {
	t.Parallel()
	store := memory.New()
	got := newSeen()
	for round, opts := range [][]subscription.Option{nil, {subscription.Group(4), subscription.StartAt(subscription.After(10))}} {
		last := fill(t, store, "a", 2, 10)
		stop := running(t, newSub(t, store, got, opts...))
		await(t, "all was handled", func() bool { return len(got.positions()) == 10*(round+1) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if last != es.Position(10*(round+1)) {
			t.Fatalf("the head is %d", last)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	alone := newSub(t, store, subscription.HandlerFunc(func(_ context.Context, events []es.Recorded) error {
		defer cancel()
		t.Errorf("positions from %d on are handled again", events[0].Position)
		return nil
	}))
	if err := alone.Run(ctx); !errors.Is(err, subscription.ErrMixed) {
		t.Fatalf("Run: %v, want ErrMixed", err)
	}
}
