package store

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := pgtest.Main(m)
	if code == 0 {
		measured.print(os.Stdout)
	}
	os.Exit(code)
}

// work is what is measured: an operation, and how often a library does it in one turn.
type work struct {
	name    string
	writers int
	events  int // to a save; 0 for a load
	times   int // in a turn
}

func (w work) String() string { return fmt.Sprintf("work=%s/writers=%d", w.name, w.writers) }

const (
	loaded  = 1000 // events to an account that is loaded
	streams = 10   // accounts to be loaded
	perID   = 20   // saves to an account
	turns   = 5    // of each library at each work, in a run of a benchmark; short ones, so that what else the machine does meets all alike
)

func BenchmarkPostgres(b *testing.B) {
	server := pgtest.New(b, "max_connections = 600")
	libraries := onServer(b, server)
	ids := prefill(b, libraries)
	vacuum(b, server)
	compare(b, "Postgres", libraries, ids, server.CPU,
		work{"save-1", 1, 1, 250},
		work{"save-1", 16, 1, 1000},
		work{"save-1", 64, 1, 2000},
		work{"save-5", 1, 5, 100},
		work{"save-100", 1, 100, 12},
		work{"load-1000", 1, 0, 12},
	)
}

func BenchmarkSQLite(b *testing.B) {
	libraries := onSQLite(b)
	ids := prefill(b, libraries)
	b.ReportMetric(float64(fsyncLatency(b).Microseconds()), "fsync-µs")
	compare(b, "SQLite", libraries, ids, func() time.Duration { return 0 },
		work{"save-1", 1, 1, 250},
		work{"save-1", 16, 1, 400},
		work{"save-5", 1, 5, 100},
		work{"save-100", 1, 100, 12},
		work{"load-1000", 1, 0, 12},
	)
}

// prefill saves the accounts to be loaded, the same for every library, in saves of 100 events that take turns.
func prefill(b *testing.B, libraries []library) []uuid.UUID {
	ids := make([]uuid.UUID, streams)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	for _, l := range libraries {
		accounts := make([]account, streams)
		for i, id := range ids {
			accounts[i] = l.open(id)
		}
		for range loaded / 100 {
			for i, a := range accounts {
				if err := save(b.Context(), a, ids[i], 100); err != nil {
					b.Fatal(l.name, err)
				}
			}
		}
	}
	return ids
}

// vacuum does to every database what would otherwise happen in somebody's turn.
func vacuum(b *testing.B, server *pgtest.Server) {
	b.Helper()
	ctx := b.Context()
	conn := must(pgx.Connect(ctx, server.URL()))
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE NOT datistemplate")
	if err != nil {
		b.Fatal(err)
	}
	names := must(pgx.CollectRows(rows, pgx.RowTo[string]))
	for _, name := range names {
		pgtest.Exec(b, server.URLOf(name), "VACUUM ANALYZE")
	}
	pgtest.Exec(b, server.URL(), "CHECKPOINT")
}

// compare lets the libraries do each work in turns, in another order each time. serverCPU is the processor time that
// a server has used.
func compare(b *testing.B, engine string, libraries []library, ids []uuid.UUID, serverCPU func() time.Duration, works ...work) {
	for _, w := range works { // connections, plans, caches
		for _, l := range w.able(libraries) {
			w.run(b, l, ids, w.times)
		}
	}
	b.ResetTimer()
	for range b.N {
		for _, w := range works {
			able := w.able(libraries)
			for range turns {
				for _, i := range rand.Perm(len(able)) {
					l := able[i]
					client, server, start := ownCPU(), serverCPU(), time.Now()
					w.run(b, l, ids, w.times)
					measured.add(sample{
						engine: engine, work: w, library: l.name,
						wall: time.Since(start), client: ownCPU() - client, server: serverCPU() - server,
					})
				}
			}
		}
	}
}

// able are the libraries that can do the work.
func (w work) able(libraries []library) []library {
	return slices.DeleteFunc(slices.Clone(libraries), func(l library) bool { return l.alone && w.writers > 1 })
}

// run does the work so many times.
func (w work) run(b *testing.B, l library, ids []uuid.UUID, times int) {
	ctx := context.Background()
	var running sync.WaitGroup
	for i := range w.writers {
		running.Go(func() {
			var a account
			var id uuid.UUID
			for n := range (times + i) / w.writers {
				if w.events == 0 {
					got, err := l.load(ctx, ids[n%len(ids)])
					if err != nil {
						b.Errorf("%s: %s: %v", w, l.name, err)
						return
					}
					if count := got.tally().Count; count != loaded {
						b.Errorf("%s: %s: %d events, want %d", w, l.name, count, loaded)
					}
					continue
				}
				if n%perID == 0 {
					id = uuid.Must(uuid.NewV7())
					a = l.open(id)
				}
				if err := save(ctx, a, id, w.events); err != nil {
					b.Errorf("%s: %s: %v", w, l.name, err)
					return
				}
			}
		})
	}
	running.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// ownCPU is the processor time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fsyncLatency is the median time of a write of one WAL frame and its sync.
func fsyncLatency(b *testing.B) time.Duration {
	f := must(os.Create(filepath.Join(b.TempDir(), "sync")))
	defer f.Close()
	times := make([]time.Duration, 101)
	frame := make([]byte, 4096+24)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(frame); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2]
}
