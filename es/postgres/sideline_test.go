package postgres

import (
	"context"
	"fmt"
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url := pgtest.Shared(t).URL()
	s, err := Open(ctx, url, Schema(pgtest.Name(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := pgx.Connect(ctx, url)
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
	for i, r := range requests {
		s.appender.mu.Lock()
		s.appender.queue = append(s.appender.queue, r)
		s.appender.mu.Unlock()
		signal(s.appender.wake)
		if i == len(requests)/2 {
			if err := tx.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, r := range requests {
		select {
		case out := <-r.done:
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
