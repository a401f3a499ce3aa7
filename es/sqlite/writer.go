package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/esgen-go/esgen/es"
)

// operation is one caller's part of a commit.
type operation struct {
	ctx context.Context
	// run checks all before it writes anything, so that a refusal has changed nothing
	// and the others of its commit go on. An error after it wrote fails all of them.
	run  func(*tx) error
	err  error
	done chan error
	// lending is set for a transaction of a caller's, who runs it while the writer waits. The
	// others are then nil, but for ctx.
	lending *lending
}

// write has the writer run an operation and commit it.
func (s *Store) write(ctx context.Context, run func(*tx) error) error {
	if err := s.outside(ctx); err != nil {
		return err
	}
	op := &operation{ctx: ctx, run: run, done: make(chan error, 1)}
	select {
	case s.ops <- op:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return es.ErrClosed
	}
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		return ctx.Err() // it may still be committed
	}
}

// writer is the one goroutine that writes. It takes what has queued while the last
// commit was under way into the next one, and waits on no timer: a lone caller's
// operation is committed at once.
type writer struct {
	store *Store
	conn  *conn // nil after the engine failed it
	batch []*operation
	lends []*lending     // whose turn has not come
	lent  *lentConn      // on which callers' transactions run; nil until there is one
	kinds map[kind]int64 // stored by this writer or seen by it

	last      es.Position // of the feed at the last commit
	contended int         // commits for which other processes are reckoned with
	untilTrim int         // commits until it looks at the size of the WAL
}

const (
	// maxBatch bounds the operations of a commit, and so how long it keeps other
	// processes waiting.
	maxBatch = 1024

	// courtesy is the number of commits after which a writer lets others have the lock,
	// once it has seen that there are some.
	courtesy = 64
)

// tx is the transaction of a commit.
type tx struct {
	*conn
	head  es.Position
	clock int64 // recorded_at of the event at head
	kinds map[kind]int64
}

func (t *tx) findHead() error {
	_, err := t.one("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1", func(r *row) {
		t.head, t.clock = es.Position(r.int(0)), r.int(1)
	})
	return err
}

func (w *writer) run() {
	// The last connection to close checkpoints and removes the WAL. Two that close at
	// once each see the other, and neither does: so the writer waits for the readers.
	defer func() {
		<-w.store.drained
		w.returnConn()
		if w.conn != nil {
			_ = w.conn.Close()
		}
	}()
	for w.next() {
		if len(w.batch) > 0 {
			w.commit()
			clear(w.batch)
			w.trim()
		}
		w.lend()
	}
}

// next waits until there is something to do, or the store is closed.
func (w *writer) next() bool {
	w.batch = w.batch[:0]
	if len(w.lends) == 0 {
		select {
		case op := <-w.store.ops:
			w.add(op)
		case <-w.store.closing:
			return false
		}
	}
	runtime.Gosched() // lets those come that the last commit has just answered
	if len(w.batch) == 0 {
		w.take()
	}
	return true
}

// add puts an operation where it waits for its turn.
func (w *writer) add(op *operation) {
	if op.lending != nil {
		w.lends = append(w.lends, op.lending)
	} else {
		w.batch = append(w.batch, op)
	}
}

// commit runs the first operation and all that come in until it is done, and
// answers each.
func (w *writer) commit() {
	if err := w.begin(); err != nil {
		w.answer(err)
		return
	}
	t := &tx{conn: w.conn, kinds: w.kinds}
	err := w.fill(t)
	if err == nil {
		err = w.store.moved()
	}
	if err != nil {
		w.abandon()
		w.answer(err)
		return
	}
	if _, err := w.conn.exec("COMMIT"); err != nil {
		w.abandon()
		// A full disk leaves no room for the frame that would make the transaction
		// count. After any other failure the file may or may not have it.
		if code(err) != sqlite3.SQLITE_FULL {
			err = fmt.Errorf("%w: %w", es.ErrOutcomeUnknown, err)
		}
		w.answer(fmt.Errorf("committing: %w", err))
		return
	}
	if t.head != w.last {
		w.last = t.head
		w.store.watches.signal()
	}
	w.answer(nil)
}

// fill runs operations until there are no more. After an error nothing may be committed.
func (w *writer) fill(t *tx) error {
	if err := t.findHead(); err != nil {
		return err
	}
	if t.head != w.last {
		w.contended = courtesy
	}
	for i := 0; ; i++ {
		if i == len(w.batch) && !w.take() {
			return nil
		}
		op := w.batch[i]
		if op.err = op.ctx.Err(); op.err != nil {
			continue // the caller has gone
		}
		written := t.written
		if op.err = op.run(t); op.err != nil && (isEngine(op.err) || t.written > written) {
			return op.err
		}
	}
}

// take adds an operation to the batch, if one is waiting. Callers' transactions that come
// meanwhile wait until the batch is committed: so they don't break it up.
func (w *writer) take() bool {
	for had := len(w.batch); had < maxBatch; {
		select {
		case op := <-w.store.ops:
			if w.add(op); len(w.batch) > had {
				return true
			}
		default:
			return false
		}
	}
	return false
}

// begin takes the write lock, unless the caller gives up before.
func (w *writer) begin() error {
	ctx := w.batch[0].ctx
	if w.conn == nil {
		if err := w.connect(ctx, existingFile); err != nil {
			return err
		}
	}
	if w.contended > 0 {
		w.contended--
		time.Sleep(rand.N(longestWait / 2))
	}
	for b := (backoff{}); ; {
		_, err := w.conn.exec("BEGIN IMMEDIATE")
		if err == nil {
			return nil
		}
		if !isBusy(err) {
			w.abandon()
			return err
		}
		w.contended = courtesy
		if err := b.wait(ctx, w.store.closing); err != nil {
			return err
		}
	}
}

// answer tells each caller how its operation ended. If the commit failed, that is the
// answer to those that were refused as well: what they were refused for may have
// been a part of it.
func (w *writer) answer(err error) {
	for _, op := range w.batch {
		if err != nil {
			op.err = err
		}
		op.done <- op.err
	}
}

// abandon rolls back. The connection is not used again: the engine failed it.
func (w *writer) abandon() {
	_, _ = w.conn.exec("ROLLBACK")
	_ = w.conn.Close()
	w.conn = nil
	clear(w.kinds)
}

// connect opens the writer's connection, and sees to the file's schema.
func (w *writer) connect(ctx context.Context, mode string) error {
	c, err := w.store.connectWriter(ctx, mode)
	if err != nil {
		return err
	}
	t := &tx{conn: c}
	if err = prepareFile(ctx, w.store.closing, c); err == nil {
		err = retryBusy(ctx, w.store.closing, t.findHead)
	}
	if err != nil {
		_ = c.Close()
		return err
	}
	w.conn, w.last = c, t.head
	return nil
}
