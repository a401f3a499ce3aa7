package projection_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// inlined returns a store that counts the events of each stream in its appends.
func inlined(t testing.TB, at place, s store, fails func(es.Recorded) error) (es.Store, func() int64) {
	t.Helper()
	table := at.table("inline", 1)
	handle := func(ctx context.Context, t tx, events []es.Recorded) error {
		for _, rec := range events {
			if err := t.exec(ctx, "INSERT INTO "+table+" (stream, version, events) VALUES ($1, $2, 1) ON CONFLICT (stream) DO UPDATE SET version = excluded.version, events = "+
				table[len(table)-len("inline_1"):]+".events + 1 WHERE "+table[len(table)-len("inline_1"):]+".version = $2 - 1", rec.Stream.String(), int64(rec.Version)); err != nil {
				return err
			}
			if err := fails(rec); err != nil {
				return err
			}
		}
		return nil
	}
	create := "CREATE TABLE " + table + " (stream text PRIMARY KEY, version bigint NOT NULL, events bigint NOT NULL)"
	sum := func(ctx context.Context, t tx) (n int64, err error) {
		err = t.query(ctx, "SELECT CAST(coalesce(sum(events), 0) AS bigint) FROM "+table, nil, &n)
		return n, err
	}
	var in es.Store
	var err error
	var n int64
	var count func() error
	switch s := s.(type) {
	case *sqlite.Store:
		err = s.InTx(t.Context(), func(ctx context.Context, t *sql.Tx) error { return wrapSQLite(t).exec(ctx, create) })
		count = func() error {
			return s.ReadTx(t.Context(), func(ctx context.Context, t *sql.Tx) (err error) { n, err = sum(ctx, wrapSQLite(t)); return err })
		}
		if err == nil {
			in, err = projection.Inline(s, func(ctx context.Context, t *sql.Tx, events []es.Recorded) error {
				return handle(ctx, wrapSQLite(t), events)
			})
		}
	case *postgres.Store:
		err = s.InTx(t.Context(), func(ctx context.Context, t pgx.Tx) error { return wrapPostgres(t).exec(ctx, create) })
		count = func() error {
			return s.ReadTx(t.Context(), func(ctx context.Context, t pgx.Tx) (err error) { n, err = sum(ctx, wrapPostgres(t)); return err })
		}
		if err == nil {
			in, err = projection.Inline(s, func(ctx context.Context, t pgx.Tx, events []es.Recorded) error {
				return handle(ctx, wrapPostgres(t), events)
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return in, func() int64 {
		if err := count(); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func TestAnInlineReadModelCommitsWithTheAppendOrNeitherDoes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		broken := errors.New("broken")
		in, count := inlined(t, at, s, func(rec es.Recorded) error {
			if rec.Version == 3 {
				return broken
			}
			return nil
		})
		w := es.Write{Stream: es.Stream{Category: "a", ID: "1"}, Expect: es.NoStream, Events: []es.Event{event("a"), event("a")}}
		for range 2 { // the second is a duplicate
			if _, err := in.Append(t.Context(), w); err != nil || count() != 2 {
				t.Fatalf("Append: %v, %d events are counted", err, count())
			}
		}
		w.Expect, w.Events = es.Any, []es.Event{event("a")}
		if _, err := in.Append(t.Context(), w); !errors.Is(err, broken) || count() != 2 || events(t, s) != 2 {
			t.Fatalf("Append with a handler that fails: %v, %d events are stored", err, events(t, s))
		}
		w.Expect = es.NoStream
		if _, err := in.Append(t.Context(), w); !errors.Is(err, es.ErrConflict) {
			t.Fatalf("Append to a stream that is there: %v, want es.ErrConflict", err)
		}
		if _, ok := es.Capability[es.Feed](in); !ok {
			t.Fatal("the store has lost its feed")
		}
	})
}

func TestInlineReadModelsOfManyWritersCountEachEventOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		in, count := inlined(t, at, s, func(es.Recorded) error { return nil })
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() { fill(t, in, "a", 3, 20) })
		}
		writers.Wait()
		if n := count(); n != 160 {
			t.Fatalf("%d events are counted, want 160", n)
		}
	})
}

// What an append costs whose read model changes with it, beside one without.
func BenchmarkInline(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, writers := range []int{1, 16} {
			for _, kind := range []string{"plain", "inline"} {
				b.Run(fmt.Sprintf("%s/%s/writers=%d", engine, kind, writers), func(b *testing.B) {
					at := place(filepath.Join(b.TempDir(), "store.db"))
					if engine == "postgres" {
						at = place(pgtest.Name(b) + " " + pgtest.Shared(b).URL())
					}
					s := at.mustOpen(b)
					var to es.Store = s
					if kind == "inline" {
						to, _ = inlined(b, at, s, func(es.Recorded) error { return nil })
					}
					b.ResetTimer()
					var work sync.WaitGroup
					for w := range writers {
						work.Go(func() {
							for n := w; n < b.N; n += writers {
								_, err := to.Append(b.Context(), es.Write{Stream: es.Stream{Category: "a", ID: fmt.Sprint(w)}, Expect: es.Any, Events: []es.Event{event("a")}})
								if err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					work.Wait()
				})
			}
		}
	}
}
