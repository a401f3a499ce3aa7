package projection_test

import (
	"context"
	"slices"
	"sync"
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
