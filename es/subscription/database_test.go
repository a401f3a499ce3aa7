package subscription_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// database is a store with a table of totals in its own database, and a way to add to it in the
// transaction that records the progress.
type database struct {
	store  es.Store
	commit func(ctx context.Context, b subscription.Batch, fail error) error
	totals func() map[string]int
}

// pgAt opens a store in a database of its own.
func pgAt(t testing.TB) (*postgres.Store, *pgxpool.Pool, string) {
	t.Helper()
	url := pgtest.Shared(t).Database(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := postgres.New(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, pool, url
}

const totalsTable = "CREATE TABLE totals (stream text PRIMARY KEY, n integer NOT NULL)"

// databases are stores with transactions of the test's own making, and as the guide has it: of the store's.
func databases(t *testing.T) map[string]func(t *testing.T) database {
	all := map[string]func(t *testing.T) database{
		"sqlite": func(t *testing.T) database {
			store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"))
			if err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", store.Path()+"?_txlock=immediate&_pragma=busy_timeout(10000)")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = db.Close()
				_ = store.Close()
			})
			if _, err := db.Exec(totalsTable); err != nil {
				t.Fatal(err)
			}
			return database{
				store: store,
				commit: func(ctx context.Context, b subscription.Batch, fail error) error {
					tx, err := db.BeginTx(ctx, nil)
					if err != nil {
						return err
					}
					defer tx.Rollback()
					if err := store.RecordTx(ctx, tx, b.Progress); err != nil {
						return err
					}
					for _, rec := range b.Events {
						if _, err := tx.ExecContext(ctx, addOneSQLite, rec.Stream.String()); err != nil {
							return err
						}
					}
					if fail != nil {
						return fail
					}
					return tx.Commit()
				},
				totals: func() map[string]int {
					rows, err := db.Query("SELECT stream, n FROM totals")
					if err != nil {
						t.Fatal(err)
					}
					defer rows.Close()
					all := map[string]int{}
					for rows.Next() {
						var stream string
						var n int
						if err := rows.Scan(&stream, &n); err != nil {
							t.Fatal(err)
						}
						all[stream] = n
					}
					return all
				},
			}
		},
		"postgres": func(t *testing.T) database {
			store, pool, url := pgAt(t)
			pgtest.Exec(t, url, totalsTable)
			return database{
				store: store,
				commit: func(ctx context.Context, b subscription.Batch, fail error) error {
					return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
						if err := store.RecordTx(ctx, tx, b.Progress); err != nil {
							return err
						}
						for _, rec := range b.Events {
							if _, err := tx.Exec(ctx, addOnePostgres, rec.Stream.String()); err != nil {
								return err
							}
						}
						return fail
					})
				},
				totals: func() map[string]int {
					rows, _ := pool.Query(t.Context(), "SELECT stream, n FROM totals")
					all := map[string]int{}
					var stream string
					var n int
					if _, err := pgx.ForEachRow(rows, []any{&stream, &n}, func() error { all[stream] = n; return nil }); err != nil {
						t.Fatal(err)
					}
					return all
				},
			}
		},
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		all[engine+", InTx"] = func(t *testing.T) database {
			db := all[engine](t)
			switch store := db.store.(type) {
			case *sqlite.Store:
				db.commit = inTx(store, func(ctx context.Context, tx *sql.Tx, at es.Stream) error {
					_, err := tx.ExecContext(ctx, addOneSQLite, at.String())
					return err
				})
			case *postgres.Store:
				db.commit = inTx(store, func(ctx context.Context, tx pgx.Tx, at es.Stream) error {
					_, err := tx.Exec(ctx, addOnePostgres, at.String())
					return err
				})
			}
			return db
		}
	}
	return all
}

const (
	addOneSQLite   = "INSERT INTO totals VALUES (?, 1) ON CONFLICT (stream) DO UPDATE SET n = n + 1"
	addOnePostgres = "INSERT INTO totals VALUES ($1, 1) ON CONFLICT (stream) DO UPDATE SET n = totals.n + 1"
)

