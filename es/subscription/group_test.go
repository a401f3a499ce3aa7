package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// ordered sees to it that no event of a stream is handled before its predecessor, whichever
// member handles it.
type ordered struct {
	t       testing.TB
	mu      sync.Mutex
	done    map[es.Stream]es.Version
	handled int
	by      map[int]int // events by member
}

func newOrdered(t testing.TB) *ordered {
	return &ordered{t: t, done: map[es.Stream]es.Version{}, by: map[int]int{}}
}

func (o *ordered) handler(member int) subscription.Handler {
	return subscription.Each(func(_ context.Context, rec es.Recorded) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if rec.Version > o.done[rec.Stream]+1 {
			o.t.Errorf("member %d: version %d of %s was handled after version %d", member, rec.Version, rec.Stream, o.done[rec.Stream])
		}
		o.done[rec.Stream] = max(o.done[rec.Stream], rec.Version)
		o.handled++
		o.by[member]++
		return nil
	})
}

// distinct is the number of events that were handled, repeats left out.
func (o *ordered) distinct() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, v := range o.done {
		n += int(v)
	}
	return n
}

const groupLease = 200 * time.Millisecond

func newMember(t testing.TB, store es.Store, h subscription.Handler, opts ...subscription.Option) *subscription.Subscription {
	return newSub(t, store, h, append([]subscription.Option{subscription.Group(8), subscription.Lease(groupLease)}, opts...)...)
}

// shares waits until the members own so many partitions each, all together and none twice.
func shares(t testing.TB, want []int, members ...*subscription.Subscription) {
	t.Helper()
	var got []int
	await(t, fmt.Sprintf("the members own %v partitions", want), func() bool {
		got = got[:0]
		var all []int
		for _, m := range members {
			status, _ := m.Status(t.Context())
			got = append(got, len(status.Partitions))
			all = append(all, status.Partitions...)
		}
		slices.Sort(got)
		slices.Sort(all)
		return slices.Equal(got, want) && len(slices.Compact(all)) == 8
	})
}

func TestAGroupSharesItsPartitionsFairlyAsMembersComeAndGo(t *testing.T) {
	t.Parallel()
	store := memory.New()
	seen := newOrdered(t)
	total := 0
	append := func() {
		fill(t, store, "a", 40, 200)
		total += 200
	}
	var members []*subscription.Subscription
	var stops []func() error
	join := func() {
		m := newMember(t, store, seen.handler(len(members)))
		members, stops = slices.Concat(members, []*subscription.Subscription{m}), slices.Concat(stops, []func() error{running(t, m)})
	}
	append()
	for _, want := range [][]int{{8}, {4, 4}, {2, 3, 3}, {2, 2, 2, 2}} {
		join()
		append()
		shares(t, want, members...)
		await(t, "all was handled", func() bool { return seen.distinct() == total })
	}
	for _, want := range [][]int{{2, 3, 3}, {4, 4}, {8}} {
		if err := stops[0](); err != nil {
			t.Fatal(err)
		}
		members, stops = members[1:], stops[1:]
		append()
		shares(t, want, members...)
		await(t, "all was handled", func() bool { return seen.distinct() == total })
	}
	if err := stops[0](); err != nil {
		t.Fatal(err)
	}
	state, err := store.Group(t.Context(), "reader")
	if err != nil || len(state.Members) != 0 {
		t.Fatalf("after all have left the group is %+v, %v", state, err)
	}
	for _, p := range state.Partitions {
		if p.Owner != uuid.Nil || p.Position != es.Position(total) {
			t.Errorf("partition %+v: want no owner and position %d", p, total)
		}
	}
	if seen.handled != total {
		t.Errorf("%d events were handled %d times: nothing was lost, so nothing has to come twice", total, seen.handled)
	}
}

// frozen is a store whose member can be frozen, as by SIGSTOP: its calls don't return until it thaws.
type frozen struct {
	*memory.Store
	mu sync.RWMutex
}

func (f *frozen) wait() {
	f.mu.RLock()
	defer f.mu.RUnlock()
}

func (f *frozen) Beat(ctx context.Context, m es.Membership) (es.GroupState, error) {
	f.wait()
	return f.Store.Beat(ctx, m)
}

func (f *frozen) Record(ctx context.Context, p es.Progress) error {
	f.wait()
	return f.Store.Record(ctx, p)
}

