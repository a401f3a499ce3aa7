package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// The connection is cut before, within and behind every message of an append, in both directions,
// so that it is lost before the server has the statement, while it works, after it committed, and while it
// answers.
func TestAppendHappensOnceThoughConnectionsAreCut(t *testing.T) {
	t.Parallel()
	at := place(t)
	_, url, _ := strings.Cut(at, " ")
	direct := newWorldAt(t, at)
	for _, how := range []string{"exactly", "any", "exactly, pooling", "any, pooling"} {
		expect, _, pooling := strings.Cut(how, ", ")
		var opts []postgres.Option
		step, end := 13, 800
		if pooling { // the statement goes with each append
			opts = append(opts, postgres.TransactionPooling())
			step, end = 61, 3000
		}
		for name, direction := range map[string]pgtest.Direction{"to the server": pgtest.ToServer, "to the client": pgtest.ToClient} {
			t.Run(how+" "+name, func(t *testing.T) {
				t.Parallel()
				proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
				w := newWorldAt(t, direct.schema+" "+pgtest.WithAddr(url, proxy.Addr()), opts...)
				step := step
				if testing.Short() {
					step *= 7
				}
				s := stream(strings.NewReplacer(" ", "-", ",", "").Replace(how + "-" + name))
				var ids []es.Event
				for after := 0; after < end; after += step {
					want := es.Any
					if expect == "exactly" {
						want = es.Exactly(es.Version(len(ids)))
					}
					batch := write(s, want, 1+after%2)
					proxy.CutAfter(direction, after)
					r, err := w.store.Append(w.ctx, batch)
					if err != nil {
						t.Fatalf("cut after %d bytes: %v", after, err)
					}
					if got := r.Streams[0]; r.Duplicate || got.First != es.Version(len(ids)+1) || got.Last != es.Version(len(ids)+len(batch.Events)) {
						t.Fatalf("cut after %d bytes: receipt %+v, want version %d to %d, no duplicate", after, r, len(ids)+1, len(ids)+len(batch.Events))
					}
					ids = append(ids, batch.Events...)
				}
				i := 0
				for rec, err := range direct.store.Read(w.ctx, es.ReadQuery{Stream: s}) {
					if err != nil {
						t.Fatal(err)
					}
					if i == len(ids) || rec.ID != ids[i].ID {
						t.Fatalf("event %d of the stream was stored twice, or out of order", i)
					}
					i++
				}
				if i != len(ids) {
					t.Fatalf("%d events are stored, want %d", i, len(ids))
				}
			})
		}
	}
}

// A command is tried again under its idempotency key: the aggregate was loaded at version 4, and the
// event is stored as version 1 already. Whatever is cut, no caller may take it for the event after version 4.
func TestARepetitionIsADuplicateThoughItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	at := place(t)
	_, url, _ := strings.Cut(at, " ")
	direct := newWorldAt(t, at)
	for name, direction := range map[string]pgtest.Direction{"to the server": pgtest.ToServer, "to the client": pgtest.ToClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
			w := newWorldAt(t, direct.schema+" "+pgtest.WithAddr(url, proxy.Addr()))
			s := stream(strings.ReplaceAll(name, " ", "-"))
			again := write(s, es.NoStream, 1)
			for _, first := range []es.Write{again, write(s, es.Exactly(1), 3)} {
				if _, err := w.store.Append(w.ctx, first); err != nil {
					t.Fatal(err)
				}
			}
			again.Expect = es.Exactly(4)
			for after := 0; after < 800; after += 37 {
				proxy.CutAfter(direction, after)
				if r, err := w.store.Append(w.ctx, again); err != nil || !r.Duplicate || r.Streams[0].First != 1 {
					t.Fatalf("cut after %d bytes: %+v, %v, want a duplicate at version 1", after, r, err)
				}
			}
		})
	}
}

// bothWays runs a test with sessions of the store's own, and with those of a pooler.
func bothWays(t *testing.T, test func(*testing.T, ...postgres.Option)) {
	t.Parallel()
	for name, opts := range map[string][]postgres.Option{"sessions": nil, "pooling": {postgres.TransactionPooling()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, opts...)
		})
	}
}

