package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

func stream(category string, n int) es.Stream {
	return es.Stream{Category: category, ID: fmt.Sprint(n)}
}

// fill appends n events, each to its stream, and returns the head.
func fill(t testing.TB, s es.Store, category string, streams, n int) es.Position {
	t.Helper()
	var last es.Position
	for i := range n {
		r, err := s.Append(t.Context(), es.Write{Stream: stream(category, i%streams), Expect: es.Any, Events: []es.Event{
			{ID: es.NewID(), Type: category + ".happened", Schema: 1, Data: fmt.Appendf(nil, `{"n":%d}`, i)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		last = r.Streams[0].Position
	}
	return last
}

// seen collects what a handler gets.
type seen struct {
	mu     sync.Mutex
	events []es.Recorded
	change chan struct{}
}

func newSeen() *seen { return &seen{change: make(chan struct{}, 1)} }

func (s *seen) Handle(_ context.Context, events []es.Recorded) error {
	s.add(events)
	return nil
}

func (s *seen) add(events []es.Recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
	select {
	case s.change <- struct{}{}:
	default:
	}
}

func (s *seen) positions() (all []es.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.events {
		all = append(all, rec.Position)
	}
	return all
}

// patience is how long something is waited for: a crowded machine takes its time.
const patience = 4 * time.Minute

// await waits until something holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("waiting in vain until %s", what)
		}
	}
}

// running starts a subscription, and returns what stops it and returns its error.
func running(t testing.TB, sub *subscription.Subscription) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sub.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func newSub(t testing.TB, store es.Store, h subscription.Handler, opts ...subscription.Option) *subscription.Subscription {
	t.Helper()
	sub, err := subscription.New(store, "reader", h, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func wantCheckpoint(t testing.TB, store es.Checkpoints, want es.Position) {
	t.Helper()
	if p, err := store.Checkpoint(t.Context(), "reader"); err != nil || p != want {
		t.Fatalf("the checkpoint is %d, %v, want %d", p, err, want)
	}
}

func upTo(n es.Position) (all []es.Position) {
	for p := es.Position(1); p <= n; p++ {
		all = append(all, p)
	}
	return all
}

func TestEveryEventIsDeliveredInOrderThroughCatchUpAndLive(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 3, 100)
	got := newSeen()
	stop := running(t, newSub(t, store, got, subscription.BatchSize(7)))
	var last es.Position
	for range 200 { // while it catches up and after
		last = fill(t, store, "a", 3, 1)
	}
	await(t, "all events were handled", func() bool { return len(got.positions()) >= int(last) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.positions(), upTo(last)) {
		t.Fatalf("delivered were %v", got.positions())
	}
	wantCheckpoint(t, store, last)
}

func TestASubscriptionGoesOnFromItsCheckpoint(t *testing.T) {
	t.Parallel()
	store := memory.New()
	got := newSeen()
	for range 3 {
		last := fill(t, store, "a", 3, 10)
		stop := running(t, newSub(t, store, got))
		await(t, "all events were handled", func() bool { return len(got.positions()) >= int(last) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got.positions(), upTo(30)) {
		t.Fatalf("delivered were %v", got.positions())
	}
}

func TestStartAtHoldsForTheFirstRunAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start subscription.Start
		want  []es.Position
	}{
		"the beginning": {subscription.Beginning, upTo(8)},
		"now":           {subscription.Now, []es.Position{6, 7, 8}},
		"a position":    {subscription.After(3), []es.Position{4, 5, 6, 7, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			fill(t, store, "a", 1, 5)
			got := newSeen()
			started := newSub(t, store, got, subscription.StartAt(c.start))
			stop := running(t, started)
			await(t, "it is live", func() bool {
				s, _ := started.Status(t.Context())
				return s.State == subscription.Live
			})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			fill(t, store, "a", 1, 3) // while it does not run
			running(t, newSub(t, store, got, subscription.StartAt(c.start)))
			await(t, "all events were handled", func() bool { return len(got.positions()) >= len(c.want) })
			if !slices.Equal(got.positions(), c.want) {
				t.Fatalf("delivered were %v, want %v", got.positions(), c.want)
			}
		})
	}
}

func TestFiltersAreHeededAndTheCheckpointPassesWhatTheyLeaveOut(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 4)
	fill(t, store, "b", 2, 3)
	last := fill(t, store, "c", 2, 5)
	for _, c := range []struct {
		name string
		opts []subscription.Option
		want []es.Position
	}{
		{"categories", []subscription.Option{subscription.Categories("b"), subscription.Categories("x")}, []es.Position{5, 6, 7}},
		{"types", []subscription.Option{subscription.Types("a.happened")}, []es.Position{1, 2, 3, 4}},
		{"nothing matches", []subscription.Option{subscription.Types("x")}, nil},
	} {
		got := newSeen()
		sub, err := subscription.New(store, c.name, got, append(c.opts, subscription.CheckpointEvery(1, time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		stop := running(t, sub)
		await(t, "the checkpoint is at the head", func() bool {
			p, _ := store.Checkpoint(t.Context(), c.name)
			return p == last
		})
		if err := stop(); err != nil || !slices.Equal(got.positions(), c.want) {
			t.Fatalf("%s: delivered were %v, %v, want %v", c.name, got.positions(), err, c.want)
		}
	}
}

func TestStoppingFinishesAndCheckpointsTheWorkInHand(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 10)
	begun, finish := make(chan struct{}), make(chan struct{})
	got := newSeen()
	sub := newSub(t, store, subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
		close(begun)
		<-finish
		got.add(events)
		return ctx.Err()
	}), subscription.BatchSize(4))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- sub.Run(ctx) }()
	<-begun
	cancel()
	close(finish)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.positions(), upTo(4)) {
		t.Fatalf("handled were %v, want the batch in hand alone", got.positions())
	}
	wantCheckpoint(t, store, 4)
}

