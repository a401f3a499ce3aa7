package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
)

// ledger is what a writer was told, to be compared with what is stored.
type ledger struct {
	Acks       []ack
	Absent     []uuid.UUID // of events that can't be stored: refused, or rolled back
	Raw        []string    // errors that a caller can't match
	Conflicts  int
	RolledBack int           // transactions
	Duplicates int           // appends that turned out to be stored when they were sent again
	Resent     int           // appends that ended in a typed error, and were sent again
	Longest    time.Duration // that one append took
}

// ack is what a receipt says of one stream.
type ack struct {
	Stream   es.Stream
	First    es.Version
	Position es.Position // of the last event
	IDs      []uuid.UUID
}

// add adds what another writer was told.
func (l *ledger) add(o ledger) {
	l.Acks = append(l.Acks, o.Acks...)
	l.Absent = append(l.Absent, o.Absent...)
	l.Raw = append(l.Raw, o.Raw...)
	l.Conflicts += o.Conflicts
	l.RolledBack += o.RolledBack
	l.Duplicates += o.Duplicates
	l.Resent += o.Resent
	l.Longest = max(l.Longest, o.Longest)
}

// writer appends to streams of its own and to some that all writers share, in transactions of its own
// now and then, of which most are rolled back.
type writer struct {
	name  string
	store *postgres.Store
	pool  *pgxpool.Pool

	ledger  ledger
	own     es.Stream
	known   map[es.Stream]es.Version
	appends int
}

const hotStreams = 16

// run appends until stop is closed. What has begun is brought to an end: an append that failed
// is sent again until its outcome is known, or the context ends.
func (w *writer) run(ctx context.Context, stop <-chan struct{}) {
	w.known = map[es.Stream]es.Version{}
	for {
		select {
		case <-stop:
			return
		default:
		}
		switch n := rand.IntN(100); {
		case n < 10:
			w.rollBack(ctx, w.writes())
		case n < 13:
			w.transaction(ctx, w.writes())
		default:
			w.append(ctx, w.writes())
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// writes makes an append: of one to three events to one stream, now and then to two.
func (w *writer) writes() []es.Write {
	if w.appends++; w.appends%20 == 1 {
		w.own = es.Stream{Category: "cold", ID: fmt.Sprintf("%s-%d", w.name, w.appends)}
	}
	hot := es.Stream{Category: "hot", ID: fmt.Sprint(rand.IntN(hotStreams))}
	switch n := rand.IntN(100); {
	case n < 30:
		return []es.Write{w.to(hot, es.Exactly(w.known[hot]))}
	case n < 40:
		return []es.Write{w.to(hot, es.Any)}
	case n < 45:
		return []es.Write{w.to(w.own, es.Exactly(w.known[w.own])), w.to(hot, es.Any)}
	default:
		return []es.Write{w.to(w.own, es.Exactly(w.known[w.own]))}
	}
}

func (w *writer) to(stream es.Stream, expect es.Expected) es.Write {
	write := es.Write{Stream: stream, Expect: expect}
	for n := range 1 + rand.IntN(3) {
		write.Events = append(write.Events, es.Event{
			ID: es.NewID(), Type: "soak.happened", Schema: 1,
			Data: fmt.Appendf(nil, `{"writer":%q,"append":%d,"event":%d}`, w.name, w.appends, n),
		})
	}
	return write
}

// append appends until it is known whether the events are stored.
func (w *writer) append(ctx context.Context, writes []es.Write) {
	began := time.Now()
	for sent := 0; ctx.Err() == nil; sent++ {
		receipt, err := w.store.Append(ctx, writes...)
		if w.note(writes, receipt, err) {
			if receipt.Duplicate && sent == 0 {
				w.ledger.Raw = append(w.ledger.Raw, "Duplicate of events that were never sent before")
			}
			break
		}
		w.ledger.Resent++
		time.Sleep(10 * time.Millisecond)
	}
	w.ledger.Longest = max(w.ledger.Longest, time.Since(began))
}

// note notes the outcome of an append, and reports whether it is final.
func (w *writer) note(writes []es.Write, receipt es.Receipt, err error) bool {
	if conflict, ok := errors.AsType[*es.ConflictError](err); ok {
		w.known[conflict.Stream] = conflict.Actual
		w.ledger.Conflicts++
		w.absent(writes)
		return true
	}
	if err != nil {
		if !isTyped(err) {
			w.ledger.Raw = append(w.ledger.Raw, err.Error())
		}
		return false
	}
	if receipt.Duplicate {
		w.ledger.Duplicates++
	}
	for i, written := range receipt.Streams {
		a := ack{Stream: written.Stream, First: written.First, Position: written.Position}
		for _, event := range writes[i].Events {
			a.IDs = append(a.IDs, event.ID)
		}
		w.ledger.Acks = append(w.ledger.Acks, a)
		w.known[written.Stream] = written.Last
	}
	return true
}

func (w *writer) absent(writes []es.Write) {
	for _, write := range writes {
		for _, event := range write.Events {
			w.ledger.Absent = append(w.ledger.Absent, event.ID)
		}
	}
}

// rollBack appends in a transaction that is rolled back.
func (w *writer) rollBack(ctx context.Context, writes []es.Write) {
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		time.Sleep(10 * time.Millisecond) // the server is down
		return
	}
	if _, err := w.store.AppendTx(ctx, tx, writes...); err != nil && !isTyped(err) {
		w.ledger.Raw = append(w.ledger.Raw, err.Error())
	}
	time.Sleep(rand.N(10 * time.Millisecond))
	_ = tx.Rollback(ctx) // where that fails, the server does it
	w.ledger.RolledBack++
	w.absent(writes)
}

// transaction appends in a transaction that is committed. Where the commit fails, whether the
// events are stored is settled by appending them again.
func (w *writer) transaction(ctx context.Context, writes []es.Write) {
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return
	}
	defer tx.Rollback(ctx)
	receipt, err := w.store.AppendTx(ctx, tx, writes...)
	if err == nil {
		err = tx.Commit(ctx)
		if err == nil {
			w.store.Notify()
			w.note(writes, receipt, nil)
			return
		}
	} else if !isTyped(err) {
		w.ledger.Raw = append(w.ledger.Raw, err.Error())
	}
	_ = tx.Rollback(ctx)
	w.settle(ctx, writes)
}

// settle appends again what may have been stored already.
func (w *writer) settle(ctx context.Context, writes []es.Write) {
	for ctx.Err() == nil {
		w.ledger.Resent++
		if receipt, err := w.store.Append(ctx, writes...); w.note(writes, receipt, err) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// isTyped reports whether an error is one that the store's documentation names.
func isTyped(err error) bool {
	for _, known := range []error{
		es.ErrConflict, es.ErrIdempotency, es.ErrOutcomeUnknown, es.ErrBeyondHead, es.ErrClosed,
		postgres.ErrUnavailable, postgres.ErrBlocked, postgres.ErrTimeout, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// unique lists texts once, as few as suffice to see what went wrong.
func unique(texts []string) string {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	return strings.Join(texts[:min(len(texts), 5)], "\n")
}
