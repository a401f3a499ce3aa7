package projection_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/process"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
)

// narrow opens a store whose transactions and reads share one connection.
func (at place) narrow(t *testing.T) store {
	t.Helper()
	var s store
	var err error
	if schema, url, ok := strings.Cut(string(at), " "); ok {
		s, err = postgres.Open(t.Context(), url+"&pool_max_conns=1", postgres.Schema(schema), postgres.PollInterval(20*time.Millisecond))
	} else {
		s, err = sqlite.Open(t.Context(), string(at), sqlite.WithPoll(20*time.Millisecond), sqlite.WithReaders(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Nothing that works with the store needs a second connection while it holds one, or the file's writer while it keeps that waiting:
// else as many of it as there are connections would wait for each other for ever.
func TestOneConnectionIsEnoughForAllThatWorksWithAStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.narrow(t)
		quiet := subscription.Logger(slog.New(slog.DiscardHandler))
		last := fill(t, s, "a", 7, 60)
		m := at.model(t, s, tally{}, projection.Partitions(3), projection.BatchSize(10))
		stopModel := m.start(t)
		m.wait(t, last)

		var sunk, effective, reacted, expired atomic.Int64
		sink := subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
			return within(ctx, s, func(ctx context.Context, record func(es.Progress) error) error {
				if err := record(b.Progress); err != nil {
					return err
				}
				sunk.Add(int64(len(b.Events)))
				return nil
			})
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var running sync.WaitGroup
		run := func(run func(context.Context) error, err error) {
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() {
				if err := run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		for range 3 {
			sub, err := subscription.Into(s, "sink", sink, quiet, subscription.Group(4), subscription.BatchSize(10))
			run(sub.Run, err)
		}
		effects, err := m.Effects("e", subscription.Each(func(context.Context, es.Recorded) error {
			effective.Add(1)
			return nil
		}), subscription.StartAt(subscription.Beginning))
		run(effects.Run, err)
		manager, err := process.New(s, process.Definition{
			Name: "manager", Logger: slog.New(slog.DiscardHandler), Categories: []string{"a"},
			React: func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
				reacted.Add(1)
				timers.Set(rec.ID.String(), rec.RecordedAt, nil)
				return command(ctx, s, "b", process.Key(ctx, "react"))
			},
			Expire: func(ctx context.Context, _ es.Timer) error {
				expired.Add(1)
				return command(ctx, s, "b", process.Key(ctx, "expire"))
			},
		})
		run(manager.Run, err)
		in, counted := inlined(t, at, s, func(es.Recorded) error { return nil })
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				fill(t, in, fmt.Sprint("in", w), 2, 10) // through the read model in line
				fill(t, s, "a", 7, 10)
				m.count(t)
			})
		}
		writers.Wait()
		if n := counted(); n != 40 {
			t.Errorf("the read model in line has counted %d events, want 40", n)
		}
		if _, err := at.model(t, s, tally{}, projection.Partitions(3), projection.BatchSize(10)).Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			events := events(t, s)
			if reacted.Load() >= 100 && expired.Load() >= 100 && events == 60+40+40+200 && effective.Load() >= events && sunk.Load() >= events {
				break
			}
			if time.Since(begun) > 4*time.Minute {
				t.Fatalf("of %d events, %d had effects, and %d came into the sink; %d were reacted to, and %d timers were due", events, effective.Load(), sunk.Load(), reacted.Load(), expired.Load())
			}
		}
		stop()
		running.Wait()
		if err := stopModel(); err != nil {
			t.Fatal(err)
		}
	})
}

// command appends an event under an idempotency key, as a repository's command does.
func command(ctx context.Context, s es.Store, category, key string) error {
	at := es.Stream{Category: category, ID: "1"}
	e := event(category)
	e.ID = es.DeriveID(at, key, 0)
	_, err := s.Append(ctx, es.Write{Stream: at, Expect: es.Any, Events: []es.Event{e}})
	return err
}

// within runs f in a transaction of a store, with what records progress in it.
func within(ctx context.Context, s store, f func(ctx context.Context, record func(es.Progress) error) error) error {
	switch s := s.(type) {
	case *sqlite.Store:
		return s.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return f(ctx, func(p es.Progress) error { return s.RecordTx(ctx, tx, p) })
		})
	case *postgres.Store:
		return s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			return f(ctx, func(p es.Progress) error { return s.RecordTx(ctx, tx, p) })
		})
	}
	return fmt.Errorf("%T has no transactions", s)
}
