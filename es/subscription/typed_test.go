package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/upcast"
)

func appendOne(t testing.TB, s es.Store, at es.Stream, name string, schema int, data string) es.Position {
	t.Helper()
	r, err := s.Append(t.Context(), es.Write{Stream: at, Expect: es.Any, Events: []es.Event{{ID: es.NewID(), Type: name, Schema: schema, Data: []byte(data)}}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Streams[0].Position
}

// parts decodes an event as its data says: how many parts it has by now.
func parts(rec es.Recorded) (all []string, err error) {
	var n int
	if _, err := fmt.Sscan(string(rec.Data), &n); err != nil {
		return nil, err
	}
	for i := range n {
		all = append(all, fmt.Sprintf("%d/%d", rec.Position, i+1))
	}
	return all, nil
}

func TestTypedEventsComeInPartsAndTheCheckpointMovesAfterTheLast(t *testing.T) {
	t.Parallel()
	store := memory.New()
	for _, n := range []string{"1", "3", "0", "2"} {
		appendOne(t, store, stream("a", 1), "split", 1, n)
	}
	var got []string
	fails := true
	h := subscription.Typed(parts, func(_ context.Context, event string, m subscription.Message) error {
		if event == "2/3" && fails {
			return errors.New("not yet")
		}
		got = append(got, fmt.Sprintf("%s of %d, version %d", event, m.Parts, m.Version))
		if m.Part < 1 || m.Part > m.Parts {
			t.Errorf("part %d of %d", m.Part, m.Parts)
		}
		return nil
	})
	if err := newSub(t, store, h, subscription.BatchSize(1), subscription.Retry(subscription.Backoff{Attempts: 1, First: 1, Max: 1})).Run(t.Context()); err == nil {
		t.Fatal("Run went on after a failure")
	}
	wantCheckpoint(t, store, 1)
	fails, got = false, nil
	stop := running(t, newSub(t, store, h))
	await(t, "all was handled", func() bool { p, _ := store.Checkpoint(t.Context(), "reader"); return p == 4 })
	_ = stop()
	want := []string{"2/1 of 3, version 2", "2/2 of 3, version 2", "2/3 of 3, version 2", "4/1 of 2, version 4", "4/2 of 2, version 4"}
	if !slices.Equal(got, want) {
		t.Fatalf("handled were %q, want %q", got, want)
	}
}

func TestOldVersionsAreUpcastAndUnknownOnesNeverPassed(t *testing.T) {
	t.Parallel()
	store := memory.New()
	at := es.Stream{Category: "account", ID: "1"}
	appendOne(t, store, at, "account.opened", 1, `{"owner":"Ada","initial":5}`)
	appendOne(t, store, at, "account.vanished", 1, `{}`)
	var got []account.AccountEvent
	h := subscription.Router{"account": subscription.Typed(account.Decode, func(_ context.Context, event account.AccountEvent, m subscription.Message) error {
		got = append(got, event)
		return nil
	})}
	err := newSub(t, store, h, subscription.BatchSize(1)).Run(t.Context())
	failed, ok := errors.AsType[*subscription.EventError](err)
	if !ok || failed.Attempts != 1 || failed.Event.Position != 2 || !errors.Is(err, upcast.ErrUnknownType) {
		t.Fatalf("Run: %v, want a *EventError of an unknown type, after one attempt", err)
	}
	wantCheckpoint(t, store, 1)
	if len(got) != 2 {
		t.Fatalf("an event of an old version came as %v, want the two that it was split into", got)
	}
	if _, ok := got[0].(account.Opened); !ok {
		t.Fatalf("an event of an old version came as %T", got[0])
	}
}

func TestARouterGetsItsCategoriesAndRefusesOthers(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 1, 2)
	fill(t, store, "b", 1, 2)
	fill(t, store, "c", 1, 2)
	last := fill(t, store, "a", 1, 1)
	a, c := newSeen(), newSeen()
	router := subscription.Router{"a": a, "c": c}
	stop := running(t, newSub(t, store, router))
	await(t, "all was handled", func() bool { return len(a.positions()) == 3 && len(c.positions()) == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantCheckpoint(t, store, last)
	if !slices.Equal(a.positions(), []es.Position{1, 2, 7}) || !slices.Equal(c.positions(), []es.Position{5, 6}) {
		t.Fatalf("a got %v, c got %v", a.positions(), c.positions())
	}
	sub, err := subscription.New(store, "all", router, subscription.Categories("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	if failed, ok := errors.AsType[*subscription.EventError](sub.Run(t.Context())); !ok || failed.Event.Stream.Category != "b" {
		t.Fatalf("Run: %v, want a *EventError of category b", failed)
	}
}
