package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

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

// A role with the documented rights, of before the division.
func TestStoreInPartitionsWithOnlyTheDocumentedRights(t *testing.T) {
	t.Parallel()
	runEveryStatement(t, storetest.Harness{
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

// TestMeasureLargeTables prints what loads, appends and the feed cost on a large table beside a small one, in
// rounds that alternate, and again after the large one was divided.
func TestMeasureLargeTables(t *testing.T) {
	if *millions == 0 {
		t.Skip("measures only with -events, such as -events 10000000")
	}
	server := pgtest.New(t, "shared_buffers = 2GB", "max_wal_size = 8GB", "maintenance_work_mem = 512MB", "checkpoint_timeout = 30min")
	small, large := filled(t, server, "small", 100_000), filled(t, server, "large", *millions)
	settleDown(t, server)
	measure(t, server, small, large)
	began := time.Now()
	divide(t, server.URL(), "large", 16)
	t.Logf("divided into 16 partitions in %v", time.Since(began).Round(time.Second))
	settleDown(t, server)
	measure(t, server, small, large)
}

// filled opens a store with n events of 300 bytes in 10,000 streams, with ids that increase.
func filled(t *testing.T, server *pgtest.Server, schema string, n int) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), server.URL()+"&pool_max_conns=4", postgres.Schema(schema))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	began := time.Now()
	pgtest.Exec(t, server.URL(), fmt.Sprintf(`INSERT INTO %s.events (version, recorded_at, id, schema, category, stream, type, data)
		SELECT n / 10000 + 1, now(), (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, 1, 'filled', (n %% 10000)::text, 'filled.happened',
			format('{"n":%%s,"text":"%%s"}', n, repeat('x', 270))::json
		FROM generate_series(0, %d) AS n`, schema, n-1))
	t.Logf("filled %s with %d events in %v", schema, n, time.Since(began).Round(time.Second))
	return store
}

// settleDown lets the server write what is to be written in the background, which would disturb what is
// measured next.
func settleDown(t *testing.T, server *pgtest.Server) {
	t.Helper()
	pgtest.Exec(t, server.URL(), "VACUUM ANALYZE")
	pgtest.Exec(t, server.URL(), "CHECKPOINT")
	time.Sleep(5 * time.Second)
}

func measure(t *testing.T, server *pgtest.Server, small, large *postgres.Store) {
	t.Helper()
	compareSizes := func(what string, n int, run func(s *postgres.Store, n int)) {
		stores := []*postgres.Store{small, large}
		wall, cpu := make([][]float64, 2), make([][]float64, 2)
		for round := range 8 { // the first fills caches
			for i, s := range stores {
				used, began := usedCPU(server), time.Now()
				run(s, n)
				took := time.Since(began)
				if round > 0 {
					wall[i] = append(wall[i], took.Seconds()*1e6/float64(n))
					cpu[i] = append(cpu[i], (usedCPU(server)-used).Seconds()*1e6/float64(n))
				}
			}
		}
		t.Logf("%-20s small %7.1f µs (processor %7.1f), large %7.1f µs (processor %7.1f): ×%.2f (processor ×%.2f)", what,
			median(wall[0]), median(cpu[0]), median(wall[1]), median(cpu[1]), medianRatio(wall[1], wall[0]), medianRatio(cpu[1], cpu[0]))
	}
	compareSizes("load of 10 events", 2000, func(s *postgres.Store, n int) {
		for range n {
			stream := es.Stream{Category: "filled", ID: fmt.Sprint(rand.IntN(10_000))}
			for _, err := range s.Load(t.Context(), es.LoadQuery{Stream: stream, UpTo: 10}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	for _, writers := range []int{1, 16, 64} {
		compareSizes(fmt.Sprintf("append, %d writers", writers), 1000*min(writers, 6), func(s *postgres.Store, n int) { appendAll(t, s, writers, n) })
	}
	compareSizes("event of the feed", 50_000, func(s *postgres.Store, n int) {
		head, err := s.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range s.ReadAll(t.Context(), es.FeedQuery{After: head / 3, Limit: n}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
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
