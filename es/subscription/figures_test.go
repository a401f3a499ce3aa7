package subscription_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// figures asks for the figures of a feed of so many events: see make figures-subscription.
var figures = flag.Int("figures", 0, "measure delivery over so many events")

// stock puts events of 300 bytes into the store, the fast way: four categories, a thousand streams each.
func stock(t *testing.T, url string, events int) {
	t.Helper()
	pgtest.Exec(t, url, fmt.Sprintf(`INSERT INTO esgen.events (version, recorded_at, id, schema, category, stream, type, data)
		SELECT 1 + n / 4000, now(), gen_random_uuid(), 1, 'c' || n %% 4, 's' || n / 4 %% 1000, 'happened', json_build_object('n', n, 'text', repeat('x', 270))
		FROM generate_series(0, %d) n`, events-1))
	pgtest.Exec(t, url, "VACUUM ANALYZE esgen.events")
}

// processorTime is that of this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cost is what a way to read has taken.
type cost struct{ wall, cpu time.Duration }

// measured returns what a call takes, with the server's processor time.
func measured(server *pgtest.Server, call func()) cost {
	runtime.GC()
	begun, cpu := time.Now(), processorTime()+server.CPU()
	call()
	return cost{time.Since(begun), processorTime() + server.CPU() - cpu}
}

func median[T any](all []T, less func(a, b T) int) T {
	slices.SortFunc(all, less)
	return all[len(all)/2]
}

