package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/esgen-go/esgen/es"
)

// lending is a caller's transaction, from when it queues until it is over. The writer does
// nothing meanwhile, so that the two never wait for the file's lock against each other.
type lending struct {
	turn chan struct{} // closed by the writer
	over chan struct{} // closed by the caller, also where it gave up waiting
	by   *writer       // set before turn is closed

	sql    *sql.Tx
	tx     *tx   // of the same connection, below database/sql; nil until something is appended
	failed error // why nothing may be committed
}

// lentConn is the connection on which callers' transactions run.
type lentConn struct {
	db  *sql.DB
	sql *sql.Conn
	raw *conn // the same
}

type inTx struct{}

// ErrInTx: what was called waits for the transaction that it was called in. Inside of
// [Store.InTx] use the methods that take the transaction, such as [Store.AppendTx].
var ErrInTx = errors.New("called inside of a transaction of the same store")

// InTx runs f in a transaction on the store's file and commits it, unless f fails: then nothing
// is changed, and the error is f's. It is how rows of the caller's own are written beside events: with
// [Store.AppendTx] they commit together with events, with [Store.RecordTx] together with a
// checkpoint. The tables must not begin with the name of one of the store's.
//
// The transaction holds the file's one write lock from its beginning, and this process's appends wait until it
// is over: so keep it short. It waits for its turn among them, and for other processes, but "database is locked" is
// none of its errors. f must use its own context, and not call Append or InTx with it: that
// returns [ErrInTx]; with another context it would wait for itself.
//
// A failure of the database rather than of f matches [es.ErrTxLost].
func (s *Store) InTx(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	if err := s.outside(ctx); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	l := &lending{turn: make(chan struct{}), over: make(chan struct{})}
	defer close(l.over)
	select {
	case s.ops <- &operation{ctx: ctx, lending: l}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return es.ErrClosed
	}
	select {
	case <-l.turn:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return es.ErrClosed
	}
	return l.run(ctx, f)
}

// outside refuses a call that would wait for the transaction that it is made in.
func (s *Store) outside(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Value(inTx{}) == s {
		return ErrInTx
	}
	return s.isClosed()
}

// lend lets a caller run its transaction.
func (w *writer) lend() {
	if len(w.lends) == 0 {
		return
	}
	l := w.lends[0]
	w.lends[0] = nil
	w.lends = w.lends[1:]
	l.by = w
	close(l.turn)
	<-l.over
}

// run runs the transaction, in the caller's goroutine.
func (l *lending) run(ctx context.Context, f func(context.Context, *sql.Tx) error) (err error) {
	s := l.by.store
	if err := l.begin(ctx); err != nil {
		return l.lost("beginning a transaction", err)
	}
	s.lending.Store(l)
	committed := false
	defer func() {
		s.lending.Store(nil)
		if !committed && l.sql.Rollback() != nil {
			l.by.returnConn()
		}
	}()
	if err := f(context.WithValue(ctx, inTx{}, s), l.sql); err != nil {
		if err = explainWrite(err); isTrouble(err) && ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", es.ErrTxLost, err)
		}
		return err
	}
	if l.failed != nil {
		return l.lost("the transaction is not committed, since an append in it failed", explainWrite(l.failed))
	}
	if err := s.moved(); err != nil {
		return err
	}
	if err := l.sql.Commit(); err != nil {
		if code(err) != sqlite3.SQLITE_FULL {
			err = fmt.Errorf("%w: %w", es.ErrOutcomeUnknown, err)
		}
		return l.lost("committing", explainWrite(err))
	}
	committed = true
	if l.tx != nil && l.tx.head != l.by.last {
		l.by.last = l.tx.head
		s.watches.signal()
	}
	return nil
}

// lost says that the engine failed the transaction.
func (l *lending) lost(doing string, err error) error {
	if isEngine(err) {
		err = fmt.Errorf("%w: %w", es.ErrTxLost, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// begin takes the write lock, in turns with other processes.
func (l *lending) begin(ctx context.Context) error {
	w := l.by
	if w.contended > 0 {
		w.contended--
		time.Sleep(rand.N(longestWait / 2))
	}
	for b := (backoff{}); ; {
		err := w.borrowConn(ctx)
		if err == nil {
			// Without the context: database/sql would roll back by itself while f still runs.
			l.sql, err = w.lent.sql.BeginTx(context.WithoutCancel(ctx), nil)
		}
		if err == nil {
			return nil
		}
		if !isBusy(err) {
			w.returnConn()
			return err
		}
		w.contended = courtesy
		if err := b.wait(ctx, w.store.closing); err != nil {
			return err
		}
	}
}

// borrowConn opens the connection for callers' transactions, if there is none.
func (w *writer) borrowConn(ctx context.Context) error {
	if w.lent != nil {
		return nil
	}
	connector, err := w.store.connector(existingFile, w.store.writerPragmas()...)
	if err != nil {
		return err
	}
	if err := w.store.moved(); err != nil {
		return err
	}
	c := &lentConn{db: sql.OpenDB(connector)}
	if c.sql, err = c.db.Conn(ctx); err == nil {
		err = c.sql.Raw(func(raw any) error {
			c.raw = newConn(keptOpen{raw.(driver.Conn)})
			return nil
		})
	}
	if err != nil {
		_ = c.db.Close()
		return err
	}
	w.lent = c
	return nil
}

// returnConn closes the connection for callers' transactions.
func (w *writer) returnConn() {
	if w.lent == nil {
		return
	}
	_ = w.lent.raw.Close()
	_ = w.lent.sql.Close()
	_ = w.lent.db.Close()
	w.lent = nil
}

// AppendTx appends within a transaction of [Store.InTx], so that events and other rows commit
// together. It keeps the promises of [es.Store.Append], as far as the transaction commits:
// what it returns is final only then. After a refusal, such as a conflict, the transaction can be used
// further. It shares its commit with no other append.
func (s *Store) AppendTx(ctx context.Context, tx *sql.Tx, writes ...es.Write) (es.Receipt, error) {
	if err := s.Limits().ValidateWrites(writes); err != nil {
		return es.Receipt{}, err
	}
	a := &appending{writes: writes}
	t, err := s.lentTo(ctx, tx)
	if err == nil {
		err = a.encode()
	}
	if err == nil {
		written := t.written
		if err = a.run(t); err != nil && t.written > written {
			s.lending.Load().failed = err
		}
	}
	if err != nil {
		return es.Receipt{}, a.explain(err)
	}
	return a.receipt, nil
}

// lentTo returns the store's own view of a transaction of [Store.InTx].
func (s *Store) lentTo(ctx context.Context, tx *sql.Tx) (*tx, error) {
	l := s.lending.Load()
	switch {
	case l == nil || l.sql != tx:
		return nil, errors.New("the transaction is none of this store's InTx, or over")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case l.failed != nil:
		return nil, l.failed
	}
	if l.tx == nil {
		t := newTx(l.by.lent.raw)
		if err := t.findHead(); err != nil {
			return nil, err
		}
		l.tx = t
	}
	return l.tx, nil
}

// newTx begins with no types known: those of a transaction that is rolled back must be forgotten.
func newTx(c *conn) *tx { return &tx{conn: c, kinds: map[kind]int64{}} }

// keptOpen is a connection that somebody else closes.
type keptOpen struct{ driver.Conn }

func (keptOpen) Close() error { return nil }
