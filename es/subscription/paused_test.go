package subscription_test

import (
	"slices"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

// A process is paused between the record of its progress and the commit. Nobody can take that partition before its
// transaction ends, but nobody waits for it either.
func TestAnOwnerThatIsPausedInATransactionHoldsUpItsPartitionAlone(t *testing.T) {
	t.Parallel()
	store, pool, _ := pgAt(t)
	fill(t, store, "a", 8, 40)
	paused := es.Membership{Group: "reader", Partitions: 4, Member: es.NewID()}
	if _, err := store.Beat(t.Context(), paused); err != nil {
		t.Fatal(err)
	}
	at, err := store.Claim(t.Context(), "reader", es.Claim{Partition: 2}, paused.Member)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if err := store.RecordTx(t.Context(), tx, es.Progress{Name: "reader", To: 1, Claims: []es.Claim{at.Claim}}); err != nil {
		t.Fatal(err)
	}
	got := newSeen()
	sub := newSub(t, store, got, subscription.Group(4), subscription.Lease(120*time.Millisecond))
	running(t, sub)
	held := 0
	for n := range 8 {
		if stream("a", n).Partition(4) == 2 {
			held += 5
		}
	}
	if held == 0 || held == 40 {
		t.Fatalf("%d of 40 events are in the partition: the test shows nothing", held)
	}
	await(t, "all that is not the paused owner's was handled", func() bool { return len(got.positions()) == 40-held })
	beats := func() int64 {
		state, err := store.Group(t.Context(), "reader")
		if err != nil || len(state.Members) == 0 {
			t.Fatal(state, err)
		}
		return state.Members[len(state.Members)-1].Beat
	}
	since := beats()
	await(t, "the partition was in vain claimed", func() bool { return beats() > since+12 })
	last := fill(t, store, "a", 8, 8)
	await(t, "what is appended meanwhile is handled", func() bool { return len(got.positions()) == 48-held-held/5 })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the partition was taken over, and the rest handled", func() bool {
		all := got.positions()
		return len(all) == 48 && slices.Contains(all, last)
	})
}
