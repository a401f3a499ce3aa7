package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// BenchmarkAppendBesideBlockedStreams has 16 writers append while open transactions hold other streams, to
// each of which somebody appends without end.
func BenchmarkAppendBesideBlockedStreams(b *testing.B) {
	free := newBench(b)
	contenders := []contender{{"free", func(n int) { writers(b, 16, n, free.append) }}}
	for _, count := range []int{1, 20} {
		x := newBench(b)
		x.blockStreams(b, count)
		contenders = append(contenders, contender{fmt.Sprint("blocked=", count), func(n int) { writers(b, 16, n, x.append) }})
	}
	compare(b, free.server, contenders...)
}

// blockStreams holds streams by open transactions until the benchmark ends, with an append waiting for each.
func (x *bench) blockStreams(b *testing.B, count int) {
	ctx, stop := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	b.Cleanup(func() {
		stop()
		waiting.Wait()
	})
	for i := range count {
		s := stream(fmt.Sprint("blocked-", i))
		conn, err := pgx.Connect(ctx, x.server.URL())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close(context.Background()) })
		tx, err := conn.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.store.AppendTx(ctx, tx, write(s, es.Any, 1)); err != nil {
			b.Fatal(err)
		}
		waiting.Go(func() {
			for ctx.Err() == nil {
				_, _ = x.store.Append(ctx, write(s, es.Any, 1))
			}
		})
	}
}
