package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// catalog describes all that a schema holds, a line an object.
const catalog = `
SELECT format('column %s.%s %s %s notnull=%s identity=%s default=%s collation=%s', c.relname, a.attname, a.attnum,
	format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid), l.collname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relnamespace = 'esgen'::regnamespace AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'v')
UNION ALL
SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'esgen'::regnamespace
UNION ALL
SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'esgen'
UNION ALL
SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = 'esgen'::regnamespace
UNION ALL
SELECT format('sequence %s start=%s increment=%s cache=%s cycle=%s', sequencename, start_value, increment_by, cache_size, cycle)
FROM pg_sequences WHERE schemaname = 'esgen'
UNION ALL
SELECT format('relation %s %s owner=%s rights=%s options=%s comment=%s', relname, relkind, relowner::regrole, relacl, reloptions, obj_description(oid, 'pg_class'))
FROM pg_class WHERE relnamespace = 'esgen'::regnamespace
UNION ALL
SELECT format('comment %s %s', objsubid, description) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = 'esgen'::regnamespace
UNION ALL
SELECT format('version %s', version) FROM esgen.store
ORDER BY 1`

func readCatalog(t testing.TB, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), catalog)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestMigratingByHandGivesTheSameTables(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	byOpen, byHand := server.Database(t), server.Database(t)
	store, err := postgres.Open(t.Context(), byOpen)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sql, err := postgres.SQL("esgen", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), byHand, postgres.WithoutMigration()); !errors.Is(err, postgres.ErrSchema) {
		t.Errorf("opening a store without tables: %v, want ErrSchema", err)
	}
	pgtest.Exec(t, byHand, sql)
	hand, err := postgres.Open(t.Context(), byHand, postgres.WithoutMigration())
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	want := readCatalog(t, byOpen)
	if len(want) < 30 {
		t.Fatalf("the catalog has only %d lines", len(want))
	}
	if d := cmp.Diff(want, readCatalog(t, byHand)); d != "" {
		t.Errorf("tables made by Open and by hand differ (-Open +hand):\n%s", d)
	}
}

// openingURL makes this test binary a process that opens a store, once its standard input ends.
const openingURL = "ESGEN_OPENING_URL"

func TestProcessesOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	if url := os.Getenv(openingURL); url != "" {
		openAndAppend(t, url)
		return
	}
	t.Parallel()
	const processes = 10
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	server := pgtest.Shared(t)
	for range rounds {
		url := server.Database(t)
		begun, begin, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		for i := range processes {
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), openingURL+"="+url)
			cmd.Stdin = begun
			running.Go(func() {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("process %d: %v\n%s", i, err, out)
				}
			})
		}
		_ = begin.Close()
		running.Wait()
		_ = begun.Close()
		store, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if head, err := store.Head(t.Context()); err != nil || head != processes {
			t.Errorf("Head() = %d, %v after %d processes appended one event each", head, err, processes)
		}
	}
}

func openAndAppend(t *testing.T, url string) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	store, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Health(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := store.Append(t.Context(), es.Write{
		Stream: es.Stream{Category: "process", ID: fmt.Sprint(os.Getpid())}, Expect: es.NoStream,
		Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}},
	}); err != nil {
		t.Fatal(err)
	}
}

// Each older version, with events and a checkpoint in it; several processes of the new build start at once, while one of
// the old build still appends.
func TestTablesOfEachOlderVersionAreMigratedWithWhatTheyHold(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	fresh := server.Database(t)
	open := func(url string) *postgres.Store {
		s, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	open(fresh)
	want := readCatalog(t, fresh)
	drops := []string{
		1: "DROP TABLE esgen.groups, esgen.members, esgen.partitions, esgen.parked",
		2: "DROP TABLE esgen.read_models, esgen.timers",
	}
	for version := 1; version < postgres.SchemaVersion(); version++ {
		url := server.Database(t)
		old := open(url)
		add := func(s *postgres.Store) es.Position {
			r, err := s.Append(t.Context(), es.Write{Stream: es.Stream{Category: "a", ID: "x"}, Expect: es.Any, Events: []es.Event{
				{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}}})
			if err != nil {
				t.Fatal(err)
			}
			return r.Position()
		}
		first := add(old)
		if err := old.SaveCheckpoint(t.Context(), "reader", first); err != nil {
			t.Fatal(err)
		}
		for v := version; v < postgres.SchemaVersion(); v++ {
			pgtest.Exec(t, url, drops[v])
		}
		pgtest.Exec(t, url, fmt.Sprint("UPDATE esgen.store SET version = ", version))
		var opening sync.WaitGroup
		for range 10 {
			opening.Go(func() {
				s, err := postgres.Open(t.Context(), url)
				if err != nil {
					t.Errorf("opening tables of version %d: %v", version, err)
					return
				}
				s.Close()
			})
		}
		add(old)
		opening.Wait()
		if d := cmp.Diff(want, readCatalog(t, url)); d != "" {
			t.Errorf("tables migrated from version %d differ from new ones (-new +migrated):\n%s", version, d)
		}
		s := open(url)
		if last := add(s); last != first+2 {
			t.Errorf("the next event after two is at %d, want %d", last, first+2)
		}
		if p, err := s.Checkpoint(t.Context(), "reader"); err != nil || p != first {
			t.Errorf("the checkpoint is %d, %v, want %d", p, err, first)
		}
	}
}

// openAs opens a store as a role that may not migrate.
func openAs(ctx context.Context, schema, url, role string) (*postgres.Store, error) {
	url = pgtest.WithUser(url, role) + "&application_name=" + applicationName(os.Getpid())
	return postgres.Open(ctx, url, postgres.Schema(schema), postgres.WithoutMigration())
}
