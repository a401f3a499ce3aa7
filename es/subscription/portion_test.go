package subscription_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// slow is a handler of single events that handles each when it is told to.
type slow struct {
	*seen
	begun chan es.Position
	goOn  chan struct{}
}

func newSlow() *slow { return &slow{newSeen(), make(chan es.Position), make(chan struct{})} }

func (s *slow) handle(ctx context.Context, rec es.Recorded) error {
	select {
	case s.begun <- rec.Position:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-s.goOn:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.add([]es.Recorded{rec})
	return nil
}

// ways are how a handler of single events is given to a subscription.
func (s *slow) ways() map[string]subscription.Handler {
	typed := subscription.Typed(func(rec es.Recorded) ([]es.Recorded, error) { return []es.Recorded{rec}, nil },
		func(ctx context.Context, rec es.Recorded, _ subscription.Message) error { return s.handle(ctx, rec) })
	return map[string]subscription.Handler{"each": subscription.Each(s.handle), "typed": typed, "router": subscription.Router{"a": typed}}
}

// A page is 500 events. Where each takes its time, what was handled of it is recorded all the same: else all of that would
// come again after a crash.
func TestThePositionIsRecordedWhileAPageIsUnderWay(t *testing.T) {
	t.Parallel()
	for way := range newSlow().ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, h := memory.New(), newSlow()
			fill(t, store, "a", 2, 10)
			running(t, newSub(t, store, h.ways()[way], subscription.CheckpointEvery(10_000, time.Millisecond), subscription.Grace(0)))
			for want := es.Position(1); want <= 4; want++ {
				if p := <-h.begun; p != want {
					t.Fatalf("position %d is handled, want %d", p, want)
				}
				time.Sleep(2 * time.Millisecond) // the interval passes
				h.goOn <- struct{}{}
			}
			<-h.begun
			wantCheckpoint(t, store, 4)
		})
	}
}

func TestAStopWaitsForTheEventInHandAndNotForItsPage(t *testing.T) {
	t.Parallel()
	for way := range newSlow().ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, h := memory.New(), newSlow()
			fill(t, store, "a", 2, 10)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- newSub(t, store, h.ways()[way], subscription.Grace(time.Hour)).Run(ctx) }()
			<-h.begun
			h.goOn <- struct{}{}
			<-h.begun
			stop()
			h.goOn <- struct{}{}
			select {
			case err := <-ended:
				if err != nil {
					t.Fatal(err)
				}
			case p := <-h.begun:
				t.Fatalf("position %d is handled after the stop", p)
			}
			wantCheckpoint(t, store, 2)
		})
	}
}

// What was handled before the one event that is cut off does not come again.
func TestWhatWasHandledBeforeTheGraceWasOverIsRecorded(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"each", "wrapped", "group"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, h := memory.New(), newSlow()
			fill(t, store, "a", 2, 10)
			var handler subscription.Handler = subscription.Each(h.handle)
			opts := []subscription.Option{subscription.Grace(0), subscription.CheckpointEvery(10_000, time.Hour)}
			if way == "wrapped" { // as by a handler of the user's that logs
				each := handler
				handler = subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error { return each.Handle(ctx, events) })
			}
			if way == "group" {
				opts = append(opts, subscription.Group(1), subscription.Lease(time.Hour))
			}
			stop := running(t, newSub(t, store, handler, opts...))
			for range 3 {
				<-h.begun
				h.goOn <- struct{}{}
			}
			<-h.begun
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if way != "group" {
				wantCheckpoint(t, store, 3)
				return
			}
			state, err := store.Group(t.Context(), "reader")
			if err != nil || state.Partitions[0].Position != 3 || len(state.Members) > 0 {
				t.Fatalf("the group is %+v, %v, want it to be at position 3, and to have no members", state, err)
			}
		})
	}
}

// The handler fails since its context has ended, which says nothing about the event.
func TestAnEventThatIsCutOffIsNeitherParkedNorAFailure(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"stop", "park"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			fill(t, store, "a", 1, 1)
			begun := make(chan struct{})
			h := subscription.Each(func(ctx context.Context, _ es.Recorded) error {
				close(begun)
				<-ctx.Done()
				return errors.New("the connection was closed") // and not the context's error
			})
			opts := []subscription.Option{subscription.Grace(time.Millisecond), subscription.Retry(subscription.Backoff{Attempts: 1})}
			if way == "park" {
				opts = append(opts, subscription.Park(10))
			}
			stop := running(t, newSub(t, store, h, opts...))
			<-begun
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if all := parked(t, store); len(all) > 0 {
				t.Fatalf("parked are %+v", all)
			}
			wantCheckpoint(t, store, 0)
		})
	}
}

