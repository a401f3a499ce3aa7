package process_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/process"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

type store interface {
	es.Store
	es.Feed
	es.Timers
	Close() error
}

func onEach(t *testing.T, test func(t *testing.T, s store)) {
	opens := map[string]func(t *testing.T) (store, error){
		"memory": func(*testing.T) (store, error) { return memory.New(), nil },
		"sqlite": func(t *testing.T) (store, error) {
			return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
		},
		"postgres": func(t *testing.T) (store, error) {
			return postgres.Open(t.Context(), pgtest.Shared(t).URL(), postgres.Schema(pgtest.Name(t)))
		},
	}
	for name, open := range opens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, s)
		})
	}
}

func add(t testing.TB, s es.Store, at es.Stream, kind string) es.Position {
	t.Helper()
	r, err := s.Append(t.Context(), es.Write{Stream: at, Expect: es.Any, Events: []es.Event{{ID: es.NewID(), Type: kind, Schema: 1, Data: []byte("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Streams[0].Position
}

// done appends an event under an idempotency key, as a repository's command does.
func done(ctx context.Context, s es.Store, at es.Stream, kind, key string) error {
	_, err := s.Append(ctx, es.Write{Stream: at, Expect: es.Any, Events: []es.Event{
		{ID: es.DeriveID(at, key, 0), Type: kind, Schema: 1, Data: []byte("{}"), Meta: es.MetadataFrom(ctx)},
	}})
	return err
}

func kinds(t testing.TB, s es.Store, at es.Stream) (all []string) {
	t.Helper()
	for rec, err := range s.Read(t.Context(), es.ReadQuery{Stream: at}) {
		if errors.Is(err, es.ErrNotFound) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec.Type)
	}
	return all
}

// patience is how long something is waited for: a crowded machine takes its time.
const patience = 4 * time.Minute

func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("waiting in vain until %s", what)
		}
	}
}

func run(t testing.TB, s es.Store, def process.Definition, opts ...subscription.Option) (stop func() error) {
	t.Helper()
	def.Logger = slog.New(slog.DiscardHandler)
	m, err := process.New(s, def, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- m.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func order(n int) es.Stream   { return es.Stream{Category: "order", ID: fmt.Sprint(n)} }
func task(n string) es.Stream { return es.Stream{Category: "task", ID: n} }

// waiting reacts to order.placed with a task and a timer, and to order.paid by clearing it. A due timer is a task
// as well.
func waiting(s es.Store, wait time.Duration) process.Definition {
	return process.Definition{
		Name: "orders", Categories: []string{"order"},
		React: func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
			if rec.Type == "order.paid" {
				timers.Clear(rec.Stream.ID)
				return nil
			}
			timers.Set(rec.Stream.ID, time.Now().Add(wait), []byte("unpaid \x00"))
			return done(ctx, s, task(rec.Stream.ID), "task.begun", process.Key(ctx, ""))
		},
		Expire: func(ctx context.Context, timer es.Timer) error {
			return done(ctx, s, task(timer.ID), "task.late", process.Key(ctx, ""))
		},
	}
}

func TestAReactionIsDoneOnceHoweverOftenItIsTried(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s store) {
		var tries atomic.Int64
		def := waiting(s, time.Hour)
		react := def.React
		def.React = func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
			if err := react(ctx, rec, timers); err != nil || tries.Add(1)%3 != 0 {
				return errors.Join(err, errors.New("the reply was lost"))
			}
			return nil
		}
		for n := range 5 {
			add(t, s, order(n), "order.placed")
		}
		run(t, s, def, subscription.Retry(subscription.Backoff{Attempts: 5, First: time.Millisecond, Max: time.Millisecond}))
		await(t, "all timers are set", func() bool {
			all, _ := s.Timers(t.Context(), "orders", 0)
			return len(all) == 5
		})
		for n := range 5 {
			if got := kinds(t, s, task(fmt.Sprint(n))); !cmp.Equal(got, []string{"task.begun"}) {
				t.Fatalf("task %d has %v", n, got)
			}
		}
		for rec, err := range s.Read(t.Context(), es.ReadQuery{Stream: task("0")}) {
			if err != nil || rec.Meta.CausationID == "" || rec.Meta.CorrelationID != rec.Meta.CausationID {
				t.Fatalf("the task does not name its cause: %+v, %v", rec.Meta, err)
			}
		}
	})
}

