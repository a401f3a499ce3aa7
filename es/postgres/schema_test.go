package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestTenProcessesThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	at := place(t)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			s, err := openPlace(t.Context(), at)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer s.Close()
			if err := s.Health(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTheStoreWorksWithTheDocumentedRightsAlone(t *testing.T) {
	t.Parallel()
	schema, url, _ := strings.Cut(place(t), " ")
	sql, err := postgres.SQL(schema, 0)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, sql)
	role := pgtest.Name(t)
	grants, err := postgres.GrantSQL(schema, role)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "CREATE ROLE "+role+" LOGIN; "+grants)
	asRole := schema + " " + pgtest.WithUser(url, role)
	w := newWorldAt(t, asRole, postgres.WithoutMigration())

	position := w.append("a")
	if err := w.store.SaveSnapshot(w.ctx, es.Snapshot{Stream: stream("a"), Version: 1, Fingerprint: "f", Data: []byte("{}")}); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := w.store.SaveCheckpoint(w.ctx, "reader", position); err != nil {
			t.Error(err)
		}
	}
	if p, err := w.store.Checkpoint(w.ctx, "reader"); p != position || err != nil {
		t.Errorf("Checkpoint: %d, %v, want %d", p, err, position)
	}
	for _, err := range w.store.Load(w.ctx, es.LoadQuery{Stream: stream("a"), Fingerprint: "f"}) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, err := range w.store.Streams(w.ctx, es.ListQuery{Category: "account"}) {
		if err != nil {
			t.Error(err)
		}
	}
	tx := w.begin()
	w.appendTx(tx, "b")
	w.append("c")
	w.commit(tx)
	if got := w.feed(w.store); len(got) != 3 {
		t.Errorf("the feed has positions %v, want 3", got)
	}
	if _, err := w.store.FeedStatus(w.ctx); err != nil {
		t.Error(err)
	}
	if err := w.store.Health(w.ctx); err != nil {
		t.Error(err)
	}
	for _, forbidden := range []string{"UPDATE {schema}.events SET data = '1'", "DELETE FROM {schema}.events", "TRUNCATE {schema}.events", "UPDATE {schema}.store SET version = 9"} {
		if _, err := w.session().Exec(w.ctx, strings.ReplaceAll(forbidden, "{schema}", schema)); err == nil {
			t.Errorf("the role may %q", forbidden)
		}
	}
}

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

// Positions and checkpoints are part of a dump; those of a newer time than a dump are
// refused after it was restored, never taken for read.
func TestPositionsAndCheckpointsOutliveDumpAndRestore(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	if _, err := exec.LookPath(filepath.Join(server.Bin, "pg_dump")); err != nil {
		t.Skip("this installation of PostgreSQL has no pg_dump")
	}
	from, to := server.Database(t), server.Database(t)
	w := newWorldAt(t, "esgen "+from)
	tx := w.begin() // a hole
	w.appendTx(tx, "gone")
	if err := tx.Rollback(w.ctx); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.append("a")
	}
	positions := w.feed(w.store)
	last := positions[len(positions)-1]
	if err := w.store.SaveCheckpoint(w.ctx, "reader", last); err != nil {
		t.Fatal(err)
	}
	dump, err := server.Command("pg_dump", "--dbname", from).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	later := w.append("a")
	if err := w.store.SaveCheckpoint(w.ctx, "later", later); err != nil {
		t.Fatal(err)
	}
	psql := server.Command("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", to)
	psql.Stdin = bytes.NewReader(dump)
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("restoring: %v: %s", err, out)
	}

	restored := newWorldAt(t, "esgen "+to)
	if got := restored.feed(restored.store); !slices.Equal(got, positions) {
		t.Fatalf("after the restore the feed has positions %v, before the dump it had %v", got, positions)
	}
	if p, err := restored.store.Checkpoint(w.ctx, "reader"); err != nil || p != last {
		t.Fatalf("after the restore the checkpoint is %d, %v, want %d", p, err, last)
	}
	for _, err := range restored.store.ReadAll(w.ctx, es.FeedQuery{After: later}) {
		if !errors.Is(err, es.ErrBeyondHead) {
			t.Fatalf("reading after a position that the backup does not have: %v, want es.ErrBeyondHead", err)
		}
	}
	if err := restored.store.SaveCheckpoint(w.ctx, "later", later); !errors.Is(err, es.ErrBeyondHead) {
		t.Fatalf("SaveCheckpoint beyond the restored head: %v, want es.ErrBeyondHead", err)
	}
	if p := restored.append("a"); p <= last {
		t.Fatalf("the first append after the restore has position %d, used before it was %d", p, last)
	}
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

// Clauses that touch every statement, run with other ways to connect.
func TestStoreBehindOtherConnections(t *testing.T) {
	t.Parallel()
	ways := map[string]func(ctx context.Context, schema, url string) (es.Store, error){
		"a pool of the user's": func(ctx context.Context, schema, url string) (es.Store, error) {
			pool, err := pgxpool.New(ctx, url+"&pool_max_conns=2&default_transaction_isolation=serializable")
			if err != nil {
				return nil, err
			}
			t.Cleanup(pool.Close)
			return postgres.New(ctx, pool, postgres.Schema(schema))
		},
		"transaction pooling": func(ctx context.Context, schema, url string) (es.Store, error) {
			return postgres.Open(ctx, url+"&default_query_exec_mode=exec", postgres.Schema(schema), postgres.TransactionPooling(), postgres.DirectURL(url))
		},
		"described statements": func(ctx context.Context, schema, url string) (es.Store, error) {
			return postgres.Open(ctx, url+"&default_query_exec_mode=cache_describe", postgres.Schema(schema), postgres.TransactionPooling())
		},
	}
	for name, open := range ways {
		for _, clause := range storetest.Clauses() {
			area, _, _ := strings.Cut(clause.Name, "/")
			if !slices.Contains([]string{"Append", "Expected", "Idempotency", "Load", "Read", "Snapshot", "Feed", "Checkpoint", "Progress", "Parked", "Group", "List", "Watch"}, area) {
				continue
			}
			t.Run(name+"/"+clause.Name, func(t *testing.T) {
				t.Parallel()
				clause.Check(t, storetest.Harness{
					Place:    place,
					Complete: true,
					Open: func(ctx context.Context, place string) (es.Store, error) {
						schema, url, _ := strings.Cut(place, " ")
						return open(ctx, schema, url)
					},
				})
			})
		}
	}
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
