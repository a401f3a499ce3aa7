package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func divide(t testing.TB, url, schema string, partitions int) {
	t.Helper()
	sql, err := postgres.PartitionSQL(schema, partitions)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, sql)
}

// The clauses that touch every statement, for a role with the documented rights of before the division.
func TestStoreInPartitions(t *testing.T) {
	t.Parallel()
	for _, clause := range storetest.Clauses() {
		area, _, _ := strings.Cut(clause.Name, "/")
		if !slices.Contains([]string{"Append", "Expected", "Idempotency", "Load", "Read", "Snapshot", "Feed", "Checkpoint", "List", "Model"}, area) {
			continue
		}
		t.Run(clause.Name, func(t *testing.T) {
			t.Parallel()
			clause.Check(t, storetest.Harness{
				Place: func(t testing.TB) string {
					place, schema, _ := migrated(t)
					divide(t, strings.Fields(place)[1], schema, 4)
					return place
				},
				Open: func(ctx context.Context, place string) (es.Store, error) {
					at := strings.Fields(place)
					return openAs(ctx, at[0], at[1], at[2])
				},
				Complete: true,
			})
		})
	}
}

func TestDividingKeepsEventsAndPositions(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	store, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := &writer{name: "w", store: store, known: map[es.Stream]es.Version{}}
	for range 50 {
		w.append(t.Context(), w.writes())
	}
	before := table(t, url, "esgen")
	divide(t, url, "esgen", 3)
	for range 50 { // the store stays open
		w.append(t.Context(), w.writes())
	}
	after := table(t, url, "esgen")
	reader := &follower{name: "r", store: store}
	goal := make(chan es.Position, 1)
	goal <- after[len(after)-1].Position
	reader.run(t.Context(), goal)
	audit(t, after, w.ledger, []*follower{reader})
	if len(after) <= len(before) || after[len(before)].Position <= before[len(before)-1].Position {
		t.Errorf("%d events before, %d after; the first new one is at position %d", len(before), len(after), after[len(before)].Position)
	}
}

var millions = flag.Int("events", 0, "how many events TestMeasureLargeTables fills a table with; 0 skips it")

// TestMeasureLargeTables prints what loads, appends and the feed cost on a small table, on a large one, and
// on the large one after its division.
func TestMeasureLargeTables(t *testing.T) {
	if *millions == 0 {
		t.Skip("measures only with -events, such as -events 10000000")
	}
	server := pgtest.New(t, "shared_buffers = 2GB", "max_wal_size = 8GB", "maintenance_work_mem = 512MB", "checkpoint_timeout = 30min")
	pool, err := pgxpool.New(t.Context(), server.URL()+"&pool_max_conns=10")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	filled := 0
	fill := func(to int) {
		began := time.Now()
		if _, err := pool.Exec(t.Context(), fillSQL, filled, to-1); err != nil {
			t.Fatal(err)
		}
		filled = to
		settleDown(t, server)
		t.Logf("filled up to %d events in %v", to, time.Since(began).Round(time.Second))
	}
	fill(100_000)
	measure(t, "small", server, store, pool)
	fill(*millions)
	measure(t, "large", server, store, pool)
	began := time.Now()
	divide(t, server.URL(), "esgen", 16)
	settleDown(t, server)
	t.Logf("divided into 16 partitions in %v", time.Since(began).Round(time.Second))
	measure(t, "divided", server, store, pool)
}

// settleDown lets the server write what is to be written in the background, which would disturb what is
// measured next.
func settleDown(t *testing.T, server *pgtest.Server) {
	t.Helper()
	pgtest.Exec(t, server.URL(), "VACUUM ANALYZE esgen.events")
	pgtest.Exec(t, server.URL(), "CHECKPOINT")
	time.Sleep(5 * time.Second)
}

// fillSQL appends events $1 to $2, of 300 bytes, to 10,000 streams in turns, with ids that increase.
const fillSQL = `INSERT INTO esgen.events (version, recorded_at, id, schema, category, stream, type, data)
SELECT n / 10000 + 1, now(), (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, 1, 'filled', (n % 10000)::text, 'filled.happened',
	format('{"n":%s,"text":"%s"}', n, repeat('x', 270))::json
FROM generate_series($1::int8, $2::int8) AS n ORDER BY n`

func measure(t *testing.T, label string, server *pgtest.Server, store *postgres.Store, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	cost := func(what string, n int, run func()) {
		cpu, began := usedCPU(server), time.Now()
		run()
		wall := time.Since(began)
		per := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(n) }
		t.Logf("%-8s %-22s %8.1f µs, of processor time %8.1f µs", label, what, per(wall), per(usedCPU(server)-cpu))
	}
	load := func(loads int) {
		for range loads {
			stream := es.Stream{Category: "filled", ID: fmt.Sprint(rand.IntN(10_000))}
			for _, err := range store.Load(ctx, es.LoadQuery{Stream: stream, UpTo: 10}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	load(2000) // connections, plans, caches
	cost("load of 10 events", 5000, func() { load(5000) })
	for _, writers := range []int{1, 16, 64} {
		appends := 3000 * min(writers, 8)
		appendAll(t, store, writers, appends/10)
		cost(fmt.Sprintf("append, %d writers", writers), appends, func() { appendAll(t, store, writers, appends) })
	}
	head, err := store.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const read = 100_000
	cost("event of the feed", read, func() {
		for _, err := range store.ReadAll(ctx, es.FeedQuery{After: head / 3, Limit: read}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	var heap, indexes int64
	if err := pool.QueryRow(ctx, `SELECT sum(pg_table_size(oid))::int8, sum(pg_indexes_size(oid))::int8 FROM pg_class
		WHERE relnamespace = 'esgen'::regnamespace AND relkind = 'r' AND relname LIKE 'events%'`).Scan(&heap, &indexes); err != nil {
		t.Fatal(err)
	}
	t.Logf("%-8s table %d MiB, indexes %d MiB", label, heap>>20, indexes>>20)
}

// appendAll makes appends of one event to a thousand streams of each writer.
func appendAll(t *testing.T, store *postgres.Store, writers, appends int) {
	t.Helper()
	data := fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat("x", 280))
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for range appends / writers {
				stream := es.Stream{Category: "new", ID: fmt.Sprintf("%d-%d", w, rand.IntN(1000))}
				_, err := store.Append(t.Context(), es.Write{Stream: stream, Expect: es.Any, Events: []es.Event{
					{ID: es.NewID(), Type: "new.happened", Schema: 1, Data: data},
				}})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}
