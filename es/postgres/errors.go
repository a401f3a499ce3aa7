package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/esgen-go/esgen/es"
)

// What the store answers beside the errors of package es, to be matched with
// errors.Is. They wrap the driver's error.
var (
	// ErrUnavailable: the server could not be reached, or not within the time that
	// [RetryFor] sets. Nothing was stored.
	ErrUnavailable = errors.New("server unavailable")
	// ErrBlocked: another transaction, which is still open, has appended to the stream,
	// and did not end within the time that [LockTimeout] sets; or the feed has not passed such
	// a transaction, and a checkpoint behind it can't be saved. Nothing was stored.
	ErrBlocked = errors.New("stream blocked by an open transaction")
	// ErrTimeout: the server cancelled a statement, as its statement_timeout or an
	// administrator says. Nothing was stored.
	ErrTimeout = errors.New("statement cancelled by the server")
	// ErrSchema: the tables are not those that this package works with.
	ErrSchema = errors.New("wrong schema version")
	// ErrIsolation: AppendTx was given a transaction that is not READ COMMITTED.
	ErrIsolation = errors.New("wrong isolation level")
)

// SQLSTATE codes.
const (
	codeUniqueViolation = "23505"
	codeSerialization   = "40001"
	codeDeadlock        = "40P01"
	codeNoPrivilege     = "42501"
	codeTooDeep         = "54001"
	codeProgramLimit    = "54000"
	codeLockTimeout     = "55P03"
	codeCancelled       = "57014"
	codeReadOnly        = "25006"
)

// failure is what an error of the driver means to an append or a read.
type failure int

const (
	failedOther     failure = iota // of this statement, or of one of its appends
	failedLost                     // the connection is gone, or the server takes no statements
	failedViolation                // another append was first
	failedBlocked                  // another transaction is in the way
)

// classify tells what an error means. conn is where it occurred, nil if there was
// none yet.
func classify(err error, conn *pgconn.PgConn) failure {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case pgErr.Code == codeUniqueViolation:
			return failedViolation
		case pgErr.Code == codeLockTimeout, pgErr.Code == codeDeadlock, pgErr.Code == codeSerialization:
			return failedBlocked
		case transient(pgErr.Code), conn != nil && conn.IsClosed():
			return failedLost
		default:
			return failedOther
		}
	}
	if conn != nil && conn.IsClosed() || isNetwork(err) {
		return failedLost
	}
	return failedOther
}

// transient reports whether a server that answers with the code may take the
// statement later: it starts, ends, is full, or is a standby.
func transient(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "53", "58": // connection exception, insufficient resources, system error
		return true
	}
	switch code {
	case "57P01", "57P02", "57P03", "57P05", codeReadOnly:
		return true
	}
	return false
}

func isNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return connecting || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}

// typed wraps an error of the driver that a call ends with into one that callers can
// match.
func typed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if isTyped(err) {
		return err
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case pgErr.Code == codeCancelled:
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case pgErr.Code == codeLockTimeout, pgErr.Code == codeDeadlock, pgErr.Code == codeSerialization:
		return fmt.Errorf("%w: %w", ErrBlocked, err)
	case transient(pgErr.Code):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// misconfigured is why a server that answers is refused.
type misconfigured struct{ error }

// isTyped reports whether an error is one of this package or of es already.
func isTyped(err error) bool {
	for _, known := range []error{ErrUnavailable, ErrBlocked, ErrTimeout, ErrSchema, ErrIsolation, es.ErrConflict, es.ErrIdempotency,
		es.ErrNotFound, es.ErrAlreadyAppended, es.ErrOutcomeUnknown, es.ErrBeyondHead, es.ErrClosed, es.ErrFenced, es.ErrPartitions, es.ErrNotParked, es.ErrInUse} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, invalid := errors.AsType[*es.InvalidError](err)
	_, unreadable := errors.AsType[*es.EventError](err)
	_, own := errors.AsType[*misconfigured](err)
	return invalid || unreadable || own
}