func TestAnOwnerThatWasPausedCannotCommit(t *testing.T) {
	t.Parallel()
	store := memory.New()
	paused := &frozen{Store: store}
	seen := newOrdered(t)
	committed := map[es.Position]int{} // events that a sink's transaction has committed
	var mu sync.Mutex
	into := func(s es.Tracker, h subscription.Handler) subscription.Sink {
		return subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
			if err := s.Record(ctx, b.Progress); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, rec := range b.Events {
				committed[rec.Position]++
			}
			if len(b.Events) == 0 {
				return nil
			}
			return h.Handle(ctx, b.Events)
		})
	}
	join := func(s es.Store, n int) (*subscription.Subscription, func() error) {
		m, err := subscription.Into(s, "reader", into(s.(es.Tracker), seen.handler(n)), subscription.Group(8), subscription.Lease(groupLease), subscription.BatchSize(5))
		if err != nil {
			t.Fatal(err)
		}
		return m, running(t, m)
	}
	first, stopFirst := join(paused, 0)
	shares(t, []int{8}, first)
	fill(t, store, "a", 40, 100)
	await(t, "all was handled", func() bool { return seen.distinct() == 100 })
	paused.mu.Lock()
	fill(t, store, "a", 40, 100)
	second, _ := join(store, 1)
	await(t, "the other member has taken all over", func() bool {
		status, _ := second.Status(t.Context())
		return len(status.Partitions) == 8 && seen.distinct() == 200
	})
	paused.mu.Unlock()
	shares(t, []int{4, 4}, first, second)
	fill(t, store, "a", 40, 100)
	await(t, "all was handled", func() bool { return seen.distinct() == 300 })
	if err := stopFirst(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for p, n := range committed {
		if n != 1 {
			t.Errorf("the event at position %d was committed %d times", p, n)
		}
	}
	if len(committed) != 300 {
		t.Errorf("%d events were committed, want 300", len(committed))
	}
}

func TestAMemberWithAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	t.Parallel()
	store := memory.New()
	m := newMember(t, store, newSeen())
	running(t, m)
	shares(t, []int{8}, m)
	err := newSub(t, store, newSeen(), subscription.Group(9)).Run(t.Context())
	if wrong, ok := errors.AsType[*es.PartitionsError](err); !ok || !errors.Is(err, es.ErrPartitions) || *wrong != (es.PartitionsError{Group: "reader", Want: 9, Has: 8}) {
		t.Fatalf("Run: %v, want a *es.PartitionsError", err)
	}
}

func TestAGroupStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 5, 20)
	got := newSeen()
	stop := running(t, newMember(t, store, got, subscription.StartAt(subscription.After(15))))
	await(t, "all was handled", func() bool { return len(got.positions()) == 5 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	fill(t, store, "a", 5, 5)
	running(t, newMember(t, store, got, subscription.StartAt(subscription.Now)))
	await(t, "all was handled", func() bool { return len(got.positions()) == 10 })
}

func TestAGroupParksInItsOwnPartitionsAlone(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 20, 200)
	h := newPoisoned(21, 42)
	one, two := newMember(t, store, h, fast...), newMember(t, store, h, fast...)
	running(t, one)
	stop := running(t, two)
	shares(t, []int{4, 4}, one, two)
	await(t, "both are parked", func() bool {
		all := parked(t, store)
		return len(all) == 2 && all[0].Attempts >= 3 && all[1].Attempts >= 3 && len(h.positions()) == 200-9-8
	})
	if err := stop(); err != nil { // the other takes over what is parked too
		t.Fatal(err)
	}
	shares(t, []int{8}, one)
	h.cure()
	for _, p := range parked(t, store) {
		if err := store.Decide(t.Context(), "reader", p.Stream, p.Version, es.Retry); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "all was handled", func() bool { return len(h.positions()) == 200 && len(parked(t, store)) == 0 })
	for n := range 20 {
		if got := h.of(stream("a", n)); !slices.Equal(got, versions(10)) {
			t.Errorf("handled of stream %d were %v", n, got)
		}
	}
}

func TestAPartitionWhoseClaimWasNotAnsweredIsClaimedAgain(t *testing.T) {
	t.Parallel()
	store := &deaf{Store: memory.New()}
	seen := newOrdered(t)
	fill(t, store, "a", 40, 100)
	one, two := newMember(t, store, seen.handler(0)), newMember(t, store, seen.handler(1))
	running(t, one)
	shares(t, []int{8}, one)
	running(t, two)
	shares(t, []int{4, 4}, one, two)
	await(t, "all was handled", func() bool { return seen.distinct() == 100 })
}