func TestAppendTellsThatItsOutcomeIsUnknownWhenRetriesAreExhausted(t *testing.T) {
	bothWays(t, func(t *testing.T, opts ...postgres.Option) {
		proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
		at := place(t)
		schema, url, _ := strings.Cut(at, " ")
		w := newWorldAt(t, schema+" "+pgtest.WithAddr(url, proxy.Addr()), append(opts, postgres.RetryFor(200*time.Millisecond))...)
		w.append("warm")
		batch := write(stream("unheard"), es.NoStream, 1)
		var stop atomic.Bool
		cut := proxy.CutAnswerTo("unheard")
		go func() { // no connection is ever made again
			<-cut
			for !stop.Load() {
				proxy.CutAll()
			}
		}()
		_, err := w.store.Append(w.ctx, batch)
		stop.Store(true)
		if !errors.Is(err, es.ErrOutcomeUnknown) || !errors.Is(err, postgres.ErrUnavailable) {
			t.Fatalf("Append: %v, want es.ErrOutcomeUnknown and postgres.ErrUnavailable", err)
		}
		r, err := w.store.Append(w.ctx, batch)
		if err != nil || r.Streams[0].Last != 1 {
			t.Fatalf("sending the same events again: %+v, %v, want them to be at version 1", r, err)
		}
	})
}

// An attempt that the server is yet to execute could still find the stream, so that a conflict settles nothing.
func TestAConflictIsNoAnswerWhileAnAttemptIsInDoubt(t *testing.T) {
	bothWays(t, func(t *testing.T, opts ...postgres.Option) {
		proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
		schema, url, _ := strings.Cut(place(t), " ")
		w := newWorldAt(t, schema+" "+pgtest.WithAddr(url, proxy.Addr()), opts...)
		w.append("warm")
		missing := write(stream("missing"), es.StreamExists, 1)
		proxy.CutAnswerTo("missing")
		if r, err := w.store.Append(w.ctx, missing); !errors.Is(err, es.ErrOutcomeUnknown) {
			t.Errorf("Append to a stream that must exist, cut off: %+v, %v, want es.ErrOutcomeUnknown", r, err)
		}
		if r, err := w.store.Append(w.ctx, missing); !errors.Is(err, es.ErrConflict) || errors.Is(err, es.ErrOutcomeUnknown) {
			t.Errorf("the same again: %+v, %v, want a conflict", r, err)
		}
	})
}

// A caller that has gone may have sent its events elsewhere since, or decided otherwise.
func TestAppendsOfCallersThatHaveGoneAreNotSentLater(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
	schema, url, _ := strings.Cut(place(t), " ")
	w := newWorldAt(t, schema+" "+pgtest.WithAddr(url, proxy.Addr()))
	w.append("before")
	proxy.Close()
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	var gone sync.WaitGroup
	for i := range 10 {
		gone.Go(func() {
			if _, err := w.store.Append(ctx, write(stream(fmt.Sprint("gone-", i)), es.NoStream, 1)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Append while no server can be reached: %v, want the end of its context", err)
			}
		})
	}
	gone.Wait()
	proxy.Open()
	w.append("after")
	w.append("after") // and whatever was in the queue beside the first
	if got := len(w.feed(w.store)); got != 3 {
		t.Errorf("%d events are stored, want 3", got)
	}
}

func TestABlockedStreamHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx := w.begin()
	w.appendTx(tx, "blocked")
	blocked := make(chan error, 2)
	for range cap(blocked) {
		go func() {
			_, err := w.store.Append(w.ctx, write(stream("blocked"), es.Any, 1))
			blocked <- err
		}()
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				w.append(fmt.Sprint("free-", i))
			}
		})
	}
	wg.Wait()
	select {
	case err := <-blocked:
		t.Fatalf("the blocked append ended, with error %v, though the transaction is open", err)
	default:
	}
	w.commit(tx)
	for range cap(blocked) {
		if err := <-blocked; err != nil {
			t.Fatalf("the blocked append, after the commit: %v", err)
		}
	}
}

func TestABlockedAppendEndsWithATypedError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.LockTimeout(50*time.Millisecond))
	tx := w.begin()
	w.appendTx(tx, "blocked")
	if _, err := w.store.Append(w.ctx, write(stream("blocked"), es.Any, 1)); !errors.Is(err, postgres.ErrBlocked) {
		t.Fatalf("Append to a stream that an open transaction has: %v, want postgres.ErrBlocked", err)
	}
	w.commit(tx)
	w.append("blocked")
}

