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

// effects is a sink that commits effect and progress together. before may fail a batch or let it wait; answer says
// what becomes of the answer to a commit.
type effects struct {
	*memory.Store
	mu     sync.Mutex
	done   *seen
	before func(events []es.Recorded) error
	answer func(events []es.Recorded) error
}

func (s *effects) Commit(ctx context.Context, b subscription.Batch) error {
	if s.before != nil && len(b.Events) > 0 {
		if err := s.before(b.Events); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Record(ctx, b.Progress); err != nil {
		return err
	}
	s.done.add(b.Events)
	if s.answer != nil && len(b.Events) > 0 {
		return s.answer(b.Events)
	}
	return nil
}

func intoEffects(t *testing.T, s *effects, opts ...subscription.Option) *subscription.Subscription {
	t.Helper()
	sub, err := subscription.Into(s.Store, "reader", s, append(slices.Clip(fast), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func (s *effects) wantOnce(t *testing.T, streams int, n es.Version) {
	t.Helper()
	for i := range streams {
		if got := s.done.of(stream("a", i)); !slices.Equal(got, versions(n)) {
			t.Fatalf("the effects of stream %d are of versions %v, want 1 to %d, each once", i, got, n)
		}
	}
}

// parkFirst lets the sub park stream 0 at its first event.
func parkFirst(t *testing.T, s *effects, sub *subscription.Subscription) (stop func() error) {
	t.Helper()
	s.before = func(events []es.Recorded) error {
		for _, rec := range events {
			if rec.Position == 1 {
				return errPoison
			}
		}
		return nil
	}
	stop = running(t, sub)
	await(t, "it is parked, and the others are handled", func() bool {
		all := parked(t, s.Store)
		return len(all) == 1 && all[0].Attempts == 3 && len(s.done.of(stream("a", 1))) == 5
	})
	return stop
}

// The position has moved past what is parked, so that it can't tell whether an attempt was recorded.
func TestAParkedEventHasItsEffectOnceThoughTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"lone", "group"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := &effects{Store: memory.New(), done: newSeen()}
			fill(t, s.Store, "a", 2, 10)
			var opts []subscription.Option
			if way == "group" {
				opts = append(opts, subscription.Group(2))
			}
			sub := intoEffects(t, s, opts...)
			if err := parkFirst(t, s, sub)(); err != nil {
				t.Fatal(err)
			}
			s.before = nil
			s.answer = func([]es.Recorded) error { return errLost }
			if err := s.Decide(t.Context(), "reader", stream("a", 0), 1, es.Retry); err != nil {
				t.Fatal(err)
			}
			stop := running(t, sub)
			await(t, "the stream was taken up again", func() bool { return len(parked(t, s.Store)) == 0 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			s.wantOnce(t, 2, 5)
		})
	}
}

func TestWhatWasHandledBehindAParkedEventIsNotHandledAgainAfterAPassingFailure(t *testing.T) {
	t.Parallel()
	s := &effects{Store: memory.New(), done: newSeen()}
	fill(t, s.Store, "a", 2, 10)
	sub := intoEffects(t, s, subscription.Poll(time.Hour)) // what the store has parked is not read again soon
	if err := parkFirst(t, s, sub)(); err != nil {
		t.Fatal(err)
	}
	var down atomic.Int32
	s.before = func(events []es.Recorded) error {
		if events[0].Version == 3 && down.Add(1) < 5 {
			return subscription.Passing(errPoison)
		}
		return nil
	}
	if err := s.Decide(t.Context(), "reader", stream("a", 0), 1, es.Retry); err != nil {
		t.Fatal(err)
	}
	stop := running(t, sub)
	await(t, "the stream was taken up again", func() bool { return len(parked(t, s.Store)) == 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.wantOnce(t, 2, 5)
}

// A process is paused in the middle of an attempt, another one takes over, and the first wakes up.
func TestAnAttemptAtAParkedEventByAProcessThatWasOvertakenHasNoEffect(t *testing.T) {
	t.Parallel()
	s := &effects{Store: memory.New(), done: newSeen()}
	fill(t, s.Store, "a", 2, 10)
	first := intoEffects(t, s)
	if err := parkFirst(t, s, first)(); err != nil {
		t.Fatal(err)
	}
	if err := s.Decide(t.Context(), "reader", stream("a", 0), 1, es.Retry); err != nil {
		t.Fatal(err)
	}
	paused, wake := make(chan struct{}), make(chan struct{})
	asleep := &effects{Store: s.Store, done: s.done, before: func(events []es.Recorded) error {
		if events[0].Position == 1 {
			close(paused)
			<-wake
		}
		return nil
	}}
	ended := make(chan error, 1)
	go func() { ended <- intoEffects(t, asleep).Run(t.Context()) }()
	<-paused
	s.before = nil
	stop := running(t, intoEffects(t, s))
	await(t, "the stream was taken up again", func() bool { return len(parked(t, s.Store)) == 0 })
	close(wake)
	if err := <-ended; !errors.Is(err, es.ErrFenced) {
		t.Fatalf("Run of the one that was overtaken: %v, want es.ErrFenced", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.wantOnce(t, 2, 5)
}

func TestAVerdictGivenDuringAnAttemptStays(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 3)
	trying, goOn := make(chan struct{}), make(chan struct{})
	var tries atomic.Int32
	got := newSeen()
	h := subscription.Each(func(ctx context.Context, rec es.Recorded) error {
		if rec.Version == 1 {
			if tries.Add(1) == 3 { // the last one
				close(trying)
				<-goOn
			}
			return errPoison
		}
		return got.Handle(ctx, []es.Recorded{rec})
	})
	running(t, newSub(t, store, h, fast...))
	<-trying
	if err := store.Decide(t.Context(), "reader", stream("a", 0), 1, es.Skip); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	await(t, "it was skipped", func() bool { return slices.Equal(got.of(stream("a", 0)), []es.Version{2, 3}) })
}

func TestAfterThePositionWasSetBackWhatComesBeforeAParkedEventIsHandledAgain(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 10)
	h := newPoisoned(7) // version 4 of stream 0
	stop := running(t, newSub(t, store, h, fast...))
	await(t, "it is parked", func() bool { return len(parked(t, store)) == 1 && len(h.positions()) == 8 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := store.SaveCheckpoint(t.Context(), "reader", 0); err != nil {
		t.Fatal(err)
	}
	if err := store.Decide(t.Context(), "reader", stream("a", 0), 4, es.Skip); err != nil {
		t.Fatal(err)
	}
	running(t, newSub(t, store, h, fast...))
	await(t, "all but the skipped one came again", func() bool {
		return slices.Equal(h.of(stream("a", 0)), []es.Version{1, 2, 3, 1, 2, 3, 5}) && len(h.of(stream("a", 1))) == 10
	})
}

// A panic is a failure of its event: it is parked, and others go on.
func TestAPanicIsAFailureOfItsEvent(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"each", "handler", "sink", "stop"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, got := memory.New(), newSeen()
			fill(t, store, "a", 2, 10)
			panicking := func(ctx context.Context, rec es.Recorded) error {
				if rec.Position == 3 {
					var none *es.Recorded
					_ = none.Version
				}
				return got.Handle(ctx, []es.Recorded{rec})
			}
			all := subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
				for _, rec := range events {
					if err := panicking(ctx, rec); err != nil {
						return err
					}
				}
				return nil
			})
			var sub *subscription.Subscription
			switch way {
			case "each":
				sub = newSub(t, store, subscription.Each(panicking), fast...)
			case "handler":
				sub = newSub(t, store, all, fast...)
			case "sink":
				var err error
				if sub, err = subscription.Into(store, "reader", sinkOf(store, all), fast...); err != nil {
					t.Fatal(err)
				}
			case "stop":
				err := newSub(t, store, subscription.Each(panicking), fast[2]).Run(t.Context())
				p, panicked := errors.AsType[*subscription.PanicError](err)
				failed, known := errors.AsType[*subscription.EventError](err)
				if !panicked || !known || failed.Event.Position != 3 || len(p.Stack) == 0 {
					t.Fatalf("Run: %v, want an *EventError of position 3 with a *PanicError", err)
				}
				wantCheckpoint(t, store, 2)
				return
			}
			running(t, sub)
			await(t, "it is parked, and the other stream handled", func() bool {
				p := parked(t, store)
				return len(p) == 1 && p[0].Position == 3 && p[0].Attempts == 3 && slices.Contains(got.positions(), 10)
			})
		})
	}
}

// Somebody has mended what was wrong, and has a stream retried behind whose parked event much waits, of which each takes its time. Others
// don't wait for all of that.
func TestOtherStreamsGoOnWhileWhatHasWaitedIsHandled(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"live", "in a page"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			const waiting = 400
			store, others, mended := memory.New(), newSeen(), make(chan struct{})
			var handled, first atomic.Int64
			h := subscription.Each(func(ctx context.Context, rec es.Recorded) error {
				if rec.Stream == stream("a", 0) {
					select {
					case <-mended:
					default:
						return errPoison
					}
					time.Sleep(time.Millisecond)
					handled.Add(1)
					return nil
				}
				if handled.Load() > 0 {
					time.Sleep(time.Millisecond)
					first.CompareAndSwap(0, handled.Load())
				}
				return others.Handle(ctx, []es.Recorded{rec})
			})
			fill(t, store, "a", 1, waiting)
			fill(t, store, "b", 1, 1)
			running(t, newSub(t, store, h, fast...))
			await(t, "it is parked, and its attempts are used up", func() bool {
				all := parked(t, store)
				return len(all) == 1 && all[0].Attempts == 3 && len(others.positions()) == 1
			})
			close(mended)
			if err := store.Decide(t.Context(), "reader", stream("a", 0), 1, es.Retry); err != nil {
				t.Fatal(err)
			}
			await(t, "what has waited is being handled", func() bool { return handled.Load() > 0 })
			more := 1
			if way == "in a page" {
				more = waiting
			}
			fill(t, store, "b", 1, more)
			await(t, "the others were handled", func() bool { return len(others.positions()) == 1+more })
			if n := first.Load(); n == waiting {
				t.Fatal("all that had waited was handled before the first of the others")
			}
			if n := handled.Load(); way == "in a page" && n < waiting/10 {
				t.Fatalf("%d of %d that had waited were handled while there was much else to do", n, waiting)
			}
			await(t, "the stream was taken up again", func() bool { return len(parked(t, store)) == 0 && handled.Load() == waiting })
		})
	}
}
