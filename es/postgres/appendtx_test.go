package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
)

func TestAppendTxCommitsWithTheCallersRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(w.session(), "CREATE TABLE {schema}.rows (n int)")
	for _, commit := range []bool{false, true} {
		tx := w.begin()
		if _, err := tx.Exec(w.ctx, "INSERT INTO "+w.schema+".rows VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		w.appendTx(tx, "a")
		want := 0
		if commit {
			w.commit(tx)
			want = 1
		} else if err := tx.Rollback(w.ctx); err != nil {
			t.Fatal(err)
		}
		var rows int
		if err := w.session().QueryRow(w.ctx, "SELECT count(*) FROM "+w.schema+".rows").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if events := len(w.feed(w.store)); rows != want || events != want {
			t.Fatalf("commit %t: %d rows and %d events, want %d", commit, rows, events, want)
		}
	}
}

func TestAppendTxLeavesTheTransactionUsableAfterAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("a")
	tx := w.begin()
	used := write(stream("b"), es.NoStream, 2)
	first, err := w.store.AppendTx(w.ctx, tx, used)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.AppendTx(w.ctx, tx, write(stream("a"), es.NoStream, 1)); !errors.Is(err, es.ErrConflict) {
		t.Fatalf("AppendTx to an existing stream, expecting none: %v, want es.ErrConflict", err)
	}
	if r, err := w.store.AppendTx(w.ctx, tx, used); err != nil || !r.Duplicate || r.Streams[0] != first.Streams[0] {
		t.Fatalf("AppendTx of the same events within the transaction: %+v, %v, want the first receipt as a duplicate", r, err)
	}
	if r, err := w.store.AppendTx(w.ctx, tx, es.Write{Stream: used.Stream, Expect: es.Any, Events: used.Events}); err != nil || !r.Duplicate {
		t.Fatalf("AppendTx of the same events, expecting any version: %+v, %v, want a duplicate", r, err)
	}
	part := write(stream("b"), es.Any, 2)
	part.Events[0] = used.Events[0]
	if _, err := w.store.AppendTx(w.ctx, tx, part); !errors.Is(err, es.ErrIdempotency) {
		t.Fatalf("AppendTx of an old and a new event: %v, want es.ErrIdempotency", err)
	}
	if _, err := w.store.AppendTx(w.ctx, tx, write(stream("c"), es.NoStream, 1), write(stream("a"), es.Exactly(1), 3)); err != nil {
		t.Fatalf("AppendTx to two streams: %v", err)
	}
	w.commit(tx)
	if got := len(w.feed(w.store)); got != 1+2+1+3 {
		t.Fatalf("%d events are stored, want 7", got)
	}
}

func TestAppendTxRefusesOtherIsolationLevels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		tx, err := w.session().BeginTx(w.ctx, pgx.TxOptions{IsoLevel: level})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.AppendTx(w.ctx, tx, write(stream("a"), es.Any, 1)); !errors.Is(err, postgres.ErrIsolation) {
			t.Fatalf("AppendTx in a %s transaction: %v, want postgres.ErrIsolation", level, err)
		}
		w.commit(tx)
	}
	w.wantFeed("after both")
}

// Two transactions append to the same streams in different orders.
func TestAppendTxEndsADeadlockWithATypedError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.begin(), w.begin()
	w.appendTx(one, "a")
	w.appendTx(two, "b")
	failed := make(chan error, 2)
	go func() {
		_, err := w.store.AppendTx(w.ctx, one, write(stream("b"), es.Any, 1))
		failed <- errors.Join(err, one.Rollback(w.ctx))
	}()
	go func() {
		_, err := w.store.AppendTx(w.ctx, two, write(stream("a"), es.Any, 1))
		failed <- errors.Join(err, two.Rollback(w.ctx))
	}()
	first, second := <-failed, <-failed
	if err := errors.Join(first, second); !errors.Is(err, postgres.ErrBlocked) || first != nil && second != nil {
		t.Fatalf("the appends ended with %v and %v, want one success and one postgres.ErrBlocked", first, second)
	}
}

func TestWatchersHearOfOtherProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.PollInterval(time.Hour))
	other := w.open(postgres.PollInterval(time.Hour))
	wake := other.Watch(w.ctx)
	for n := 1; n <= 20; n++ {
		if n%2 == 0 {
			w.append("a")
		} else {
			tx := w.begin()
			w.appendTx(tx, "a")
			w.commit(tx)
			w.store.Notify()
		}
		for len(w.feed(other)) < n {
			if _, open := <-wake; !open {
				t.Fatalf("no signal came for append %d", n)
			}
		}
	}
}

func TestWatchersHearAgainAfterTheirConnectionWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.PollInterval(time.Hour))
	other := w.open(postgres.PollInterval(time.Hour))
	wake := other.Watch(w.ctx)
	w.append("a")
	for len(w.feed(other)) < 1 {
		<-wake
	}
	var killed int
	for killed == 0 { // the connection listens, sooner or later
		if err := w.session().QueryRow(w.ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND query LIKE '%'||$1||'%'",
			w.schema).Scan(&killed); err != nil {
			t.Fatal(err)
		}
	}
	w.append("a")
	for len(w.feed(other)) < 2 {
		if _, open := <-wake; !open {
			t.Fatal("the watch ended")
		}
	}
}
