package subscription_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

func statusOf(t testing.TB, sub *subscription.Subscription) subscription.Status {
	t.Helper()
	status, err := sub.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// It goes on from a checkpoint, and the first event that it comes by can't be handled.
func TestTheStatusTellsThePositionBeforeAnythingWasHandled(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"lone", "group"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			fill(t, store, "a", 2, 10)
			opts := []subscription.Option{subscription.StartAt(subscription.After(7))}
			if way == "group" {
				opts = append(opts, subscription.Group(1), subscription.Lease(time.Hour))
			}
			sub := newSub(t, store, subscription.HandlerFunc(func(context.Context, []es.Recorded) error {
				return subscription.Passing(errPoison)
			}), opts...)
			running(t, sub)
			await(t, "it has failed", func() bool { return statusOf(t, sub).Err != nil })
			if s := statusOf(t, sub); s.Position != 7 || s.Behind != 3 {
				t.Fatalf("the status is %+v, want position 7 and 3 behind", s)
			}
		})
	}
}

// A group has one partition: the second member owns nothing, and has nothing to catch up with.
func TestTheStatusOfAMemberThatOwnsNothingIsNotThatItIsBehind(t *testing.T) {
	t.Parallel()
	store, got := memory.New(), newSeen()
	last := fill(t, store, "a", 2, 10)
	member := func() *subscription.Subscription {
		return newSub(t, store, got, subscription.Group(1), subscription.Lease(time.Second))
	}
	first, second := member(), member()
	stop := running(t, first)
	await(t, "one member has handled all", func() bool { return statusOf(t, first).State == subscription.Live && len(got.positions()) == int(last) })
	running(t, second)
	await(t, "the other one stands by", func() bool { return statusOf(t, second).State == subscription.StandingBy })
	if s := statusOf(t, second); s.Behind != 0 || s.Lag != 0 || s.Head != last {
		t.Fatalf("the status of the one that stands by is %+v", s)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	await(t, "it has taken over", func() bool {
		s := statusOf(t, second)
		return s.State == subscription.Live && s.Position == last
	})
}

// aged is a store whose events were recorded some time ago.
type aged struct {
	*memory.Store
	ago func(es.Position) time.Duration
}

func (a *aged) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		for rec, err := range a.Store.ReadAll(ctx, q) {
			rec.RecordedAt = rec.RecordedAt.Add(-a.ago(rec.Position))
			if !yield(rec, err) {
				return
			}
		}
	}
}

// The last event handled is old, since the filter leaves out what came after it.
func TestTheLagIsTheAgeOfTheFirstEventThatIsYetToCome(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	store := &aged{memory.New(), func(p es.Position) time.Duration {
		if p == 1 {
			return time.Hour
		}
		return 10 * time.Minute
	}}
	fill(t, store, "a", 1, 1)
	var stuck sync.Mutex
	told := make(chan subscription.Status, 100)
	sub := newSub(t, store, subscription.HandlerFunc(func(context.Context, []es.Recorded) error {
		stuck.Lock()
		defer stuck.Unlock()
		return nil
	}), subscription.Categories("a"), subscription.OnChange(func(s subscription.Status) { told <- s }))
	running(t, sub)
	await(t, "it has handled all", func() bool { return statusOf(t, sub).State == subscription.Live })
	if s := statusOf(t, sub); s.Lag != 0 {
		t.Fatalf("at the head the lag is %v", s.Lag)
	}
	last := fill(t, store, "b", 1, 3) // left out
	await(t, "it has passed over the others", func() bool { return statusOf(t, sub).Position == last })
	stuck.Lock()
	defer stuck.Unlock()
	fill(t, store, "a", 1, 2)
	if s := statusOf(t, sub); s.Behind != 2 || s.Lag < 10*time.Minute || s.Lag > 10*time.Minute+time.Since(begun) {
		t.Fatalf("the status is %+v: want a lag of ten minutes and what this test takes, since so old is the first event to come", s)
	}
	for len(told) > 0 {
		if s := <-told; s.Lag != 0 {
			t.Errorf("told was %+v, and nobody has asked how old the first event to come is", s)
		}
	}
}