func TestFiguresOfDelivery(t *testing.T) {
	if *figures == 0 {
		t.Skip("see make figures-subscription")
	}
	server := pgtest.New(t)
	store, err := postgres.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	stock(t, server.URL(), *figures)
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())

	runs := 0
	for _, filter := range [][]string{nil, {"c1"}} {
		where, want := "", *figures
		if filter != nil {
			where, want = "AND category = ANY ($2)", *figures/4
		}
		var bare, sub []cost
		var peak uint64
		for range 3 {
			bare = append(bare, measured(server, func() {
				args := []any{int64(0)}
				if filter != nil {
					args = append(args, filter)
				}
				rows, err := conn.Query(t.Context(), "SELECT position, version, recorded_at, id, schema, category, stream, type, data, metadata FROM esgen.events WHERE position > $1 "+where+" ORDER BY position", args...)
				if err != nil {
					t.Fatal(err)
				}
				var (
					rec  es.Recorded
					id   uuid.UUID
					data json.RawMessage
					meta *json.RawMessage
					n    int
				)
				if _, err := pgx.ForEachRow(rows, []any{&rec.Position, &rec.Version, &rec.RecordedAt, &id, &rec.Schema, &rec.Stream.Category, &rec.Stream.ID, &rec.Type, &data, &meta}, func() error {
					n++
					return nil
				}); err != nil || n != want {
					t.Fatalf("%d rows, %v", n, err)
				}
			}))
			runs++
			var n atomic.Int64
			reader, err := subscription.New(store, fmt.Sprint("figures-", runs), subscription.HandlerFunc(func(_ context.Context, events []es.Recorded) error {
				n.Add(int64(len(events)))
				return nil
			}), subscription.Categories(filter...))
			if err != nil {
				t.Fatal(err)
			}
			sub = append(sub, measured(server, func() {
				stop := running(t, reader)
				for {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapInuse)
					if status := n.Load(); int(status) == want {
						if p, _ := reader.Status(t.Context()); p.Position == head {
							break
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			}))
		}
		byWall := func(a, b cost) int { return int(a.wall - b.wall) }
		byCPU := func(a, b cost) int { return int(a.cpu - b.cpu) }
		t.Logf("catch-up over %d events, %d of them wanted: pgx %v, subscription %v, ×%.2f; processor time %v and %v, ×%.2f; %.0f events a second; heap at most %d MiB",
			*figures, want, median(bare, byWall).wall.Round(time.Millisecond), median(sub, byWall).wall.Round(time.Millisecond),
			float64(median(sub, byWall).wall)/float64(median(bare, byWall).wall),
			median(bare, byCPU).cpu.Round(time.Millisecond), median(sub, byCPU).cpu.Round(time.Millisecond),
			float64(median(sub, byCPU).cpu)/float64(median(bare, byCPU).cpu),
			float64(*figures)/median(sub, byWall).wall.Seconds(), peak>>20)
	}

	// What stays on the heap while it catches up.
	var n int
	var heap []uint64
	reader, err := subscription.New(store, "heap", subscription.Each(func(context.Context, es.Recorded) error {
		if n++; n%max(1, *figures/5) == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapAlloc>>10)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	stopReader := running(t, reader)
	await(t, "all was handled", func() bool { s, _ := reader.Status(t.Context()); return s.Handled == int64(*figures) })
	if err := stopReader(); err != nil {
		t.Fatal(err)
	}
	t.Logf("memory: of %d events, after each fifth %d KiB were in use after a collection", *figures, heap)

	// Live: from the call of Append to the handler.
	arrived := make(chan time.Time, 1)
	live, err := subscription.New(store, "live", subscription.Each(func(context.Context, es.Recorded) error {
		arrived <- time.Now()
		return nil
	}), subscription.StartAt(subscription.Now))
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, live)
	await(t, "it is live", func() bool {
		s, _ := live.Status(t.Context())
		return s.State == subscription.Live
	})
	var appends, reads, delays []time.Duration
	for range 500 {
		begun := time.Now()
		last := fill(t, store, "live", 1, 1)
		appends = append(appends, time.Since(begun))
		delays = append(delays, (<-arrived).Sub(begun))
		begun = time.Now()
		for _, err := range store.ReadAll(t.Context(), es.FeedQuery{After: last - 1}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		reads = append(reads, time.Since(begun))
		time.Sleep(2 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("live: an append takes p50 %v, a feed read %v; from the append's call to the handler p50 %v, p99 %v",
		percentileOf(appends, .5), percentileOf(reads, .5), percentileOf(delays, .5), percentileOf(delays, .99))
}

func percentileOf(times []time.Duration, p float64) time.Duration {
	slices.Sort(times)
	return times[int(p*float64(len(times)-1))].Round(10 * time.Microsecond)
}

// A stream with a poison event waits, the others do not; and in the end the state is that of a reader that
// never failed.
func TestAPoisonEventGrowsNoOtherStreamsLag(t *testing.T) {
	t.Parallel()
	store, _, _ := pgAt(t)
	const events = 60
	// reader returns a handler whose state depends on the order of each stream, and what it has seen.
	type result struct {
		mu    sync.Mutex
		state map[es.Stream]int
		lags  []time.Duration // of the streams without poison
	}
	reader := func(fails func(rec es.Recorded) bool) (*result, subscription.Handler) {
		r := &result{state: map[es.Stream]int{}}
		return r, subscription.Each(func(_ context.Context, rec es.Recorded) error {
			if fails(rec) {
				return errPoison
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.state[rec.Stream] = r.state[rec.Stream]*31 + int(rec.Version)
			if rec.Stream != stream("a", 0) {
				r.lags = append(r.lags, time.Since(rec.RecordedAt))
			}
			return nil
		})
	}
	var cured atomic.Bool
	poisoned, h := reader(func(rec es.Recorded) bool { return rec.Stream == stream("a", 0) && rec.Version == 3 && !cured.Load() })
	sound, g := reader(func(es.Recorded) bool { return false })
	running(t, newSub(t, store, h, subscription.Park(10)))
	other, err := subscription.New(store, "sound", g)
	if err != nil {
		t.Fatal(err)
	}
	running(t, other)
	for range events {
		fill(t, store, "a", 4, 4)
		time.Sleep(time.Millisecond)
	}
	handled := func(r *result) int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.lags)
	}
	await(t, "the other streams were handled", func() bool { return handled(poisoned) == 3*events && handled(sound) == 3*events })
	t.Logf("lag of other streams: with a poison event p50 %v, p99 %v; without p50 %v, p99 %v",
		percentileOf(poisoned.lags, .5), percentileOf(poisoned.lags, .99), percentileOf(sound.lags, .5), percentileOf(sound.lags, .99))
	all := parked(t, store)
	if len(all) != 1 || all[0].Stream != stream("a", 0) || all[0].Version != 3 {
		t.Fatalf("parked is %+v", all)
	}
	cured.Store(true)
	if err := store.Decide(t.Context(), "reader", stream("a", 0), 3, es.Retry); err != nil {
		t.Fatal(err)
	}
	await(t, "the state is that of the reader that never failed", func() bool {
		poisoned.mu.Lock()
		defer poisoned.mu.Unlock()
		sound.mu.Lock()
		defer sound.mu.Unlock()
		return maps.Equal(poisoned.state, sound.state) && len(parked(t, store)) == 0
	})
}