// inTx commits a batch in a transaction of the store's.
func inTx[TX any](store interface {
	InTx(ctx context.Context, f func(ctx context.Context, tx TX) error) error
	RecordTx(ctx context.Context, tx TX, p es.Progress) error
}, addOne func(ctx context.Context, tx TX, at es.Stream) error) func(ctx context.Context, b subscription.Batch, fail error) error {
	return func(ctx context.Context, b subscription.Batch, fail error) error {
		return store.InTx(ctx, func(ctx context.Context, tx TX) error {
			if err := store.RecordTx(ctx, tx, b.Progress); err != nil {
				return err
			}
			for _, rec := range b.Events {
				if err := addOne(ctx, tx, rec.Stream); err != nil {
					return err
				}
			}
			return fail
		})
	}
}

func TestAnEffectInTheStoresOwnDatabaseHappensOnce(t *testing.T) {
	t.Parallel()
	for name, open := range databases(t) {
		for _, grouped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, group %t", name, grouped), func(t *testing.T) {
				t.Parallel()
				db := open(t)
				fill(t, db.store, "a", 10, 100)
				var n atomic.Int64
				sink := subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
					n := n.Add(1)
					if n%5 == 0 {
						return db.commit(ctx, b, errPoison) // rolled back
					}
					err := db.commit(ctx, b, nil)
					if err == nil && n%4 == 0 {
						err = errLost // it has committed nevertheless
					}
					return err
				})
				opts := []subscription.Option{
					subscription.BatchSize(7), subscription.Park(100), subscription.Poll(5 * time.Millisecond), subscription.CheckpointEvery(1000, 10*time.Millisecond),
					subscription.Retry(subscription.Backoff{Attempts: 50, First: time.Millisecond, Max: time.Millisecond}),
				}
				if grouped {
					opts = append(opts, subscription.Group(4), subscription.Lease(300*time.Millisecond))
				}
				join := func() func() error {
					sub, err := subscription.Into(db.store, "totals", sink, opts...)
					if err != nil {
						t.Fatal(err)
					}
					return running(t, sub)
				}
				stop := join()
				if grouped {
					join()
				}
				fill(t, db.store, "a", 10, 50)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				join()
				fill(t, db.store, "a", 10, 50)
				want := map[string]int{}
				for i := range 10 {
					want[stream("a", i).String()] = 20
				}
				await(t, "all was handled", func() bool {
					sum := 0
					for _, n := range db.totals() {
						sum += n
					}
					return sum >= 200
				})
				time.Sleep(20 * time.Millisecond) // for what comes twice
				if got := db.totals(); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("the totals are %v, want %v", got, want)
				}
			})
		}
	}
}

// kept is a keeper: positions and marks outlive what it is used with.
type kept struct {
	at   subscription.Mark
	seen []es.Position
}

func (k *kept) Mark(context.Context) (subscription.Mark, error) { return k.at, nil }

func (k *kept) Commit(_ context.Context, b subscription.Batch) error {
	for _, rec := range b.Events {
		k.seen = append(k.seen, rec.Position)
	}
	k.at = b.Mark
	return nil
}

// runTo runs a subscription into a keeper until it has come to a position.
func runTo(t *testing.T, store es.Store, k *kept, goal es.Position) error {
	t.Helper()
	sub, err := subscription.Into(store, "keeper", k, subscription.CheckpointEvery(1, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- sub.Run(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(time.Millisecond):
			if status, _ := sub.Status(t.Context()); status.Position >= goal && status.State == subscription.Live {
				cancel()
			}
		}
	}
}

func TestAMarkOfAnotherStoreIsAnErrorNeverASkip(t *testing.T) {
	t.Parallel()
	one, two := memory.New(), memory.New()
	fill(t, one, "a", 1, 5)
	fill(t, two, "a", 1, 9)
	k := &kept{}
	if err := runTo(t, one, k, 5); err != nil {
		t.Fatal(err)
	}
	fill(t, one, "a", 1, 2)
	if err := runTo(t, one, k, 7); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(k.seen, upTo(7)) || k.at.Position != 7 {
		t.Fatalf("kept were %v up to %+v", k.seen, k.at)
	}
	err := runTo(t, two, k, 9)
	if other, ok := errors.AsType[*subscription.OtherStoreError](err); !ok || !errors.Is(err, subscription.ErrOtherStore) || other.Mark != k.at || !strings.Contains(err.Error(), "another store") {
		t.Fatalf("Run in another store: %v, want a *OtherStoreError", err)
	}
}

func TestAMarkFromBeforeARestoreIsAnErrorNeverASkip(t *testing.T) {
	t.Parallel()
	store, _, url := pgAt(t)
	fill(t, store, "a", 1, 5)
	k := &kept{}
	if err := runTo(t, store, k, 5); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "DELETE FROM esgen.events WHERE position > 3; SELECT esgen.restored(10)")
	again, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	fill(t, again, "a", 1, 5)
	if err := runTo(t, again, k, 11); !errors.Is(err, subscription.ErrOtherStore) || !strings.Contains(err.Error(), "restored") {
		t.Fatalf("Run after a restore: %v, want ErrOtherStore", err)
	}
}

