package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/esgen-go/esgen/es"
)

// AppendTx appends within a transaction of the caller's, so that events and other
// rows commit together. It keeps the promises of [es.Store.Append], as far as the
// transaction commits: what it returns is final only then.
//
// The transaction must be READ COMMITTED; another is refused with [ErrIsolation]. It
// stays usable after an error, since the append is made within a savepoint. Unless it is one of
// [Store.InTx], call [Store.Notify] after the commit: else watchers learn of the events from their next poll.
//
// What it costs: the append shares no statement and no commit with others. Until the
// transaction ends, appends to the same streams wait for it, and the feed is held up at its
// events for every reader. So append last, and commit at once. Several such transactions that
// append to the same streams in different orders deadlock, which the server
// resolves by failing one with [ErrBlocked].
func (s *Store) AppendTx(ctx context.Context, tx pgx.Tx, writes ...es.Write) (es.Receipt, error) {
	r, err := newRequest(ctx, s.Limits(), writes)
	if err != nil {
		return es.Receipt{}, err
	}
	if err := s.usable(ctx); err != nil {
		return es.Receipt{}, fmt.Errorf("appending to %s: %w", writes[0].Stream, err)
	}
	ctx, ended := s.telemetry.started(ctx, "esgen.append_tx", r)
	receipt, err := s.appendTx(ctx, tx, r)
	ended(receipt, err)
	if err != nil {
		return es.Receipt{}, appendError(r, err)
	}
	if appended, ok := ctx.Value(inTx{}).(*bool); ok {
		*appended = true
	}
	return receipt, nil
}

func (s *Store) appendTx(ctx context.Context, tx pgx.Tx, r *request) (es.Receipt, error) {
	for range 5 {
		receipt, err := s.appendOnce(ctx, tx, r)
		if err == nil && receipt.Streams != nil {
			return receipt, nil
		}
		if err != nil && classify(err, nil) != failedViolation {
			return es.Receipt{}, txError(ctx, r, err)
		}
		receipt, settled, err := settleIn(ctx, tx, s.sql.settle, r.writes)
		if err != nil || settled {
			return receipt, txError(ctx, r, err)
		}
	}
	return es.Receipt{}, fmt.Errorf("%w: others were faster several times", ErrBlocked)
}

// appendOnce sends one statement within a savepoint. The receipt is empty if the
// append lost.
func (s *Store) appendOnce(ctx context.Context, tx pgx.Tx, r *request) (receipt es.Receipt, err error) {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return es.Receipt{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, savepoint.Rollback(ctx))
		} else {
			err = savepoint.Commit(ctx)
		}
	}()
	var isolation string
	if err := savepoint.QueryRow(ctx, "SELECT current_setting('transaction_isolation')").Scan(&isolation); err != nil {
		return es.Receipt{}, err
	}
	if isolation != "read committed" {
		return es.Receipt{}, fmt.Errorf("%w: the transaction is %s, and must be read committed", ErrIsolation, isolation)
	}
	l := &link{store: s, conn: savepoint.Conn().PgConn()}
	receipts, err := l.sendUnprepared(ctx, []*request{r})
	if err != nil {
		return es.Receipt{}, err
	}
	return receipts[0], nil
}

// txError is the typed error of an append within a caller's transaction.
func txError(ctx context.Context, r *request, err error) error {
	if err == nil || isTyped(err) {
		return err
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); ok && ctx.Err() == nil && classify(err, nil) == failedOther {
		return refused(r, err)
	}
	return typed(ctx, err)
}
