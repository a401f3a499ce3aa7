package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// In a session that [Open] has set up for the store's own reads, a caller's statements are planned as
// usual.
const (
	beginUsual    = "BEGIN%s; SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on; SET LOCAL plan_cache_mode = auto"
	readCommitted = " ISOLATION LEVEL READ COMMITTED" // whatever the database's default is
	readOnly      = " ISOLATION LEVEL REPEATABLE READ READ ONLY"
)

// InTx runs f in a READ COMMITTED transaction on a connection of the pool and commits it, unless f fails: then
// nothing is changed, and the error is f's. It is how rows of the caller's own are written beside
// events: with [Store.AppendTx] they commit together with events, which watchers are told of, with
// [Store.RecordTx] together with a checkpoint.
//
// f must use tx alone, and the store's methods that take it. Others of the store's, and whatever else uses its pool, need a second
// connection: as many transactions that ask for one as the pool has connections wait for each other for ever.
//
// A failure of the database rather than of f matches [es.ErrTxLost]: the connection was lost, or the transaction
// had to give way to another.
func (s *Store) InTx(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := s.begin(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, readCommitted)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	over := false
	defer func() {
		if !over { // f panics
			_ = tx.Rollback(context.WithoutCancel(ctx))
		}
	}()
	appended := false
	err = f(context.WithValue(ctx, inTx{}, &appended), tx)
	lost := tx.Conn().IsClosed()
	over = true
	if err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // which also fails where the connection is lost
		if ctx.Err() == nil && (lost || repeatable(err) || errors.Is(err, ErrBlocked)) {
			return fmt.Errorf("%w: %w", es.ErrTxLost, err)
		}
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		if ctx.Err() == nil && (repeatable(err) || tx.Conn().IsClosed()) {
			err = fmt.Errorf("%w: %w: %w", es.ErrTxLost, es.ErrOutcomeUnknown, err)
		}
		return fmt.Errorf("committing: %w", err)
	}
	if appended {
		s.appended()
	}
	return nil
}

// inTx is the key under which a context of InTx has what AppendTx sets.
type inTx struct{}

// ReadTx runs f in a transaction that only reads. All of it sees the database as it was at one moment,
// while others go on writing. As in [Store.InTx], f must use tx alone.
func (s *Store) ReadTx(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := s.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, readOnly)
	if err != nil {
		return fmt.Errorf("beginning a transaction that reads: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // there is nothing to commit
	return f(ctx, tx)
}

// begin begins a transaction, and tries again while the server can't be reached.
func (s *Store) begin(ctx context.Context, options pgx.TxOptions, mode string) (tx pgx.Tx, err error) {
	if s.ownsPool && !s.pooling { // see tune
		options = pgx.TxOptions{BeginQuery: fmt.Sprintf(beginUsual, mode)}
	}
	err = s.retry(ctx, func() (err error) {
		tx, err = s.pool.BeginTx(ctx, options)
		return err
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, es.ErrClosed) {
		err = fmt.Errorf("%w: %w", es.ErrTxLost, err)
	}
	return tx, err
}
