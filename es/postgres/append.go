package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// Append implements [es.Store]. Beside the errors that it names there are
// [ErrUnavailable], [ErrBlocked] and [ErrTimeout].
//
// Where the connection was lost during the append, events that expected [es.Any] or [es.StreamExists] and turn out to be
// stored are taken for this append's: Duplicate may then be false for events that an earlier one
// stored. Versions and positions are right in any case.
func (s *Store) Append(ctx context.Context, writes ...es.Write) (receipt es.Receipt, err error) {
	r, err := newRequest(ctx, s.Limits(), writes)
	if err != nil {
		return es.Receipt{}, err
	}
	ctx, ended := s.telemetry.started(ctx, "esgen.append", r)
	defer func() { ended(receipt, err) }()
	if err := s.usable(ctx); err != nil {
		return es.Receipt{}, fmt.Errorf("appending to %s: %w", writes[0].Stream, err)
	}
	for attempt := 0; ; attempt++ {
		out := s.appender.submit(r)
		switch {
		case out.err != nil:
			return es.Receipt{}, appendError(r, out.err)
		case !out.lost:
			return out.receipt, nil
		}
		receipt, settled, err := s.settle(r)
		if err != nil {
			return es.Receipt{}, appendError(r, err)
		}
		if settled {
			return receipt, nil
		}
		// What was in the way has gone, or someone else was faster: once more.
		if attempt > 2 {
			if err := sleep(ctx, backoff(attempt-3)); err != nil {
				return es.Receipt{}, appendError(r, err)
			}
		}
	}
}

// appendError says what failed, unless the error does so itself.
func appendError(r *request, err error) error {
	switch err.(type) {
	case *es.ConflictError, *es.IdempotencyError, *es.InvalidError:
		return err
	}
	if len(r.writes) == 1 {
		return fmt.Errorf("appending to %s: %w", r.writes[0].Stream, err)
	}
	return fmt.Errorf("appending to %s and %d other streams: %w", r.writes[0].Stream, len(r.writes)-1, err)
}

// maxAside is how many connections settle appends beside the coalescer's.
const maxAside = 2

// settle decides why a request lost: it was stored before, or it is in conflict. If
// neither holds, it is not settled and can be sent again.
func (s *Store) settle(r *request) (receipt es.Receipt, settled bool, err error) {
	err = s.retry(r.ctx, func() error {
		return s.aside.do(r.ctx, func(ctx context.Context, conn *pgx.Conn) error {
			receipt, settled, err = settleIn(ctx, conn, s.sql.settle, r.writes)
			if settled && err == nil {
				_, err = conn.Exec(ctx, awaitReplication)
			}
			return err
		})
	})
	if conflict, ok := err.(*es.ConflictError); ok && r.inDoubt && mayYetBeMet(conflict) {
		return es.Receipt{}, false, r.abandoned(errors.New(conflict.Error()))
	}
	if err != nil && r.inDoubt && r.ctx.Err() == nil && !isDecision(err) {
		return es.Receipt{}, false, r.abandoned(err)
	}
	// What this request stored itself, before its connection was cut, is no repetition.
	receipt.Duplicate = receipt.Duplicate && !(r.inDoubt && r.maybeStored(receipt))
	return receipt, settled, err
}

// mayYetBeMet reports whether the expectation may be met when more is appended. An attempt that was cut off,
// and that the server is yet to execute, could still be stored then.
func mayYetBeMet(conflict *es.ConflictError) bool {
	v, exact := conflict.Expected.Exact()
	return !exact || conflict.Actual < v
}

// maybeStored reports whether a request may have stored what a receipt tells: not where an event
// does not follow the version that it expected.
func (r *request) maybeStored(receipt es.Receipt) bool {
	for i, written := range receipt.Streams {
		if v, exact := r.writes[i].Expect.Exact(); exact && written.First != v+1 {
			return false
		}
	}
	return true
}

// awaitReplication commits something where commits wait for standbys, so that what is in the log before it is
// replicated, too. An append whose connection was cut in that wait is visible, but may be on
// the primary alone; it is acknowledged no earlier than if it had not been cut.
const awaitReplication = `SELECT pg_logical_emit_message(true, 'esgen', '') WHERE current_setting('synchronous_standby_names') <> ''`

// isDecision reports whether an error settles an append.
func isDecision(err error) bool {
	switch err.(type) {
	case *es.ConflictError, *es.IdempotencyError:
		return true
	}
	return false
}

// settleIn reads, in one snapshot, what decides an append.
func settleIn(ctx context.Context, q querier, sql string, writes []es.Write) (es.Receipt, bool, error) {
	actual, stored, err := readStored(ctx, q, sql, writes)
	if err != nil {
		return es.Receipt{}, false, err
	}
	receipt, repeated, err := es.Repeated(writes, func(stream es.Stream, id uuid.UUID) (es.Recorded, bool, error) {
		rec, found := stored[eventKey{stream, id}]
		return rec, found, nil
	})
	if err != nil || repeated {
		return receipt, true, err
	}
	for i, w := range writes {
		if !w.Expect.Met(actual[i]) {
			return es.Receipt{}, true, &es.ConflictError{Stream: w.Stream, Expected: w.Expect, Actual: actual[i]}
		}
	}
	return es.Receipt{}, false, nil
}

type eventKey struct {
	stream es.Stream
	id     uuid.UUID
}

// readStored reads the versions of the streams of an append, and those of its events that they have.
func readStored(ctx context.Context, q querier, sql string, writes []es.Write) ([]es.Version, map[eventKey]es.Recorded, error) {
	var categories, streams, eventCategories, eventStreams, ids []string
	var of []int64
	for i, w := range writes {
		categories, streams = append(categories, w.Stream.Category), append(streams, w.Stream.ID)
		for j := range w.Events {
			of, ids = append(of, int64(i+1)), append(ids, w.Events[j].ID.String())
			eventCategories, eventStreams = append(eventCategories, w.Stream.Category), append(eventStreams, w.Stream.ID)
		}
	}
	rows, err := q.Query(ctx, sql, categories, streams, of, eventCategories, eventStreams, ids)
	if err != nil {
		return nil, nil, err
	}
	actual := make([]es.Version, len(writes))
	stored := map[eventKey]es.Recorded{}
	var number int64
	var id *uuid.UUID
	var rec es.Recorded
	var typeName *string
	_, err = pgx.ForEachRow(rows, []any{&number, &id, &rec.Version, &rec.Position, &rec.Schema, &typeName, &rec.Data}, func() error {
		if id == nil {
			actual[number-1] = rec.Version
			return nil
		}
		rec.ID, rec.Type, rec.Stream = *id, *typeName, writes[number-1].Stream
		stored[eventKey{rec.Stream, rec.ID}] = rec
		return nil
	})
	return actual, stored, err
}

// appended tells readers, here and in other processes, that there is something new.
func (s *Store) appended() {
	s.signals.wake()
	s.notifier.notify()
}

// recordedAt reads PostgreSQL's binary timestamp: microseconds since 2000.
func recordedAt(micros int64) time.Time { return time.UnixMicro(micros + 946684800_000_000).UTC() }
