package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// Each append expects the version that the one before it makes, and some write to a second
// stream, too: were one sent before those that came earlier, it would lose.
func TestAppendsToABlockedStreamKeepTheirOrder(t *testing.T) {
	t.Parallel()
	keepOrder(t, pgtest.Shared(t).URL(), func() {})
}

func TestAppendsToABlockedStreamKeepTheirOrderThoughConnectionsAreCut(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
	var cuts sync.WaitGroup
	defer cuts.Wait()
	keepOrder(t, pgtest.WithAddr(pgtest.Shared(t).URL(), proxy.Addr()), func() {
		cuts.Go(func() {
			for range 20 {
				time.Sleep(rand.N(20 * time.Millisecond))
				proxy.CutAll()
			}
		})
	})
}

func keepOrder(t *testing.T, url string, disturb func()) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Open(ctx, url, Schema(pgtest.Name(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := pgx.Connect(ctx, pgtest.Shared(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	write := func(id string, expect es.Expected) es.Write {
		return es.Write{Stream: es.Stream{Category: "account", ID: id}, Expect: expect,
			Events: []es.Event{{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: []byte(`{}`)}}}
	}
	const streams, each = 6, 20 // of which every other is blocked
	var tx pgx.Tx
	if tx, err = conn.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < streams; i += 2 {
		if _, err := s.AppendTx(ctx, tx, write(fmt.Sprint(i), es.NoStream)); err != nil {
			t.Fatal(err)
		}
	}
	var requests []*request
	versions := make([]es.Version, streams)
	for n := range each {
		for i := range streams {
			numbers := []int{i}
			if n%3 == 2 {
				numbers = append(numbers, (i+1)%streams)
			}
			var writes []es.Write
			for _, number := range numbers {
				writes = append(writes, write(fmt.Sprint(number), es.Exactly(versions[number])))
				versions[number]++
			}
			r, err := newRequest(ctx, s.Limits(), writes)
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r)
		}
	}
	disturb()
	for i, r := range requests {
		s.appender.mu.Lock()
		s.appender.queue = append(s.appender.queue, r)
		s.appender.mu.Unlock()
		signal(s.appender.wake)
		if i == len(requests)/2 {
			time.Sleep(50 * time.Millisecond) // let them be found blocked, and cut off
			if err := tx.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, r := range requests {
		select {
		case out := <-r.done:
			if out.lost && r.inDoubt { // it was stored when its connection was cut
				var settled bool
				if _, settled, out.err = s.settle(r); settled {
					out.lost = false
				}
			}
			if out.err != nil || out.lost {
				t.Fatalf("append %d, to %s: lost %t, error %v", i, r.writes[0].Stream, out.lost, out.err)
			}
		case <-ctx.Done():
			t.Fatalf("append %d was never settled", i)
		}
	}
	s.appender.mu.Lock()
	defer s.appender.mu.Unlock()
	if d := &s.appender.side; !d.idle() || len(d.parked)+len(d.groups)+len(d.behind) > 0 {
		t.Errorf("when all is settled, the sideline still has %d streams, %d of them blocked, and %d parked appends", len(d.held), len(d.blocked), len(d.parked))
	}
}

// Those that are known to be blocked may be a thousand, each of which is asked for in its turn.
func TestAFlushThatWasHeldUpComesBeforeStreamsKnownToBeBlocked(t *testing.T) {
	t.Parallel()
	a := newAppender(&Store{closed: true, ctx: t.Context(), options: options{lockTimeout: time.Minute, logger: slog.New(slog.DiscardHandler)}}) // it runs nothing
	requests := func(name string, n int) (all []*request) {
		for i := range n {
			w := es.Write{Stream: es.Stream{Category: "account", ID: fmt.Sprint(name, i)}, Expect: es.Any,
				Events: []es.Event{{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: []byte(`{}`)}}}
			r, err := newRequest(t.Context(), es.DefaultLimits(), []es.Write{w})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		return all
	}
	for _, r := range requests("blocked", 100) {
		a.sideline([]*request{r}, true)
	}
	batch := requests("met-with-others-", 8)
	a.sideline(slices.Clone(batch), true)
	take := func() []*request {
		g, _, _ := a.side.take(time.Now())
		if g == nil {
			t.Fatal("no group is due")
		}
		return g.requests
	}
	if got := take(); !slices.Equal(got, batch[:4]) {
		t.Fatalf("the first group has %d requests, want the first half of the flush", len(got))
	} else {
		a.sentApart(&group{requests: got}, nil, sentBlocked, nil, false)
	}
	for i, want := range [][]*request{batch[:2], batch[2:4], batch[4:]} {
		if got := take(); !slices.Equal(got, want) {
			t.Fatalf("group %d has %d requests, want %d of the flush, in order", i+2, len(got), len(want))
		}
	}
	if got := take(); got[0].writes[0].Stream.ID != "blocked0" {
		t.Fatalf("then %s has its turn, want the stream that has waited longest", got[0].writes[0].Stream)
	}
}