// Others have mended what was parked: that so much was parked once is no reason to stop.
func TestAGroupsMemberLearnsThatOthersHaveMendedWhatWasParked(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 20, 20)
	mine, others := stream("a", 0), stream("a", 1)
	for n := 1; others.Partition(2) == mine.Partition(2); n++ {
		others = stream("a", n)
	}
	// Another member has parked as much as is allowed.
	if _, err := store.Beat(t.Context(), es.Membership{Group: "reader", Partitions: 2, Member: es.NewID()}); err != nil {
		t.Fatal(err)
	}
	other := es.Parked{Stream: others, Version: 1, Position: 20, Attempts: 3}
	state, err := store.Group(t.Context(), "reader")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := store.Claim(t.Context(), "reader", state.Partitions[others.Partition(2)].Claim, state.Members[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Record(t.Context(), es.Progress{Name: "reader", To: 20, Claims: []es.Claim{theirs.Claim}, Park: []es.Parked{other}}); err != nil {
		t.Fatal(err)
	}
	failing := make(chan struct{})
	got := newSeen()
	sub := newSub(t, store, subscription.Each(func(ctx context.Context, rec es.Recorded) error {
		if rec.Stream == mine && rec.Version == 2 {
			<-failing
			return errPoison
		}
		return got.Handle(ctx, []es.Recorded{rec})
	}), subscription.Group(2), subscription.Lease(time.Hour), subscription.Park(1), subscription.Poll(time.Millisecond))
	running(t, sub)
	await(t, "it has handled its own", func() bool { return slices.Contains(got.positions(), 1) && statusOf(t, sub).State == subscription.Live })
	// The other one has it mended.
	if err := store.Record(t.Context(), es.Progress{Name: "reader", From: 20, To: 20, Claims: []es.Claim{theirs.Claim}, Unpark: []es.Stream{others}}); err != nil {
		t.Fatal(err)
	}
	fill(t, store, "a", 1, 1)
	close(failing)
	await(t, "its own event is parked", func() bool {
		all := parked(t, store)
		s := statusOf(t, sub)
		if s.State == subscription.Stopped {
			t.Fatalf("it has stopped: %v", s.Err)
		}
		return len(all) == 1 && all[0].Stream == mine
	})
}

// By its definition, such a failure says nothing about the events.
func TestATransactionThatWasLostIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"stop", "park"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			store, got := memory.New(), newSeen()
			fill(t, store, "a", 2, 10)
			tries := 0
			sink := subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
				if tries++; tries < 20 {
					return errors.Join(errLost, es.ErrTxLost)
				}
				got.add(b.Events)
				return store.Record(ctx, b.Progress)
			})
			opts := slices.Clip(fast[1:])
			if way == "park" {
				opts = slices.Clip(fast)
			}
			sub, err := subscription.Into(store, "reader", sink, opts...)
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- sub.Run(t.Context()) }()
			await(t, "all was handled", func() bool {
				if all := parked(t, store); len(all) > 0 {
					t.Fatalf("parked are %+v", all)
				}
				select {
				case err := <-ended:
					t.Fatalf("Run: %v", err)
				default:
				}
				return slices.Equal(got.positions(), upTo(10))
			})
		})
	}
}

// mute is a store that leaves a sign of life without an answer, as a connection does that is lost without anybody noticing.
type mute struct {
	*memory.Store
	beats atomic.Int64
}

func (m *mute) Beat(ctx context.Context, membership es.Membership) (es.GroupState, error) {
	if m.beats.Add(1) == 2 {
		<-ctx.Done()
		return es.GroupState{}, ctx.Err()
	}
	return m.Store.Beat(ctx, membership)
}

func TestAMemberGivesFurtherSignsOfLifeThoughOneIsNotAnswered(t *testing.T) {
	t.Parallel()
	store, got := &mute{Store: memory.New()}, newSeen()
	running(t, newMember(t, store, got))
	await(t, "it gives signs of life", func() bool { return store.beats.Load() > 3 })
	last := fill(t, store, "a", 3, 10)
	await(t, "all was handled", func() bool { return len(got.positions()) == int(last) })
}
