package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
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

// The role has only the documented rights, of before the division.
func TestStoreInPartitions(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string {
			place, schema, _ := migrated(t)
			divide(t, strings.Fields(place)[1], schema, 4)
			return place
		},
		Open: func(ctx context.Context, place string) (es.Store, error) {
			at := strings.Fields(place)
			schema, admin, role := at[0], at[1], at[2]
			if err := buryTheDead(ctx, admin); err != nil {
				return nil, err
			}
			return openAs(ctx, schema, admin, role)
		},
		Complete: true,
	})
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
		pgtest.Exec(t, server.URL(), "VACUUM ANALYZE esgen.events")
		t.Logf("filled up to %d events in %v", to, time.Since(began).Round(time.Second))
	}
	fill(100_000)
	measure(t, "small", store, pool)
	fill(*millions)
	measure(t, "large", store, pool)
	began := time.Now()
	divide(t, server.URL(), "esgen", 16)
	pgtest.Exec(t, server.URL(), "VACUUM ANALYZE esgen.events")
	t.Logf("divided into 16 partitions in %v", time.Since(began).Round(time.Second))
	measure(t, "divided", store, pool)
}

// fillSQL appends events $1 to $2, of 300 bytes, to 10,000 streams in turns, with ids that increase.
const fillSQL = `INSERT INTO esgen.events (version, recorded_at, id, schema, category, stream, type, data)
SELECT n / 10000 + 1, now(), (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, 1, 'filled', (n % 10000)::text, 'filled.happened',
	format('{"n":%s,"text":"%s"}', n, repeat('x', 270))::json
FROM generate_series($1::int8, $2::int8) AS n ORDER BY n`

func measure(t *testing.T, label string, store *postgres.Store, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	var heap, indexes int64
	if err := pool.QueryRow(ctx, `SELECT sum(pg_table_size(oid))::int8, sum(pg_indexes_size(oid))::int8 FROM pg_class
		WHERE relnamespace = 'esgen'::regnamespace AND relkind = 'r' AND relname LIKE 'events%'`).Scan(&heap, &indexes); err != nil {
		t.Fatal(err)
	}
	const loads = 2000
	rows, began := 0, time.Now()
	for range loads {
		stream := es.Stream{Category: "filled", ID: fmt.Sprint(rand.IntN(10_000))}
		for _, err := range store.Load(ctx, es.LoadQuery{Stream: stream, UpTo: 10}) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
	}
	t.Logf("%-8s load: %.0f µs a stream, %d events each", label, time.Since(began).Seconds()*1e6/loads, rows/loads)
	t.Logf("%-8s append: %.0f/s by 1 writer, %.0f/s by 16, %.0f/s by 64", label, appendRate(t, store, 1), appendRate(t, store, 16), appendRate(t, store, 64))
	head, err := store.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n, began := 0, time.Now()
	for _, err := range store.ReadAll(ctx, es.FeedQuery{After: head / 3, Limit: 500_000}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	t.Logf("%-8s feed: %.0f events/s (%d read)", label, float64(n)/time.Since(began).Seconds(), n)
	t.Logf("%-8s size: table %d MiB, indexes %d MiB", label, heap>>20, indexes>>20)
}

// appendRate returns how many appends of one event a second so many writers come to: the median
// of five rounds.
func appendRate(t *testing.T, store *postgres.Store, writers int) float64 {
	t.Helper()
	var rates []float64
	for range 5 {
		rates = append(rates, appendRound(t, store, writers))
	}
	return median(rates)
}

func appendRound(t *testing.T, store *postgres.Store, writers int) float64 {
	t.Helper()
	var done atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for w := range writers {
		running.Go(func() {
			for time.Since(began) < 3*time.Second {
				stream := es.Stream{Category: "new", ID: fmt.Sprintf("%d-%d", w, rand.IntN(1000))}
				_, err := store.Append(t.Context(), es.Write{Stream: stream, Expect: es.Any, Events: []es.Event{
					{ID: es.NewID(), Type: "new.happened", Schema: 1, Data: fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat("x", 280))},
				}})
				if err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}
