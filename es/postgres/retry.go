package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/esgen-go/esgen/es"
)

// backoff is how long to wait before the next attempt, with jitter: about 5 ms first,
// doubling up to half a second.
func backoff(attempt int) time.Duration {
	base := min(5*time.Millisecond<<min(attempt, 10), 500*time.Millisecond)
	return base/2 + rand.N(base)
}

// sleep waits, unless a context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// repeatable reports whether a call that failed so may succeed when it is repeated: the
// connection was lost, or the server chose it to give way to another transaction.
func repeatable(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && (pgErr.Code == codeSerialization || pgErr.Code == codeDeadlock) {
		return true
	}
	return classify(err, nil) == failedLost
}

// retry calls what changes nothing by being called again, until it does not fail
// for a passing reason, for as long as [RetryFor] says. Its error is typed.
func (s *Store) retry(ctx context.Context, call func() error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	err := call()
	if err == nil {
		return nil
	}
	deadline := time.Now().Add(s.retryFor)
	for attempt := 0; err != nil; attempt++ {
		switch {
		case s.ctx.Err() != nil:
			return es.ErrClosed
		case ctx.Err() != nil || isTyped(err) || !repeatable(err) || time.Now().After(deadline):
			return typed(ctx, err)
		}
		if attempt == 0 {
			s.logger.Debug("esgen: repeating a call that failed for a passing reason", "error", err)
		}
		if sleep(ctx, backoff(attempt)) != nil {
			return ctx.Err()
		}
		err = call()
	}
	return nil
}
