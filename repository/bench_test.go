package repository_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// counted returns a store with a counter of n events.
func counted(b *testing.B, n int, opts ...repository.Option) (es.Store, *repository.Repository[counter]) {
	b.Helper()
	store := memory.New()
	counters := newCounters(store, opts...)
	c := newCounter("1")
	for range n {
		c.add(7)
	}
	if _, err := counters.Save(context.Background(), c); err != nil {
		b.Fatal(err)
	}
	return store, counters
}

// BenchmarkLoad loads 1,000 events whose decoding allocates nothing, beside the bare
// iteration over the store's rows.
func BenchmarkLoad(b *testing.B) {
	store, counters := counted(b, 1000)
	ctx := context.Background()
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for row, err := range store.Load(ctx, es.LoadQuery{Stream: es.Stream{Category: "counter", ID: "1"}}) {
				if err != nil {
					b.Fatal(err)
				}
				n += len(row.Data)
			}
			if n != 1000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("repository", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := counters.Load(ctx, "1")
			if err != nil || c.N != 7000 {
				b.Fatal(c, err)
			}
		}
	})
}

// BenchmarkLoadWithSnapshot is flat as the stream grows.
func BenchmarkLoadWithSnapshot(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		_, counters := counted(b, n, repository.SnapshotEvery(1))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c, err := counters.Load(context.Background(), "1"); err != nil || c.N != 7*n {
					b.Fatal(c, err)
				}
			}
		})
	}
}

// BenchmarkUpdateContended has 16 writers update one aggregate.
func BenchmarkUpdateContended(b *testing.B) {
	accounts := account.NewRepository(memory.New(), repository.SnapshotEvery(100))
	ctx := context.Background()
	if err := accounts.Create(ctx, "1", open); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := accounts.Update(ctx, "1", deposit(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkSave appends one event.
func BenchmarkSave(b *testing.B) {
	counters := newCounters(memory.New())
	c := newCounter("1")
	b.ReportAllocs()
	for b.Loop() {
		c.add(1)
		if _, err := counters.Save(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}
