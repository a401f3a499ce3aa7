package subscription_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

var errPoison = errors.New("poison")

// poisoned is a handler that fails events which are poison, and keeps the rest.
type poisoned struct {
	*seen
	mu     sync.Mutex
	poison map[es.Position]bool
	tries  map[es.Position]int
}

func newPoisoned(at ...es.Position) *poisoned {
	p := &poisoned{seen: newSeen(), poison: map[es.Position]bool{}, tries: map[es.Position]int{}}
	for _, position := range at {
		p.poison[position] = true
	}
	return p
}

func (p *poisoned) Handle(_ context.Context, events []es.Recorded) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, rec := range events {
		p.tries[rec.Position]++
		if p.poison[rec.Position] {
			return errPoison
		}
	}
	p.add(events)
	return nil
}

func (p *poisoned) cure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.poison)
}

// of returns the versions handled of a stream, in order.
func (s *seen) of(at es.Stream) (versions []es.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.events {
		if rec.Stream == at {
			versions = append(versions, rec.Version)
		}
	}
	return versions
}

var fast = []subscription.Option{
	subscription.Park(10), subscription.Poll(5 * time.Millisecond),
	subscription.Retry(subscription.Backoff{Attempts: 3, First: time.Millisecond, Max: time.Millisecond}),
}

func parked(t testing.TB, store es.Parking) []es.Parked {
	t.Helper()
	all, err := store.Parked(t.Context(), es.ParkedQuery{Name: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func versions(n es.Version) (all []es.Version) {
	for v := es.Version(1); v <= n; v++ {
		all = append(all, v)
	}
	return all
}

// sinkOf makes a sink of a handler, over a store without transactions.
func sinkOf(store es.Tracker, h subscription.Handler) subscription.Sink {
	return subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
		if len(b.Events) > 0 {
			if err := h.Handle(ctx, b.Events); err != nil {
				return err
			}
		}
		return store.Record(ctx, b.Progress)
	})
}

func TestAPoisonEventParksItsStreamAndOthersGoOn(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"handler", "sink"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			fill(t, store, "a", 3, 30) // streams 0, 1, 2 in turns
			h := newPoisoned(5)        // version 2 of stream 1
			sub := newSub(t, store, h, fast...)
			if way == "sink" {
				var err error
				if sub, err = subscription.Into(store, "reader", sinkOf(store, h), fast...); err != nil {
					t.Fatal(err)
				}
			}
			stop := running(t, sub)
			await(t, "the others were handled, and the attempts used up", func() bool {
				all := parked(t, store)
				return len(h.of(stream("a", 0)))+len(h.of(stream("a", 2))) == 20 && len(all) == 1 && all[0].Attempts == 3
			})
			p := parked(t, store)[0]
			if p.Stream != stream("a", 1) || p.Version != 2 || p.Position != 5 || p.Error != errPoison.Error() {
				t.Fatalf("parked is %+v", p)
			}
			fill(t, store, "a", 3, 6) // waits behind
			await(t, "the others were handled", func() bool { return len(h.of(stream("a", 0))) == 12 && len(h.of(stream("a", 2))) == 12 })
			status, _ := sub.Status(t.Context())
			if status.Parked != 1 || slices.Max(h.of(stream("a", 1))) != 1 {
				t.Fatalf("the status is %+v, handled of the parked stream were %v", status, h.of(stream("a", 1)))
			}
			if err := stop(); err != nil { // what is parked survives a restart
				t.Fatal(err)
			}
			stop = running(t, sub)
			if err := store.Decide(t.Context(), "reader", p.Stream, 1, es.Retry); !errors.Is(err, es.ErrNotParked) {
				t.Fatalf("Decide on a version that is not parked: %v, want es.ErrNotParked", err)
			}
			if err := store.Decide(t.Context(), "reader", p.Stream, 2, es.Retry); err != nil {
				t.Fatal(err)
			}
			await(t, "the retry has failed", func() bool {
				all := parked(t, store)
				return len(all) == 1 && all[0].Attempts == 4 && all[0].Verdict == es.Undecided
			})
			h.cure()
			if err := store.Decide(t.Context(), "reader", p.Stream, 2, es.Retry); err != nil {
				t.Fatal(err)
			}
			await(t, "the stream was taken up again", func() bool { return len(parked(t, store)) == 0 })
			fill(t, store, "a", 3, 3)
			await(t, "all was handled", func() bool { return len(h.positions()) == 39 })
			for n := range 3 {
				if got := h.of(stream("a", n)); !slices.Equal(got, versions(13)) {
					t.Fatalf("handled of stream %d were %v, want 1 to 13 in order, once", n, got)
				}
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			wantCheckpoint(t, store, 39)
		})
	}
}

