package projection_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/subscription"
)

func TestEffectsHappenOnceAndNeitherForHistoryNorInARebuild(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		history := fill(t, s, "a", 3, 20)
		m := at.model(t, s, tally{})
		m.start(t)
		m.wait(t, history)
		var mu sync.Mutex
		var seen []es.Position
		effects, err := m.Effects("mail", subscription.Each(func(ctx context.Context, rec es.Recorded) error {
			_, n := m.count(t) // the read model is as far
			mu.Lock()
			defer mu.Unlock()
			if n <= int64(20+len(seen)) {
				t.Errorf("at its effect, position %d is not counted yet", rec.Position)
			}
			seen = append(seen, rec.Position)
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- effects.Run(ctx) }()
		for { // until it has begun
			if st, err := effects.Status(t.Context()); err == nil && st.State == subscription.Live && st.Position >= history {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		var want []es.Position
		for round := range 2 {
			for range 5 {
				want = append(want, fill(t, s, "a", 3, 1))
			}
			for wait := true; wait; time.Sleep(5 * time.Millisecond) {
				mu.Lock()
				wait = len(seen) < len(want)
				mu.Unlock()
			}
			if round == 0 {
				if _, err := at.model(t, s, tally{}, projection.Partitions(2)).Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(seen, want) {
			t.Fatalf("the effects were of %v, want %v", seen, want)
		}
	})
}

// Effects wait for the read model, which nobody keeps: a stop does not wait with them, however long work in hand may go on.
func TestAStopDoesNotWaitForTheReadModelWithTheEffects(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		m := at.model(t, s, tally{})
		var handled atomic.Int64
		effects, err := m.Effects("mail", subscription.Each(func(context.Context, es.Recorded) error {
			handled.Add(1)
			return nil
		}), subscription.StartAt(subscription.Beginning), subscription.Grace(time.Hour), subscription.CheckpointEvery(1000, time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		last := fill(t, s, "a", 3, 20)
		if err := m.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { done <- effects.Run(ctx) }()
		position := func() es.Position {
			state, err := s.Group(t.Context(), effects.Name())
			if errors.Is(err, es.ErrNotFound) {
				return 0
			}
			if err != nil {
				t.Fatal(err)
			}
			return state.Partitions[0].Position
		}
		for position() < last { // what the read model has
			time.Sleep(5 * time.Millisecond)
		}
		fill(t, s, "a", 3, 5) // what it has not
		for range 20 {
			time.Sleep(5 * time.Millisecond) // until it waits, most likely
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := handled.Load(); n != 20 || position() != last {
			t.Fatalf("%d events had effects, up to position %d, want 20 and %d", n, position(), last)
		}
	})
}
