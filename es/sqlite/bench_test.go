package sqlite_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// payload has the size of a usual event.
var payload = fmt.Appendf(nil, `{"account":"0192f0c1-7b1e-7c2f-9a3b-0123456789ab","amount":12345,"currency":"EUR","reference":%q}`, strings.Repeat("deposit ", 22))

func newEvent() es.Event {
	return es.Event{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: payload}
}

func openBench(b *testing.B, opts ...sqlite.Option) (*sqlite.Store, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "events.db")
	s, err := sqlite.Open(b.Context(), path, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s, path
}

// openBare opens the same file as a program without this package would.
func openBare(b *testing.B, path string, pragmas ...string) *sql.DB {
	b.Helper()
	q := url.Values{"_pragma": append(pragmas, "journal_mode(WAL)", "synchronous(FULL)"), "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

const bareInsert = `INSERT INTO events (stream, version, type, recorded_at, id, meta, data) VALUES (?, ?, 1, ?, ?, NULL, ?)`

func prepare(b *testing.B, db *sql.DB, text string) *sql.Stmt {
	b.Helper()
	st, err := db.PrepareContext(b.Context(), text)
	if err != nil {
		b.Fatal(err)
	}
	return st
}

// bareStreams makes n streams with one event each and returns their keys.
func bareStreams(b *testing.B, path string, s *sqlite.Store, n int) []int64 {
	b.Helper()
	for i := range n {
		_, err := s.Append(b.Context(), es.Write{Stream: es.Stream{Category: "account", ID: fmt.Sprint(i)}, Expect: es.NoStream, Events: []es.Event{newEvent()}})
		if err != nil {
			b.Fatal(err)
		}
	}
	db := openBare(b, path)
	rows, err := db.Query("SELECT key FROM streams ORDER BY key")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var keys []int64
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			b.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// parallel runs n appends on each of the writers and returns how long that took.
func parallel(b *testing.B, writers, n int, appendOne func(writer, i int) error) time.Duration {
	b.Helper()
	var running sync.WaitGroup
	start := time.Now()
	for w := range writers {
		running.Go(func() {
			for i := range n {
				if err := appendOne(w, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(start)
}

// fsyncLatency is the median time of a write of one WAL frame and its sync.
func fsyncLatency(b *testing.B) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var times []time.Duration
	frame := make([]byte, 4096+24)
	for range 101 {
		start := time.Now()
		if _, err := f.Write(frame); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	return median(times)
}

func benchmarkAppend(b *testing.B, writers int) {
	const rounds = 32
	s, storePath := openBench(b)
	bareStore, barePath := openBench(b)
	keys := bareStreams(b, barePath, bareStore, writers)
	bareStreams(b, storePath, s, writers)
	db := openBare(b, barePath)
	db.SetMaxOpenConns(1)
	insert := prepare(b, db, bareInsert)
	many := openBare(b, barePath, "busy_timeout(10000)")
	many.SetMaxOpenConns(writers)
	many.SetMaxIdleConns(writers)
	insertMany := prepare(b, many, bareInsert)

	var mu sync.Mutex
	versions := make([]int64, writers)
	for i := range versions {
		versions[i] = 1
	}
	bare := func(st *sql.Stmt, w int) error {
		versions[w]++
		id := es.NewID()
		_, err := st.Exec(keys[w], versions[w], time.Now().UnixMicro(), id[:], payload)
		return err
	}
	storeVersions := make([]es.Version, writers)
	for i := range storeVersions {
		storeVersions[i] = 1
	}
	// The three take turns in short rounds and the median of the rounds counts, so that what else
	// the machine does meets all alike.
	var store, mutex, retrying []time.Duration
	var toMutex, toRetrying []float64
	var syncs int64
	for b.Loop() {
		before := syncCount()
		store = append(store, parallel(b, writers, rounds, func(w, i int) error {
			_, err := s.Append(b.Context(), es.Write{
				Stream: es.Stream{Category: "account", ID: fmt.Sprint(w)}, Expect: es.Exactly(storeVersions[w]), Events: []es.Event{newEvent()},
			})
			storeVersions[w]++
			return err
		}))
		syncs += syncCount() - before
		mutex = append(mutex, parallel(b, writers, rounds, func(w, i int) error {
			mu.Lock()
			defer mu.Unlock()
			return bare(insert, w)
		}))
		last := len(mutex) - 1
		toMutex = append(toMutex, mutex[last].Seconds()/store[last].Seconds())
		if writers > 1 && last%16 == 0 { // seldom, since it takes so much longer
			retrying = append(retrying, parallel(b, writers, rounds, func(w, i int) error { return bare(insertMany, w) }))
			toRetrying = append(toRetrying, retrying[len(retrying)-1].Seconds()/store[last].Seconds())
		}
	}
	n := float64(rounds * writers)
	b.ReportMetric(n/median(store).Seconds(), "appends/s")
	b.ReportMetric(n/median(mutex).Seconds(), "bare/s")
	b.ReportMetric(median(toMutex), "x-bare")
	if writers > 1 {
		b.ReportMetric(median(toRetrying), "x-retrying")
	}
	b.ReportMetric(float64(syncs)/n/float64(b.N), "syncs/append")
	b.ReportMetric(float64(fsyncLatency(b).Microseconds()), "fsync-µs")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkAppend1Writer(b *testing.B)   { benchmarkAppend(b, 1) }
func BenchmarkAppend16Writers(b *testing.B) { benchmarkAppend(b, 16) }
func BenchmarkAppend64Writers(b *testing.B) { benchmarkAppend(b, 64) }

func median[T cmp.Ordered](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// childSteady appends from some goroutines for a while and prints how many appends that
// were and the times they took in microseconds: median, 99th percentile, longest.
func childSteady(ctx context.Context, path string, args []string) error {
	goroutines, _ := strconv.Atoi(args[1])
	lasting, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	times := make([][]time.Duration, goroutines)
	errs := make([]error, goroutines)
	var running sync.WaitGroup
	for begin, g := time.Now(), 0; g < goroutines; g++ {
		running.Go(func() {
			stream := es.Stream{Category: "account", ID: args[0] + ":" + strconv.Itoa(g)}
			for i := es.Version(0); time.Since(begin) < lasting && errs[g] == nil; i++ {
				start := time.Now()
				_, errs[g] = s.Append(ctx, es.Write{Stream: stream, Expect: es.Exactly(i), Events: []es.Event{newEvent()}})
				times[g] = append(times[g], time.Since(start))
			}
		})
	}
	running.Wait()
	all := slices.Concat(times...)
	slices.Sort(all)
	fmt.Println(len(all), all[len(all)/2].Microseconds(), all[len(all)*99/100].Microseconds(), all[len(all)-1].Microseconds())
	return errors.Join(errors.Join(errs...), s.Close())
}

// BenchmarkAppendProcesses shows how processes share a file: how many appends all make,
// the smallest share of one (1 is a fair one), and the slowest process's times.
func BenchmarkAppendProcesses(b *testing.B) {
	for _, processes := range []int{1, 2, 4} {
		for _, goroutines := range []int{1, 16} {
			b.Run(fmt.Sprintf("%dx%d", processes, goroutines), func(b *testing.B) {
				var total, least, p50, p99, longest float64
				for b.Loop() {
					path := filepath.Join(b.TempDir(), "events.db")
					var cmds []*exec.Cmd
					for p := range processes {
						cmds = append(cmds, child(b, "steady", path, p, goroutines, time.Second))
					}
					sum, smallest := 0.0, math.Inf(1)
					for _, out := range together(b, cmds...) {
						var n, median, high, most float64
						if _, err := fmt.Sscan(out, &n, &median, &high, &most); err != nil {
							b.Fatal(err)
						}
						sum, smallest = sum+n, min(smallest, n)
						p50, p99, longest = max(p50, median), max(p99, high), max(longest, most)
					}
					total += sum
					least += smallest * float64(processes) / sum
				}
				b.ReportMetric(total/float64(b.N), "appends/s")
				b.ReportMetric(least/float64(b.N), "least-share")
				b.ReportMetric(p50, "p50-µs")
				b.ReportMetric(p99, "p99-µs")
				b.ReportMetric(longest, "max-µs")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// fill makes streams of n events each, appended in turns, so that the events of one stream lie
// among those of all others.
func fill(b testing.TB, s *sqlite.Store, streams, n int) {
	b.Helper()
	const chunk = 100
	for at := 0; at < n; at++ {
		for from := 0; from < streams; from += chunk {
			var writes []es.Write
			for i := from; i < min(from+chunk, streams); i++ {
				writes = append(writes, es.Write{Stream: es.Stream{Category: "account", ID: fmt.Sprint(i)}, Expect: es.Any, Events: []es.Event{newEvent()}})
			}
			if _, err := s.Append(context.Background(), writes...); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLoad1000(b *testing.B) {
	s, path := openBench(b, sqlite.WithDurability(sqlite.Relaxed))
	const streams = 200
	fill(b, s, streams, 1000)
	db := openBare(b, path, "mmap_size(1073741824)")
	bare := prepare(b, db, "SELECT version, type, data FROM events WHERE stream = ? ORDER BY version")
	var store, scan []time.Duration
	for b.Loop() {
		i := rand.IntN(streams)
		start := time.Now()
		n := 0
		for row, err := range s.Load(b.Context(), es.LoadQuery{Stream: es.Stream{Category: "account", ID: fmt.Sprint(i)}}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(row.Data)
		}
		store = append(store, time.Since(start))
		i = rand.IntN(streams)
		start = time.Now()
		rows, err := bare.Query(int64(i + 1))
		if err != nil {
			b.Fatal(err)
		}
		m := 0
		var version, kind int64
		var data sql.RawBytes
		for rows.Next() {
			if err := rows.Scan(&version, &kind, &data); err != nil {
				b.Fatal(err)
			}
			m += len(data)
		}
		rows.Close()
		scan = append(scan, time.Since(start))
		if n != m {
			b.Fatal(n, m)
		}
	}
	b.ReportMetric(float64(median(store).Microseconds()), "µs/load")
	b.ReportMetric(float64(median(scan).Microseconds()), "µs/bare")
	b.ReportMetric(float64(median(store))/float64(median(scan)), "of-bare")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkLoadWithSnapshot(b *testing.B) {
	s, _ := openBench(b, sqlite.WithDurability(sqlite.Relaxed))
	state := make([]byte, 200)
	sizes := []int{100, 1_000, 10_000, 100_000}
	stream := func(size int) es.Stream { return es.Stream{Category: "account", ID: fmt.Sprint("size", size)} }
	for _, size := range sizes {
		for at := 0; at < size; at += 1000 {
			var events []es.Event
			for range min(1000, size) {
				events = append(events, newEvent())
			}
			if _, err := s.Append(b.Context(), es.Write{Stream: stream(size), Expect: es.Any, Events: events}); err != nil {
				b.Fatal(err)
			}
		}
		err := s.SaveSnapshot(b.Context(), es.Snapshot{Stream: stream(size), Version: es.Version(size - 50), Fingerprint: "f", Data: state})
		if err != nil {
			b.Fatal(err)
		}
	}
	times := map[int][]time.Duration{}
	for b.Loop() {
		for _, size := range sizes {
			start := time.Now()
			n := 0
			for _, err := range s.Load(b.Context(), es.LoadQuery{Stream: stream(size), Fingerprint: "f", Unless: es.NewID()}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 51 {
				b.Fatal(n)
			}
			times[size] = append(times[size], time.Since(start))
		}
	}
	for _, size := range sizes {
		b.ReportMetric(float64(median(times[size]).Nanoseconds())/1000, fmt.Sprintf("µs/load-of-%d", size))
	}
	b.ReportMetric(float64(median(times[100_000]))/float64(median(times[100])), "largest-of-smallest")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkFeed(b *testing.B) {
	s, path := openBench(b, sqlite.WithDurability(sqlite.Relaxed))
	const events = 100_000
	fill(b, s, 100, events/100)
	db := openBare(b, path, "mmap_size(1073741824)")
	bare := prepare(b, db, `SELECT e.version, e.position, e.type, e.recorded_at, e.id, e.meta, e.data, s.category, s.id
		FROM events e JOIN streams s ON s.key = e.stream WHERE e.position > ? ORDER BY e.position`)
	var store, scan []time.Duration
	for b.Loop() {
		start := time.Now()
		n := 0
		for _, err := range s.ReadAll(b.Context(), es.FeedQuery{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		store = append(store, time.Since(start))
		start = time.Now()
		rows, err := bare.Query(int64(0))
		if err != nil {
			b.Fatal(err)
		}
		var version, position, kind, at int64
		var id, meta, data, category, name sql.RawBytes
		for rows.Next() {
			if err := rows.Scan(&version, &position, &kind, &at, &id, &meta, &data, &category, &name); err != nil {
				b.Fatal(err)
			}
			n--
		}
		rows.Close()
		scan = append(scan, time.Since(start))
		if n != 0 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(events/median(store).Seconds(), "rows/s")
	b.ReportMetric(events/median(scan).Seconds(), "bare-rows/s")
	b.ReportMetric(median(scan).Seconds()/median(store).Seconds(), "x-bare")
	b.ReportMetric(0, "ns/op")
}