func TestATimerIsDueUnlessItWasCleared(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s store) {
		def := waiting(s, time.Hour)
		react := def.React
		def.React = func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
			err := react(ctx, rec, timers)
			if rec.Stream == order(1) { // the other one's must be cleared long before it is due
				timers.Set(rec.Stream.ID, time.Now().Add(100*time.Millisecond), nil)
			}
			return err
		}
		var failures atomic.Int64
		expire := def.Expire
		def.Expire = func(ctx context.Context, timer es.Timer) error {
			if err := expire(ctx, timer); err != nil || failures.Add(1) == 1 {
				return errors.Join(err, errors.New("the reply was lost"))
			}
			return nil
		}
		run(t, s, def)
		add(t, s, order(1), "order.placed")
		add(t, s, order(2), "order.placed")
		add(t, s, order(2), "order.paid")
		await(t, "no timer is left", func() bool {
			all, err := s.Timers(t.Context(), "orders", 0)
			return err == nil && len(all) == 0 && failures.Load() > 1
		})
		if got := kinds(t, s, task("1")); !cmp.Equal(got, []string{"task.begun", "task.late"}) {
			t.Fatalf("the task that was not done in time has %v", got)
		}
		if got := kinds(t, s, task("2")); !cmp.Equal(got, []string{"task.begun"}) {
			t.Fatalf("the other task has %v", got)
		}
	})
}

func TestADeadlineThatPassedMeanwhileIsDueAtTheNextStart(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s store) {
		stop := run(t, s, waiting(s, time.Hour))
		add(t, s, order(1), "order.placed")
		await(t, "the timer is set", func() bool {
			all, _ := s.Timers(t.Context(), "orders", 0)
			return len(all) == 1
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		all, err := s.Timers(t.Context(), "orders", 1)
		if err != nil || string(all[0].Data) != "unpaid \x00" || all[0].ID != "1" {
			t.Fatalf("the timer is %+v, %v", all, err)
		}
		p, head := es.Progress{Name: "clock"}, all[0]
		head.Due = time.Now().Add(-time.Minute)
		if err := s.RecordTimers(t.Context(), p, "orders", es.TimerChanges{Set: []es.Timer{head}}); err != nil {
			t.Fatal(err)
		}
		run(t, s, waiting(s, time.Hour))
		await(t, "it is late", func() bool { return len(kinds(t, s, task("1"))) == 2 })
	})
}

// A timer that brings about a panic is a timer that fails: others don't wait for it, and the process does not die of it each time
// that it is started.
func TestAPanicAtATimerIsAFailureOfThatTimer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s store) {
		def := waiting(s, 0)
		expire := def.Expire
		var panics atomic.Int64
		def.Expire = func(ctx context.Context, timer es.Timer) error {
			if timer.ID == "1" && panics.Add(1) == 1 {
				panic("no such order")
			}
			return expire(ctx, timer)
		}
		add(t, s, order(1), "order.placed")
		add(t, s, order(2), "order.placed")
		run(t, s, def)
		for n := 2; n > 0; n-- { // the other one first
			await(t, "it is late", func() bool { return len(kinds(t, s, task(fmt.Sprint(n)))) == 2 })
		}
		if n := panics.Load(); n != 2 {
			t.Fatalf("the timer was tried %d times, want 2", n)
		}
	})
}

// With Park a process that can't go on holds up no other, and when it is retried, its timer is set with the record of that.
func TestAProcessThatCantGoOnIsParkedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s store) {
		parking, ok := es.Capability[es.Parking](s)
		if !ok {
			t.Fatalf("%T can't park", s)
		}
		def := waiting(s, time.Hour)
		var mended atomic.Bool
		react := def.React
		def.React = func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
			if rec.Stream == order(1) && !mended.Load() {
				return errors.New("no such warehouse")
			}
			return react(ctx, rec, timers)
		}
		add(t, s, order(1), "order.placed")
		add(t, s, order(2), "order.placed")
		run(t, s, def, subscription.Park(10), subscription.Poll(10*time.Millisecond), subscription.Retry(subscription.Backoff{Attempts: 2, First: time.Millisecond, Max: time.Millisecond}))
		timers := func() (ids []string) {
			all, err := s.Timers(t.Context(), "orders", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, timer := range all {
				ids = append(ids, timer.ID)
			}
			return ids
		}
		var parked []es.Parked
		await(t, "one is parked, and the other one goes on", func() (ok bool) {
			var err error
			if parked, err = parking.Parked(t.Context(), es.ParkedQuery{Name: "orders"}); err != nil {
				t.Fatal(err)
			}
			return len(parked) == 1 && parked[0].Attempts == 2 && cmp.Equal(timers(), []string{"2"})
		})
		mended.Store(true)
		if err := parking.Decide(t.Context(), "orders", order(1), 1, es.Retry); err != nil {
			t.Fatal(err)
		}
		await(t, "it goes on", func() bool { return cmp.Equal(timers(), []string{"2", "1"}) })
		if got := kinds(t, s, task("1")); !cmp.Equal(got, []string{"task.begun"}) {
			t.Fatalf("its task has %v", got)
		}
	})
}

func TestMain(m *testing.M) {
	if at := os.Getenv(childVar); at != "" {
		child(at)
	}
	os.Exit(pgtest.Main(m))
}
