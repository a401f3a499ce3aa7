package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestOpenRefusesTablesThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	schema, url, _ := strings.Cut(place(t), " ")
	if _, err := postgres.Open(t.Context(), url, postgres.Schema(schema), postgres.WithoutMigration()); !errors.Is(err, postgres.ErrSchema) {
		t.Fatalf("Open without tables, and without migrating: %v, want postgres.ErrSchema", err)
	}
	newWorldAt(t, schema+" "+url)
	pgtest.Exec(t, url, "UPDATE "+schema+".store SET version = version + 1")
	if _, err := postgres.Open(t.Context(), url, postgres.Schema(schema)); !errors.Is(err, postgres.ErrSchema) {
		t.Fatalf("Open with tables of a later program: %v, want postgres.ErrSchema", err)
	}
	for _, name := range []string{"", "A", "a b", `a"b`, "1a", strings.Repeat("a", 58)} {
		if _, err := postgres.Open(t.Context(), url, postgres.Schema(name)); err == nil {
			t.Errorf("Open took the schema name %q", name)
		}
	}
}

func TestOpenRefusesAServerThatMayLoseAcknowledgedAppends(t *testing.T) {
	t.Parallel()
	schema, url, _ := strings.Cut(place(t), " ")
	url += "&synchronous_commit=off"
	if _, err := postgres.Open(t.Context(), url, postgres.Schema(schema)); err == nil {
		t.Fatal("Open took a session with synchronous_commit off")
	}
	s, err := postgres.Open(t.Context(), url, postgres.Schema(schema), postgres.AllowAsynchronousCommit())
	if err != nil {
		t.Fatalf("Open with AllowAsynchronousCommit: %v", err)
	}
	s.Close()
}

// An older backup is restored under a process that goes on: what it knew of the feed
// does not hold any more.
func TestAProcessNoticesThatTheDatabaseWasSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.append("a")
	w.append("a")
	last := w.append("a")
	w.wantFeed("before", 1, 2, 3)
	if err := w.store.SaveCheckpoint(w.ctx, "reader", last); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, w.url, "DELETE FROM "+w.schema+".events WHERE position > 1")
	if got := w.feed(w.store); !slices.Equal(got, []es.Position{first}) {
		t.Fatalf("the feed has positions %v, want %d alone", got, first)
	}
	if _, err := w.store.Checkpoint(w.ctx, "reader"); !errors.Is(err, es.ErrBeyondHead) {
		t.Fatalf("Checkpoint beyond the head: %v, want es.ErrBeyondHead", err)
	}
}

func TestStoreBehindOtherConnections(t *testing.T) {
	t.Parallel()
	harness := func(open func(ctx context.Context, schema, url string) (es.Store, error)) storetest.Harness {
		return storetest.Harness{
			Place:    place,
			Complete: true,
			Open: func(ctx context.Context, place string) (es.Store, error) {
				schema, url, _ := strings.Cut(place, " ")
				return open(ctx, schema, url)
			},
		}
	}
	t.Run("a pool of the user's", func(t *testing.T) {
		t.Parallel()
		const settings = "&pool_max_conns=2&default_transaction_isolation=serializable&default_query_exec_mode=exec"
		runEveryStatement(t, harness(func(ctx context.Context, schema, url string) (es.Store, error) {
			pool, err := pgxpool.New(ctx, url+settings)
			if err != nil {
				return nil, err
			}
			t.Cleanup(pool.Close)
			return postgres.New(ctx, pool, postgres.Schema(schema))
		}))
	})
	t.Run("no direct URL", func(t *testing.T) {
		t.Parallel()
		runAreas(t, harness(func(ctx context.Context, schema, url string) (es.Store, error) {
			return postgres.Open(ctx, url, postgres.Schema(schema), postgres.TransactionPooling())
		}), "Watch")
	})
}

func TestDataCanBeQueriedAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, data := range []string{`{"owner":"Ada", "n": 1}`, `{"x":"\u0000","owner":"nul \u0000\u0000 \\u0000 \\\u0000"}`} {
		e := newEvent()
		e.Data = []byte(data)
		if _, err := w.store.Append(w.ctx, es.Write{Stream: stream("a"), Expect: es.Any, Events: []es.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := w.session().Query(w.ctx, "SELECT "+w.schema+".field(data, 'owner') FROM "+w.schema+".events ORDER BY position")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if want := []string{"Ada", "nul \ufffd\ufffd \\u0000 \\\ufffd"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("owners are %q, %v, want %q", got, err, want)
	}
}
