package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
)

// BenchmarkAppendToHandler measures from the call of an append until a handler that follows the feed has the event: woken
// by the store that appended, by the notification of another process, or by its own poll. Beside it stands
// what it is made of: an append and a read of the feed.
func BenchmarkAppendToHandler(b *testing.B) {
	x := newBench(b)
	ctx := context.Background()
	other, err := postgres.New(ctx, x.pool, postgres.Schema(x.schema), postgres.PollInterval(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	defer other.Close()
	b.Run("idle", func(b *testing.B) {
		var appends, reads []time.Duration
		for range b.N {
			time.Sleep(6*time.Millisecond + rand.N(6*time.Millisecond))
			began := time.Now()
			if err := x.append(es.Stream{Category: "account", ID: es.NewID().String()}, 0, newEvent()); err != nil {
				b.Fatal(err)
			}
			appended := time.Now()
			head, err := x.store.Head(ctx)
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range x.store.ReadAll(ctx, es.FeedQuery{After: head - 1}) {
				if err != nil {
					b.Fatal(err)
				}
			}
			appends, reads = append(appends, appended.Sub(began)), append(reads, time.Since(appended))
		}
		reportLatency(b, "append", appends, 0.5)
		reportLatency(b, "read", reads, 0.5)
		for name, h := range map[string]*handler{
			"watch":  {store: x.store, news: x.store.Watch},
			"notify": {store: other, news: other.Watch},
			"poll":   {store: x.store, news: every(10 * time.Millisecond)},
		} {
			h.follow(b)
			for range b.N { // with pauses: notifications keep some milliseconds' distance
				time.Sleep(6*time.Millisecond + rand.N(6*time.Millisecond))
				h.append(b, x)
				h.await()
			}
			reportLatency(b, name, h.stop(), 0.5)
		}
	})
	for _, open := range []time.Duration{0, 5 * time.Second} { // how long a caller's transaction is
		b.Run(fmt.Sprintf("rollbacks/open=%v", open), func(b *testing.B) {
			h := &handler{store: x.store, news: x.store.Watch}
			h.follow(b)
			began := time.Now()
			var writing sync.WaitGroup
			for range 8 {
				writing.Go(func() {
					for n := 0; time.Since(began) < 5*time.Second+open; n++ {
						time.Sleep(5*time.Millisecond + rand.N(10*time.Millisecond))
						if n%10 == 9 {
							x.rollBack(b, 0)
						} else {
							h.append(b, x)
						}
					}
				})
			}
			if open > 0 {
				time.Sleep(time.Second)
				x.rollBack(b, open) // the feed waits for it
			}
			writing.Wait()
			h.await()
			took := h.stop()
			for _, p := range []float64{0.5, 0.99, 0.999} {
				reportLatency(b, "handler", took, p)
			}
			b.ReportMetric(float64(len(took)), "events")
		})
	}
}

// rollBack appends in a transaction of its own, which it rolls back after a while.
func (x *bench) rollBack(b *testing.B, after time.Duration) {
	ctx := context.Background()
	tx, err := x.pool.Begin(ctx)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := x.store.AppendTx(ctx, tx, write(es.Stream{Category: "account", ID: es.NewID().String()}, es.NoStream, 1)); err != nil {
		b.Error(err)
	}
	time.Sleep(after)
}

// handler follows the feed and notes how long each event of its own took to come.
type handler struct {
	store *postgres.Store
	news  func(context.Context) <-chan struct{}

	mu      sync.Mutex
	arrived sync.Cond
	sent    map[es.Stream]time.Time
	took    []time.Duration
	end     func()
}

// follow begins behind what the feed has.
func (h *handler) follow(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	head, err := h.store.Head(ctx)
	if err != nil {
		b.Fatal(err)
	}
	h.sent, h.arrived.L = map[es.Stream]time.Time{}, &h.mu
	var reading sync.WaitGroup
	reading.Go(func() {
		for range h.news(ctx) {
			for rec, err := range h.store.ReadAll(ctx, es.FeedQuery{After: head, Scanned: &head}) {
				if err != nil {
					if ctx.Err() == nil {
						b.Error(err)
					}
					return
				}
				h.mu.Lock()
				if sent, ok := h.sent[rec.Stream]; ok {
					delete(h.sent, rec.Stream)
					h.took = append(h.took, time.Since(sent))
					h.arrived.Broadcast()
				}
				h.mu.Unlock()
			}
		}
	})
	h.end = func() {
		cancel()
		reading.Wait()
	}
}

// append appends an event to a stream of its own.
func (h *handler) append(b *testing.B, x *bench) {
	s := es.Stream{Category: "account", ID: es.NewID().String()}
	h.mu.Lock()
	h.sent[s] = time.Now()
	h.mu.Unlock()
	if err := x.append(s, 0, newEvent()); err != nil {
		b.Error(err)
	}
}

// await waits until all events have come.
func (h *handler) await() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.sent) > 0 {
		h.arrived.Wait()
	}
}

func (h *handler) stop() []time.Duration {
	h.end()
	return h.took
}

// every returns a channel of signals at intervals, in place of a watch.
func every(interval time.Duration) func(context.Context) <-chan struct{} {
	return func(ctx context.Context) <-chan struct{} {
		news := make(chan struct{})
		go func() {
			defer close(news)
			for {
				select {
				case <-time.After(interval):
				case <-ctx.Done():
					return
				}
				select {
				case news <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}()
		return news
	}
}

// reportLatency reports a percentile in milliseconds.
func reportLatency(b *testing.B, name string, took []time.Duration, p float64) {
	slices.Sort(took)
	b.ReportMetric(took[int(float64(len(took)-1)*p)].Seconds()*1e3, fmt.Sprintf("%s-p%g-ms", name, p*100))
	b.ReportMetric(0, "ns/op")
}
