package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// sent appends in the background.
func (w *world) sent(writes ...es.Write) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		r, err := w.store.Append(w.ctx, writes...)
		answers <- answer{r, err}
	}()
	return answers
}

type answer struct {
	es.Receipt
	err error
}

// hold has an open transaction hold streams.
func (w *world) hold(ids ...string) pgx.Tx {
	w.Helper()
	tx := w.begin()
	for _, id := range ids {
		w.appendTx(tx, id)
	}
	return tx
}

func (w *world) rollback(tx pgx.Tx) {
	w.Helper()
	if err := tx.Rollback(w.ctx); err != nil {
		w.Fatalf("rolling back: %v", err)
	}
}

// The cut may fall on a probe that the server refuses, on one that it goes on with and commits, or on its answer.
func TestABlockedAppendHappensOnceThoughItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
	at := place(t)
	schema, url, _ := strings.Cut(at, " ")
	direct := newWorldAt(t, at)
	w := newWorldAt(t, schema+" "+pgtest.WithAddr(url, proxy.Addr()))
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	const id = "cut-while-blocked"
	var want []es.Event
	for n := range rounds {
		expect := es.Any
		if n%2 == 1 {
			expect = es.Exactly(es.Version(len(want)))
		}
		tx := direct.hold(id)
		batch := write(stream(id), expect, 1+n%3)
		answers := w.sent(batch)
		time.Sleep(rand.N(20 * time.Millisecond))
		proxy.CutAnswerTo(id)
		time.Sleep(rand.N(20 * time.Millisecond))
		direct.rollback(tx)
		got := <-answers
		if got.err != nil {
			t.Fatalf("round %d: %v", n, got.err)
		}
		if s := got.Streams[0]; got.Duplicate || s.First != es.Version(len(want)+1) || s.Last != es.Version(len(want)+len(batch.Events)) {
			t.Fatalf("round %d: %+v, want versions %d to %d, and no duplicate", n, got.Receipt, len(want)+1, len(want)+len(batch.Events))
		}
		want = append(want, batch.Events...)
	}
	i := 0
	for rec, err := range direct.store.Read(w.ctx, es.ReadQuery{Stream: stream(id)}) {
		if err != nil {
			t.Fatal(err)
		}
		if i == len(want) || rec.ID != want[i].ID {
			t.Fatalf("event %d of the stream was stored twice, or out of order", i)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%d events are stored, want %d", i, len(want))
	}
}

func TestTheSameEventsSentTwiceToABlockedStreamAreStoredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, streams := range [][]string{{"a"}, {"b", "c"}, {"c", "b"}} {
		tx := w.hold(streams[0])
		var writes []es.Write
		for _, id := range streams {
			writes = append(writes, write(stream(id), es.Any, 3))
		}
		first, second := w.sent(writes...), w.sent(writes...)
		other := w.open()
		third, err := make(chan answer, 1), error(nil)
		go func() {
			r, err := other.Append(w.ctx, writes...)
			third <- answer{r, err}
		}()
		time.Sleep(20 * time.Millisecond)
		w.rollback(tx)
		stored := 0
		var receipts []es.Receipt
		for _, answers := range []<-chan answer{first, second, third} {
			a := <-answers
			if err = a.err; err != nil {
				t.Fatalf("%v: %v", streams, err)
			}
			if !a.Duplicate {
				stored++
			}
			receipts = append(receipts, a.Receipt)
		}
		for i, r := range receipts {
			for j := range r.Streams {
				if r.Streams[j] != receipts[0].Streams[j] {
					t.Errorf("%v: answer %d is %+v, another one %+v", streams, i, r, receipts[0])
				}
			}
		}
		if stored != 1 {
			t.Errorf("%v: %d answers say that they stored the events, want 1", streams, stored)
		}
	}
}

// A lost connection is no transaction in the way: the append has all the time of RetryFor.
func TestABlockedAppendOutlastsAnOutageLongerThanItsLockTimeout(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
	at := place(t)
	schema, url, _ := strings.Cut(at, " ")
	direct := newWorldAt(t, at)
	w := newWorldAt(t, schema+" "+pgtest.WithAddr(url, proxy.Addr()), postgres.LockTimeout(300*time.Millisecond))
	tx := direct.hold("blocked")
	answers := w.sent(write(stream("blocked"), es.NoStream, 1))
	time.Sleep(50 * time.Millisecond)
	proxy.Close()
	direct.rollback(tx)
	time.Sleep(600 * time.Millisecond)
	select {
	case a := <-answers:
		t.Fatalf("the append ended while no server could be reached: %+v, %v", a.Receipt, a.err)
	default:
	}
	proxy.Open()
	if a := <-answers; a.err != nil || a.Duplicate || a.Streams[0].Last != 1 {
		t.Fatalf("the append, when the server can be reached again: %+v, %v", a.Receipt, a.err)
	}
}