// A verdict does not wait for the end of a long page, and what waits behind the parked event comes once and in order, whether the
// page has come to it or not.
func TestAParkedStreamIsTakenUpAgainInTheMiddleOfAPage(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 40) // streams 0 and 1 by turns
	h, slowed := newPoisoned(1), newSlow()
	var mu sync.Mutex
	handler := subscription.Each(func(ctx context.Context, rec es.Recorded) error {
		if rec.Stream == stream("a", 0) {
			mu.Lock()
			defer mu.Unlock()
			return h.Handle(ctx, []es.Recorded{rec})
		}
		return slowed.handle(ctx, rec)
	})
	running(t, newSub(t, store, handler, append(slices.Clip(fast), subscription.Grace(0))...))
	next := func() es.Position {
		t.Helper()
		p := <-slowed.begun
		slowed.goOn <- struct{}{}
		return p
	}
	for range 5 {
		next()
	}
	await(t, "it is parked", func() bool { return len(parked(t, store)) == 1 })
	h.cure()
	if err := store.Decide(t.Context(), "reader", stream("a", 0), 1, es.Retry); err != nil {
		t.Fatal(err)
	}
	var at es.Position
	for len(parked(t, store)) > 0 {
		if at = next(); at == 40 {
			t.Fatal("the stream was not taken up again before the end of the page")
		}
		time.Sleep(10 * time.Millisecond)
	}
	for at < 40 {
		at = next()
	}
	await(t, "all was handled", func() bool { return len(h.of(stream("a", 0))) == 20 && len(slowed.positions()) == 20 })
	if got := h.of(stream("a", 0)); !slices.Equal(got, versions(20)) {
		t.Fatalf("handled of the parked stream were %v, want 1 to 20, in order and once", got)
	}
}

// Where a router's handlers take many events at once, those that one of them has handled don't come again since another fails.
func TestAFailureOfOneHandlerOfARouterRepeatsNothingOfAnother(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 3)
	fill(t, store, "b", 1, 3)
	a, b, tries := newSeen(), newSeen(), 0
	router := subscription.Router{"a": a, "b": subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
		if tries++; tries < 3 {
			return errPoison
		}
		return b.Handle(ctx, events)
	})}
	running(t, newSub(t, store, router, subscription.Retry(subscription.Backoff{Attempts: 5, First: time.Millisecond, Max: time.Millisecond})))
	await(t, "all was handled", func() bool { return len(b.positions()) == 3 })
	if got := a.positions(); !slices.Equal(got, upTo(3)) {
		t.Fatalf("the one that does not fail was given %v, want 1 to 3, once", got)
	}
}

// The process is paused in the middle of a page, and taken for dead: when it wakes up, it finishes the event in hand and begins no
// other, since another member has them all.
func TestAMemberThatWasPausedHandlesNoMoreThanTheEventInHand(t *testing.T) {
	t.Parallel()
	store, h, got := memory.New(), newSlow(), newSeen()
	fill(t, store, "a", 3, 30)
	paused := &frozen{Store: store}
	stop := running(t, newSub(t, paused, subscription.Each(h.handle), subscription.Group(1), subscription.Lease(groupLease), subscription.Grace(time.Minute)))
	for range 3 {
		<-h.begun
		h.goOn <- struct{}{}
	}
	<-h.begun
	paused.mu.Lock() // no sign of life, and no record
	running(t, newSub(t, store, got, subscription.Group(1), subscription.Lease(groupLease)))
	await(t, "the other member has handled all that is not recorded", func() bool {
		all := got.positions()
		return len(all) >= 27 && all[len(all)-1] == 30
	})
	h.goOn <- struct{}{}
	woken := make(chan struct{})
	go func() {
		time.Sleep(10 * time.Millisecond)
		paused.mu.Unlock()
		close(woken)
	}()
	select {
	case p := <-h.begun:
		t.Fatalf("it begins with position %d, which another member has handled", p)
	case <-woken:
	}
	fill(t, store, "a", 3, 1) // who owns the partition now is seen to have gone on
	await(t, "the other member goes on", func() bool { return slices.Contains(got.positions(), 31) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if all := h.positions(); len(all) != 4 {
		t.Fatalf("the one that was paused has handled %v, want 1 to 4", all)
	}
}
