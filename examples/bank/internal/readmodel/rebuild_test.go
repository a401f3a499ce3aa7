package readmodel_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/internal/pgtest"
)

var rebuildEvents = flag.Int("events", 3000, "how many events the rebuild under load begins with")

func TestARebuildUnderLoadEqualsAReplayAndReadsNeverStop(t *testing.T) {
	if testing.Short() {
		t.Skip("writers and readers at once: not with -short")
	}
	t.Run("sqlite", func(t *testing.T) { rebuildUnderLoad(t, filepath.Join(t.TempDir(), "bank.db")) })
	t.Run("postgres", func(t *testing.T) { rebuildUnderLoad(t, pgtest.Shared(t).Database(t)) })
}

// seed appends deposits to accounts, many at once.
func seed(t *testing.T, b *bank.Bank, store es.Store, accounts, events int) {
	t.Helper()
	for n := range accounts {
		if _, err := b.Do(t.Context(), operation.Request{Kind: operation.Open, Account: id(n), Owner: "Owner", Overdraft: money.New(1000_00, "EUR")}, ""); err != nil {
			t.Fatal(err)
		}
	}
	const each = 500
	for n := 0; events > 0; n++ {
		w := es.Write{Stream: es.Stream{Category: "account", ID: id(n % accounts)}, Expect: es.StreamExists}
		for range min(each, events) {
			w.Events = append(w.Events, es.Event{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: []byte(`{"amount":1}`)})
		}
		if _, err := store.Append(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		events -= len(w.Events)
	}
}

// replay adds the balances up in memory, in one goroutine: the least that any rebuild has to do.
func replay(t *testing.T, store es.Store) (sums map[string]int64, took time.Duration) {
	t.Helper()
	began := time.Now()
	sums = map[string]int64{}
	feed, _ := es.Capability[es.Feed](store)
	for rec, err := range feed.ReadAll(t.Context(), es.FeedQuery{Categories: []string{"account"}}) {
		if err != nil {
			t.Fatal(err)
		}
		events, err := account.Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			_, amount, err := readmodel.Describe(e)
			if err != nil {
				t.Fatal(err)
			}
			sums[rec.Stream.ID] += amount
		}
	}
	return sums, time.Since(began)
}

func rebuildUnderLoad(t *testing.T, name string) {
	store, err := bank.OpenStore(t.Context(), name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := bank.New(store, nil)
	const accounts = 200
	seed(t, b, store, accounts, *rebuildEvents)
	_, replayed := replay(t, store)
	open := func(partitions int, opts ...projection.Option) readmodel.Balances {
		m, err := readmodel.NewBalances(store, partitions, append(opts, quiet(), projection.BatchSize(1000))...)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	single := open(1)
	began := time.Now()
	if _, err := single.Rebuild(t.Context()); err != nil { // nobody else is there
		t.Fatal(err)
	}
	alone := time.Since(began)
	ctx, stop := context.WithCancel(t.Context())
	served := open(1)
	var load, serving sync.WaitGroup
	serving.Go(func() {
		if err := served.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	var written, reads atomic.Int64
	for range 8 {
		load.Go(func() {
			for ctx.Err() == nil {
				r := operation.Request{Kind: operation.Deposit, Account: id(rand.N(accounts)), Amount: money.New(1+rand.N[int64](99), "EUR")}
				if _, err := b.Do(ctx, r, ""); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	var waits []time.Duration
	load.Go(func() {
		enough := errors.New("enough")
		for ctx.Err() == nil {
			began := time.Now()
			err := served.List(ctx, id(rand.N(accounts)), 10, func(readmodel.Balance) error { return nil })
			if err != nil && ctx.Err() == nil && !errors.Is(err, enough) {
				t.Errorf("a read during the rebuild: %v", err)
			}
			waits = append(waits, time.Since(began))
			reads.Add(1)
			time.Sleep(time.Millisecond)
		}
	})
	reports := 0
	began = time.Now()
	before := written.Load()
	version, err := open(4, projection.OnProgress(func(projection.Progress) { reports++ })).Rebuild(t.Context())
	took, meanwhile := time.Since(began), written.Load()-before
	stop()
	load.Wait()
	serving.Wait()
	if err != nil || version != 2 {
		t.Fatalf("Rebuild: version %d, %v, want 2", version, err)
	}
	last := open(1)
	feed, _ := es.Capability[es.Feed](store)
	head := func() es.Position {
		p, err := feed.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var sums, rows map[string]int64
	for at := es.Position(-1); at != head(); { // operations that were broken off may yet be stored
		at, rows = head(), map[string]int64{}
		if err := last.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := last.List(t.Context(), "", 0, func(r readmodel.Balance) error {
			rows[r.Account] = r.Balance.Minor
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		sums, _ = replay(t, store)
	}
	if len(rows) != accounts || len(sums) != accounts {
		t.Fatalf("%d accounts are there, and %d in a cold replay, want %d", len(rows), len(sums), accounts)
	}
	for account, sum := range sums {
		if rows[account] != sum {
			t.Errorf("%s has %d, a cold replay %d", account, rows[account], sum)
		}
	}
	if reports == 0 || reads.Load() == 0 {
		t.Fatalf("%d reports of progress and %d reads", reports, reads.Load())
	}
	slices.Sort(waits)
	t.Logf("%d events: replayed in memory by one goroutine in %v; rebuilt alone in %v; rebuilt by 4 transactions while 8 writers did %d operations in %v; %d reads meanwhile, p50 %v, p99 %v, longest %v; progress was told %d times",
		*rebuildEvents, replayed.Round(time.Millisecond), alone.Round(time.Millisecond), meanwhile, took.Round(time.Millisecond),
		len(waits), waits[len(waits)/2], waits[len(waits)*99/100], waits[len(waits)-1], reports)
}