func TestMoreBlockedAppendsThanConnectionsEndWithATypedError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.LockTimeout(200*time.Millisecond))
	tx := w.begin()
	const streams = 10
	for i := range streams {
		w.appendTx(tx, fmt.Sprint("blocked-", i))
	}
	ended := make(chan error, streams)
	for i := range streams {
		go func() {
			_, err := w.store.Append(w.ctx, write(stream(fmt.Sprint("blocked-", i)), es.Any, 1))
			ended <- err
		}()
	}
	for range streams {
		if err := <-ended; !errors.Is(err, postgres.ErrBlocked) {
			t.Errorf("Append: %v, want postgres.ErrBlocked", err)
		}
	}
	w.commit(tx)
	for i := range streams {
		w.append(fmt.Sprint("blocked-", i))
	}
}

func TestAnExhaustedPoolHoldsUpNoAppend(t *testing.T) {
	t.Parallel()
	schema, url, _ := strings.Cut(place(t), " ")
	w := newWorldAt(t, schema+" "+url+"&pool_max_conns=1")
	w.append("a")
	turns := 0
	body := func(err error) { // no loop holds a connection while it runs
		if err != nil {
			t.Fatal(err)
		}
		turns++
		w.append("b")
		w.feed(w.store)
	}
	for _, err := range w.store.ReadAll(w.ctx, es.FeedQuery{}) {
		body(err)
	}
	for _, err := range w.store.Load(w.ctx, es.LoadQuery{Stream: stream("a")}) {
		body(err)
	}
	for _, err := range w.store.Read(w.ctx, es.ReadQuery{Stream: stream("a")}) {
		body(err)
	}
	if turns != 3 {
		t.Errorf("the loops took %d turns, want one each", turns)
	}
}

// One reader waits for the server, and has the turn to ask it; another one's context ends.
func TestHeadStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	locks := w.begin()
	defer locks.Rollback(w.ctx)
	if _, err := locks.Exec(w.ctx, "LOCK TABLE "+w.schema+".events IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	patient, stop := context.WithCancel(w.ctx)
	defer stop()
	waits := make(chan struct{})
	go func() {
		close(waits)
		_, _ = w.store.Head(patient)
	}()
	<-waits
	time.Sleep(50 * time.Millisecond) // it has the turn, most likely
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := w.store.Head(ctx); !errors.Is(err, context.DeadlineExceeded) { // else it returns when the test's own context ends
		t.Errorf("Head: %v, want context.DeadlineExceeded", err)
	}
	if w.ctx.Err() != nil {
		t.Error("Head went on after the end of its context")
	}
	stop()
	if err := locks.Rollback(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Head(w.ctx); err != nil {
		t.Errorf("Head, once the server answers: %v", err)
	}
}

// The last connection of a pool is taken while the store is asked.
func TestAnExhaustedPoolHoldsUpNoConflictAndNoDuplicate(t *testing.T) {
	t.Parallel()
	w := newWorldWithExhaustedPool(t)
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	first := write(stream("a"), es.NoStream, 1)
	if r, err := w.store.Append(ctx, first); err != nil || r.Duplicate {
		t.Errorf("an append: %+v, %v", r, err)
	}
	if r, err := w.store.Append(ctx, first); err != nil || !r.Duplicate {
		t.Errorf("the same append again: %+v, %v, want a duplicate", r, err)
	}
	if _, err := w.store.Append(ctx, write(stream("a"), es.NoStream, 1)); !errors.Is(err, es.ErrConflict) {
		t.Errorf("an append to a stream that exists: %v, want a ConflictError", err)
	}
}

// newWorldWithExhaustedPool returns a store whose pool has no connection left.
func newWorldWithExhaustedPool(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	pool, err := pgxpool.New(w.ctx, w.url+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if w.store, err = postgres.New(w.ctx, pool, postgres.Schema(w.schema)); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Release()
		w.store.Close()
	})
	return w
}

func TestPayloadsThatTheServerCantParseAreRefusedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deep := newEvent()
	deep.Data = []byte(strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 10 {
				w.append(fmt.Sprint("good-", i))
			}
		})
	}
	r, err := w.store.Append(w.ctx, es.Write{Stream: stream("deep"), Expect: es.NoStream, Events: []es.Event{deep}})
	wg.Wait()
	if invalid, ok := errors.AsType[*es.InvalidError](err); err != nil && (!ok || invalid.EventID != deep.ID) {
		t.Fatalf("Append of 9,999 nested arrays: %+v, %v, want success or an InvalidError with the event", r, err)
	}
}