func TestASkippedEventIsLeftOutAndWhatWaitsBehindItIsHandled(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 10)
	h := newPoisoned(3, 7)
	running(t, newSub(t, store, h, fast...))
	for _, v := range []es.Version{3, 7} {
		await(t, "it is parked", func() bool {
			all := parked(t, store)
			return len(all) == 1 && all[0].Version == v && all[0].Attempts == 3
		})
		if err := store.Decide(t.Context(), "reader", stream("a", 0), v, es.Skip); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the rest was handled", func() bool { return len(h.positions()) == 8 })
	if want := []es.Version{1, 2, 4, 5, 6, 8, 9, 10}; !slices.Equal(h.of(stream("a", 0)), want) {
		t.Fatalf("handled were %v, want %v", h.of(stream("a", 0)), want)
	}
}

func TestAFailureThatMendsItselfNeedsNoVerdict(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	var failures atomic.Int32
	got := newSeen()
	h := subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
		for _, rec := range events {
			if rec.Position == 4 && failures.Add(1) <= 3 {
				return errPoison
			}
		}
		return got.Handle(ctx, events)
	})
	running(t, newSub(t, store, h, fast...))
	await(t, "all was handled", func() bool { return len(got.positions()) == 10 && len(parked(t, store)) == 0 })
	if !slices.Equal(got.of(stream("a", 1)), versions(5)) {
		t.Fatalf("handled were %v", got.of(stream("a", 1)))
	}
}

func TestTooManyParkedStreamsStopTheSubscription(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 20, 20)
	h := newPoisoned(upTo(20)...)
	err := newSub(t, store, h, append(fast, subscription.Park(5))...).Run(t.Context())
	if !errors.Is(err, subscription.ErrParked) || !errors.Is(err, errPoison) || len(parked(t, store)) != 5 {
		t.Fatalf("Run: %v with %d parked, want ErrParked with 5", err, len(parked(t, store)))
	}
	wantCheckpoint(t, store, 5)
}

// Whatever record a crash falls between, no event is lost and none of a stream is handled before its
// predecessor.
func TestACrashAnywhereLosesNothingAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for crash, crashed := int64(0), true; crashed; crash++ {
		inner := memory.New()
		fill(t, inner, "a", 3, 30)
		store := &crashing{Store: inner}
		store.left.Store(crash)
		h := newPoisoned(5, 9, 17)
		var mu sync.Mutex
		done := map[es.Stream]es.Version{}
		check := subscription.Each(func(ctx context.Context, rec es.Recorded) error {
			if err := h.Handle(ctx, []es.Recorded{rec}); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if rec.Version > done[rec.Stream]+1 {
				t.Errorf("crash after %d records: version %d of %s came after %d", crash, rec.Version, rec.Stream, done[rec.Stream])
			}
			done[rec.Stream] = max(done[rec.Stream], rec.Version)
			return nil
		})
		opts := append(fast, subscription.BatchSize(4), subscription.CheckpointEvery(5, time.Hour))
		settled := func() bool { // all that can be handled is
			all := parked(t, inner)
			return len(all) == 2 && all[0].Attempts >= 3 && all[1].Attempts >= 3 && len(h.of(stream("a", 1))) >= 1 && len(h.of(stream("a", 2))) >= 2 &&
				slices.Contains(h.positions(), 28)
		}
		first := newSub(t, store, check, opts...)
		stop := running(t, first)
		await(t, "it has crashed, or settled", func() bool { return store.left.Load() < 0 || settled() })
		err := stop()
		if crashed = store.left.Load() < 0; crashed && !errors.Is(err, errCrash) || !crashed && err != nil {
			t.Fatalf("crash after %d records: Run: %v", crash, err)
		}
		running(t, newSub(t, inner, check, opts...))
		await(t, "it has settled", settled)
		h.cure()
		await(t, "all was handled", func() bool {
			for _, p := range parked(t, inner) {
				_ = inner.Decide(t.Context(), "reader", p.Stream, p.Version, es.Retry) // it may have been tried meanwhile
			}
			mu.Lock()
			defer mu.Unlock()
			return done[stream("a", 0)] == 10 && done[stream("a", 1)] == 10 && done[stream("a", 2)] == 10
		})
	}
}

func TestASubscriptionWithoutParkRefusesToPassWhatIsParked(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	h := newPoisoned(3)
	stop := running(t, newSub(t, store, h, fast...))
	await(t, "it is parked", func() bool { return len(parked(t, store)) == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := newSub(t, store, h).Run(t.Context()); !errors.Is(err, subscription.ErrParked) {
		t.Fatalf("Run without Park: %v, want ErrParked", err)
	}
}