func TestAHandlerThatIgnoresTheStopIsCutOffAfterGrace(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 1)
	begun := make(chan struct{})
	sub := newSub(t, store, subscription.HandlerFunc(func(ctx context.Context, _ []es.Recorded) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}), subscription.Grace(time.Millisecond))
	stop := running(t, sub)
	<-begun
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantCheckpoint(t, store, 0)
}

func TestAnEventThatFailsIsTriedAgainThenStopsTheSubscription(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 10)
	broken := errors.New("broken")
	attempts := map[es.Position]int{}
	sub := newSub(t, store, subscription.Each(func(_ context.Context, rec es.Recorded) error {
		attempts[rec.Position]++
		if rec.Position == 6 || rec.Position == 3 && attempts[3] < 3 {
			return broken
		}
		return nil
	}), subscription.Retry(subscription.Backoff{Attempts: 3, First: time.Millisecond, Max: time.Millisecond}))
	err := sub.Run(t.Context())
	failed, ok := errors.AsType[*subscription.EventError](err)
	if !ok || failed.Event.Position != 6 || failed.Attempts != 3 || !errors.Is(err, broken) {
		t.Fatalf("Run: %v, want a *EventError of position 6 after 3 attempts", err)
	}
	wantCheckpoint(t, store, 5)
	if attempts[7] > 0 {
		t.Fatal("an event after the one that failed was handled")
	}
	status, _ := sub.Status(t.Context())
	if status.State != subscription.Stopped || !errors.Is(status.Err, broken) || status.Position != 5 || status.Behind != 5 {
		t.Fatalf("the status is %+v", status)
	}
}

func TestAPassingFailureIsWaitedFor(t *testing.T) {
	t.Parallel()
	store := memory.New()
	last := fill(t, store, "a", 1, 3)
	got := newSeen()
	tries := 0
	sub := newSub(t, store, subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
		if tries++; tries < 20 {
			return subscription.Passing(errors.New("the database is down"))
		}
		return got.Handle(ctx, events)
	}), subscription.Retry(subscription.Backoff{Attempts: 1, First: time.Millisecond, Max: time.Millisecond}))
	running(t, sub)
	await(t, "all events were handled", func() bool { return slices.Equal(got.positions(), upTo(last)) })
}

func TestASinkCommitsEffectAndPositionAtOnce(t *testing.T) {
	t.Parallel()
	store := memory.New()
	last := fill(t, store, "a", 1, 20)
	got := newSeen()
	sub, err := subscription.Into(store, "reader", subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
		if err := store.Record(ctx, b.Progress); err != nil { // as a transaction: memory has none
			return err
		}
		got.add(b.Events)
		return nil
	}), subscription.BatchSize(3))
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, sub)
	await(t, "all events were handled", func() bool { return len(got.positions()) == int(last) })
	wantCheckpoint(t, store, last)
	// Somebody else moves the checkpoint: nothing more has an effect.
	if err := store.SaveCheckpoint(t.Context(), "reader", 4); err != nil {
		t.Fatal(err)
	}
	fill(t, store, "a", 1, 1)
	await(t, "it has stopped", func() bool {
		s, _ := sub.Status(t.Context())
		return s.State == subscription.Stopped
	})
	if err := stop(); !errors.Is(err, es.ErrFenced) {
		t.Fatalf("Run: %v, want es.ErrFenced", err)
	}
	if !slices.Equal(got.positions(), upTo(last)) {
		t.Fatalf("delivered were %v", got.positions())
	}
}

func TestACheckpointBeyondTheHeadIsAnError(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 1)
	sub := newSub(t, store, newSeen(), subscription.StartAt(subscription.After(5)))
	if err := sub.Run(t.Context()); !errors.Is(err, es.ErrBeyondHead) {
		t.Fatalf("Run: %v, want es.ErrBeyondHead", err)
	}
}

func TestRunTwiceAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	sub := newSub(t, memory.New(), newSeen())
	stop := running(t, sub)
	await(t, "it runs", func() bool {
		s, _ := sub.Status(t.Context())
		return s.State == subscription.Live
	})
	if err := sub.Run(t.Context()); !errors.Is(err, subscription.ErrRunning) {
		t.Fatalf("Run: %v, want ErrRunning", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestAClosedStoreEndsTheSubscription(t *testing.T) {
	t.Parallel()
	store := memory.New()
	sub := newSub(t, store, newSeen(), subscription.Poll(time.Millisecond))
	done := make(chan error)
	go func() { done <- sub.Run(t.Context()) }()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, es.ErrClosed) {
		t.Fatalf("Run: %v, want es.ErrClosed", err)
	}
}

func TestASlowHandlerHoldsUpTheReader(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 100)
	counting := &countingFeed{Store: store}
	release := make(chan struct{})
	var once sync.Once
	sub := newSub(t, counting, subscription.HandlerFunc(func(context.Context, []es.Recorded) error {
		<-release
		return nil
	}), subscription.BatchSize(10))
	running(t, sub)
	t.Cleanup(func() { once.Do(func() { close(release) }) })
	await(t, "it reads ahead", func() bool { return counting.read.Load() >= 30 })
	time.Sleep(20 * time.Millisecond)
	if n := counting.read.Load(); n > 30 {
		t.Fatalf("%d events were read while the first 10 were handled, want 30 at most", n)
	}
	once.Do(func() { close(release) })
}

func TestARecordWhoseAnswerWasLostIsNobodyElses(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"handler", "sink"} {
		for _, grouped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, group %t", way, grouped), func(t *testing.T) {
				t.Parallel()
				store := &forgetful{Store: memory.New()}
				fill(t, store, "a", 3, 50)
				got := newSeen()
				opts := []subscription.Option{subscription.BatchSize(5), subscription.CheckpointEvery(5, time.Millisecond),
					subscription.Retry(subscription.Backoff{Attempts: 1, First: time.Millisecond, Max: time.Millisecond})}
				if grouped {
					opts = append(opts, subscription.Group(4), subscription.Lease(groupLease))
				}
				sub := newSub(t, store, got, opts...)
				if way == "sink" {
					var err error
					sub, err = subscription.Into(store, "reader", subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
						err := store.Record(ctx, b.Progress)
						if err == nil || errors.Is(err, errLost) && !errors.Is(err, es.ErrFenced) { // the transaction was committed
							got.add(b.Events)
						}
						if errors.Is(err, es.ErrFenced) {
							return err
						}
						return subscription.Passing(err)
					}), opts...)
					if err != nil {
						t.Fatal(err)
					}
				}
				stop := running(t, sub)
				fill(t, store, "a", 3, 20)
				await(t, "all was handled", func() bool {
					all := got.positions()
					slices.Sort(all)
					return slices.Equal(slices.Compact(all), upTo(70))
				})
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if n := len(got.positions()); way == "sink" && n != 70 {
					t.Errorf("70 events had an effect %d times", n)
				}
			})
		}
	}
}

func TestNoHandledEventComesAgainBecauseAnotherFails(t *testing.T) {
	t.Parallel()
	store := memory.New()
	last := fill(t, store, "a", 3, 30)
	var got []es.Position
	failures := 0
	each := subscription.Each(func(_ context.Context, rec es.Recorded) error {
		if rec.Position%7 == 0 && failures%3 < 2 {
			failures++
			return errors.New("not yet")
		}
		if rec.Position%7 == 0 {
			failures++
		}
		got = append(got, rec.Position)
		return nil
	})
	stop := running(t, newSub(t, store, subscription.Router{"a": each}, subscription.Retry(subscription.Backoff{Attempts: 5, First: time.Millisecond, Max: time.Millisecond})))
	await(t, "all was handled", func() bool { p, _ := store.Checkpoint(t.Context(), "reader"); return p == last })
	if err := stop(); err != nil || !slices.Equal(got, upTo(last)) {
		t.Fatalf("handled were %v, %v", got, err)
	}
}

// Metadata counts like data: else 500 events of a batch could hold 32 MiB of it.
func TestABatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]es.Event{
		"data":     {Data: fmt.Appendf(nil, "%q", strings.Repeat("x", 1<<20))},
		"metadata": {Data: []byte("1"), Meta: es.Metadata{Keys: map[string]string{"k": strings.Repeat("x", 63<<10)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			e.Type, e.Schema = "a.happened", 1
			n := 3 * (4 << 20) / (len(e.Data) + len(e.Meta.Keys["k"]))
			for range n {
				e.ID = es.NewID()
				if _, err := store.Append(t.Context(), es.Write{Stream: stream("a", 0), Expect: es.Any, Events: []es.Event{e}}); err != nil {
					t.Fatal(err)
				}
			}
			var handled, most atomic.Int64
			running(t, newSub(t, store, subscription.HandlerFunc(func(_ context.Context, events []es.Recorded) error {
				size := 0
				for _, rec := range events {
					size += len(rec.Data) + len(rec.Meta.Keys["k"])
				}
				most.Store(max(most.Load(), int64(size)))
				handled.Add(int64(len(events)))
				return nil
			})))
			await(t, "all was handled", func() bool { return handled.Load() == int64(n) })
			if most.Load() > 5<<20+100 {
				t.Fatalf("a batch had %d bytes, at most 4 MiB and an event are promised", most.Load())
			}
		})
	}
}