// newWorldWithHooks returns a store the connections of which can be refused, or made useless.
func newWorldWithHooks(t testing.TB, hook func(*pgxpool.Config)) *world {
	t.Helper()
	w := newWorld(t)
	config, err := pgxpool.ParseConfig(w.url)
	if err != nil {
		t.Fatal(err)
	}
	hook(config)
	pool, err := pgxpool.NewWithConfig(w.ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if w.store, err = postgres.New(w.ctx, pool, postgres.Schema(w.schema)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	return w
}

// As when the server has no connection left to give.
func TestABlockedStreamHoldsUpNoOtherThoughNoConnectionIsLeft(t *testing.T) {
	t.Parallel()
	var full atomic.Bool
	w := newWorldWithHooks(t, func(c *pgxpool.Config) {
		c.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
			if full.Load() {
				return &pgconn.PgError{Severity: "FATAL", Code: "53300", Message: "sorry, too many clients already"}
			}
			return nil
		}
	})
	w.append("warm")
	const many = 8
	var ids []string
	for i := range many {
		ids = append(ids, fmt.Sprint("blocked-", i))
	}
	tx := w.hold(ids...)
	full.Store(true)
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 20 {
				if _, err := w.store.Append(ctx, write(stream(fmt.Sprint("free-", i)), es.Any, 1)); err != nil {
					t.Errorf("an append to a free stream: %v", err)
					return
				}
			}
		})
	}
	time.Sleep(2 * time.Millisecond)
	var blocked []<-chan answer // most likely within a flush of many
	for _, id := range ids {
		blocked = append(blocked, w.sent(write(stream(id), es.Any, 1)))
	}
	wg.Wait()
	w.commit(tx)
	full.Store(false)
	for _, answers := range blocked {
		if a := <-answers; a.err != nil {
			t.Errorf("a blocked append, after the commit: %v", a.err)
		}
	}
}

// As after a failover that leaves connections to the former primary open.
func TestTheSidelineLeavesAServerThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	var demoted atomic.Bool
	w := newWorldWithHooks(t, func(c *pgxpool.Config) {
		c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			if !demoted.Load() {
				return nil
			}
			_, err := conn.Exec(ctx, "SET default_transaction_read_only = on")
			return err
		}
	})
	w.append("warm")
	tx := w.hold("blocked")
	demoted.Store(true)
	blocked := w.sent(write(stream("blocked"), es.Any, 1))
	time.Sleep(50 * time.Millisecond)
	demoted.Store(false)
	w.commit(tx)
	if a := <-blocked; a.err != nil {
		t.Errorf("the blocked append, after the commit: %v", a.err)
	}
}

// Whatever a role's defaults are, a blocked append waits for its own time, and ends well when it is free.
func TestBlockedAppendsUnderARolesOwnSettings(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{
		"default_transaction_isolation=serializable",
		"default_transaction_isolation=repeatable%20read",
		"lock_timeout=1",
		"statement_timeout=2000", // far more than an append takes, less than it is blocked
		"idle_in_transaction_session_timeout=10",
		"plan_cache_mode=force_custom_plan&enable_indexscan=off",
	} {
		t.Run(settings, func(t *testing.T) {
			t.Parallel()
			direct := newWorld(t)
			w := newWorldAt(t, direct.place+"&"+settings, postgres.LockTimeout(5*time.Second))
			tx := direct.hold("blocked")
			one, two := w.sent(write(stream("blocked"), es.Any, 1)), w.sent(write(stream("blocked"), es.Any, 2))
			time.Sleep(2500 * time.Millisecond)
			w.append("free")
			direct.commit(tx)
			for _, answers := range []<-chan answer{one, two} {
				if a := <-answers; a.err != nil {
					t.Errorf("a blocked append: %v", a.err)
				}
			}
			tx = direct.hold("blocked")
			defer tx.Rollback(w.ctx)
			w.store = w.open(postgres.LockTimeout(100 * time.Millisecond))
			if a := <-w.sent(write(stream("blocked"), es.Any, 1)); !errors.Is(a.err, postgres.ErrBlocked) {
				t.Errorf("an append that stays blocked: %+v, %v, want postgres.ErrBlocked", a.Receipt, a.err)
			}
		})
	}
}

func TestCloseEndsWhileManyStreamsAreBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for i := range 200 {
		ids = append(ids, fmt.Sprint("blocked-", i))
	}
	tx := w.hold(ids...)
	defer tx.Rollback(w.ctx)
	var all []<-chan answer
	for range 3 {
		for _, id := range ids {
			all = append(all, w.sent(write(stream(id), es.Any, 1)))
		}
	}
	time.Sleep(100 * time.Millisecond)
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
	for _, answers := range all {
		if a := <-answers; !errors.Is(a.err, es.ErrClosed) {
			t.Fatalf("a blocked append, when the store is closed: %+v, %v, want es.ErrClosed", a.Receipt, a.err)
		}
	}
}