func TestAStoreThatCanNotDoWhatIsAskedIsRefused(t *testing.T) {
	t.Parallel()
	type basic struct {
		es.Store
		es.Feed
		es.Checkpoints
	}
	m := memory.New()
	store := basic{m, m, m}
	got := newSeen()
	last := fill(t, m, "a", 2, 5)
	stop := running(t, newSub(t, store, got)) // a handler needs no more
	await(t, "all was handled", func() bool { return len(got.positions()) == int(last) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantCheckpoint(t, m, last)
	for name, make := range map[string]func() (*subscription.Subscription, error){
		"es.Tracker": func() (*subscription.Subscription, error) { return subscription.Into(store, "x", sinkOf(m, got)) },
		"es.Parking": func() (*subscription.Subscription, error) {
			return subscription.New(store, "x", got, subscription.Park(1))
		},
		"es.Groups": func() (*subscription.Subscription, error) {
			return subscription.New(store, "x", got, subscription.Group(1))
		},
		"es.Identified": func() (*subscription.Subscription, error) { return subscription.Into(store, "x", &kept{}) },
		"es.Checkpoints": func() (*subscription.Subscription, error) {
			return subscription.New(struct {
				es.Store
				es.Feed
			}{m, m}, "x", got)
		},
		"es.Feed": func() (*subscription.Subscription, error) { return subscription.New(struct{ es.Store }{m}, "x", got) },
		"a Keeper": func() (*subscription.Subscription, error) {
			return subscription.Into(m, "x", &kept{}, subscription.Group(1))
		},
		"name": func() (*subscription.Subscription, error) { return subscription.New(m, "", got) },
		"BatchSize": func() (*subscription.Subscription, error) {
			return subscription.New(m, "x", got, subscription.BatchSize(0))
		},
		"Group": func() (*subscription.Subscription, error) {
			return subscription.New(m, "x", got, subscription.Group(0))
		},
		"Park": func() (*subscription.Subscription, error) { return subscription.New(m, "x", got, subscription.Park(0)) },
		"category": func() (*subscription.Subscription, error) {
			return subscription.New(m, "x", got, subscription.Categories("A B"))
		},
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	store := memory.New()
	fill(t, store, "a", 2, 4)
	told := make(chan subscription.Status, 100)
	h := newPoisoned(3)
	stop := running(t, newSub(t, store, h, append(fast, subscription.OnChange(func(s subscription.Status) { told <- s }))...))
	seen := map[subscription.State]bool{}
	wait := func(what string, holds func(s subscription.Status) bool) {
		t.Helper()
		for timeout := time.After(patience); ; {
			select {
			case s := <-told:
				if seen[s.State] = true; s.Name != "reader" {
					t.Errorf("the status is of %q", s.Name)
				}
				if holds(s) {
					return
				}
			case <-timeout:
				t.Fatalf("nobody told that %s", what)
			}
		}
	}
	wait("a stream is parked", func(s subscription.Status) bool { return s.Parked == 1 })
	wait("it is live", func(s subscription.Status) bool { return s.State == subscription.Live })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wait("it has stopped", func(s subscription.Status) bool { return s.State == subscription.Stopped })
	if !seen[subscription.CatchingUp] || !seen[subscription.Retrying] {
		t.Errorf("told were the states %v", seen)
	}
}
