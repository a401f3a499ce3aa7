package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/esgen-go/esgen/es"
)

const (
	moveCheckpoint = `INSERT INTO {schema}.checkpoints (name, position) SELECT $1, $3::int8
WHERE $2::int8 = 0 OR EXISTS (SELECT FROM {schema}.checkpoints WHERE name = $1)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, saved_at = excluded.saved_at WHERE checkpoints.position = $2`

	// movePartitions moves all or none, in one statement: the rows are locked, as they are by
	// then, before they are counted.
	movePartitions = `WITH held AS MATERIALIZED (
	SELECT p.partition FROM {schema}.partitions p JOIN unnest($4::int4[], $5::int8[]) AS c (partition, epoch) USING (partition, epoch)
	WHERE p.group_name = $1 AND p.position = $2 ORDER BY p.partition FOR UPDATE OF p)
UPDATE {schema}.partitions p SET position = $3, saved_at = now()
FROM held WHERE p.group_name = $1 AND p.partition = held.partition AND (SELECT count(*) FROM held) = cardinality($4)`

	park = `INSERT INTO {schema}.parked (name, category, stream, version, position, attempts, error, verdict)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name, category, stream) DO UPDATE SET version = excluded.version, position = excluded.position,
	attempts = excluded.attempts, error = excluded.error, at = clock_timestamp(),
	verdict = CASE WHEN parked.version = excluded.version AND parked.verdict <> $9::text THEN parked.verdict ELSE excluded.verdict END`

	// foundParked keeps the row as it is until the end of the transaction.
	foundParked = `SELECT FROM {schema}.parked WHERE name = $1 AND category = $2 AND stream = $3 AND version = $4 AND attempts = $5 FOR UPDATE`

	unpark = `DELETE FROM {schema}.parked WHERE name = $1 AND category = $2 AND stream = $3`

	readParked = `SELECT category, stream, version, position, attempts, error, at, verdict FROM {schema}.parked
WHERE name = $1 AND (category, stream) > ($2, $3) ORDER BY category, stream LIMIT $4`

	decide = `UPDATE {schema}.parked SET verdict = $5 WHERE name = $1 AND category = $2 AND stream = $3 AND version = $4`

	readIdentity = `SELECT id, coalesce((SELECT max(beyond) FROM {schema}.restores), 0) FROM {schema}.store`
)

// execer is what pools and transactions share.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Record implements [es.Tracker].
func (s *Store) Record(ctx context.Context, p es.Progress) error {
	err := p.Validate()
	if err == nil {
		err = s.reached(ctx, p.To)
	}
	if err == nil {
		lost := false
		err = s.retry(ctx, func() error {
			var err error
			if len(p.Park)+len(p.Unpark)+len(p.Tried) == 0 {
				err = s.record(ctx, s.pool, p) // one statement, which needs no transaction of its own
			} else {
				err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.record(ctx, tx, p) })
			}
			if lost && errors.Is(err, es.ErrFenced) { // what seems to be another's work may be this call's own
				err = fmt.Errorf("%w: the connection was lost, and then: %w", es.ErrOutcomeUnknown, err)
			}
			lost = lost || err != nil && classify(err, nil) == failedLost
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("recording progress of %.80q: %w", p.Name, err)
	}
	return nil
}

// RecordTx records progress as [Store.Record] does, within a transaction of the caller's, so that it
// commits together with rows of the caller's own. After an error the transaction must be rolled
// back.
func (s *Store) RecordTx(ctx context.Context, tx pgx.Tx, p es.Progress) error {
	err := cmp.Or(p.Validate(), s.usable(ctx))
	if err == nil {
		err = s.reached(ctx, p.To)
	}
	if err == nil {
		err = typed(ctx, s.record(ctx, tx, p))
	}
	if err != nil {
		return fmt.Errorf("recording progress of %.80q: %w", p.Name, err)
	}
	return nil
}

func (s *Store) record(ctx context.Context, q execer, p es.Progress) error {
	if err := s.move(ctx, q, p); err != nil {
		return err
	}
	for _, tried := range p.Tried {
		at := tried.Stream
		tag, err := q.Exec(ctx, s.sql.foundParked, p.Name, at.Category, at.ID, int64(tried.Version), tried.Attempts)
		if err == nil && tag.RowsAffected() == 0 {
			err = &es.FencedError{Name: p.Name, Partition: -1, Stream: at}
		}
		if err != nil {
			return err
		}
	}
	for _, parked := range p.Park {
		at := parked.Stream
		var before *string // the verdict found; NULL if none was looked for
		if found := p.Found(at); found != nil {
			before = (*string)(&found.Verdict)
		}
		if _, err := q.Exec(ctx, s.sql.park, p.Name, at.Category, at.ID, int64(parked.Version), int64(parked.Position), parked.Attempts, storable(parked.Error), string(parked.Verdict), before); err != nil {
			return err
		}
	}
	for _, at := range p.Unpark {
		if _, err := q.Exec(ctx, s.sql.unpark, p.Name, at.Category, at.ID); err != nil {
			return err
		}
	}
	return nil
}

// storable makes a text out of anything that an error may say.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}

func (s *Store) move(ctx context.Context, q execer, p es.Progress) error {
	if len(p.Claims) == 0 {
		tag, err := q.Exec(ctx, s.sql.moveCheckpoint, p.Name, int64(p.From), int64(p.To))
		if err == nil && tag.RowsAffected() == 0 {
			err = &es.FencedError{Name: p.Name, Partition: -1}
		}
		return err
	}
	partitions, epochs := make([]int32, len(p.Claims)), make([]int64, len(p.Claims))
	for i, c := range p.Claims {
		partitions[i], epochs[i] = int32(c.Partition), c.Epoch
	}
	tag, err := q.Exec(ctx, s.sql.movePartitions, p.Name, int64(p.From), int64(p.To), partitions, epochs)
	if err == nil && tag.RowsAffected() < int64(len(p.Claims)) {
		err = &es.FencedError{Name: p.Name, Partition: p.Claims[0].Partition}
	}
	return err
}

// Parked implements [es.Parking].
func (s *Store) Parked(ctx context.Context, q es.ParkedQuery) ([]es.Parked, error) {
	err := q.Validate()
	var all []es.Parked
	if err == nil {
		var limit *int
		if q.Limit > 0 {
			limit = &q.Limit
		}
		err = s.retry(ctx, func() error {
			rows, err := s.pool.Query(ctx, s.sql.readParked, q.Name, q.After.Category, q.After.ID, limit)
			if err != nil {
				return err
			}
			all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p es.Parked, err error) {
				err = row.Scan(&p.Stream.Category, &p.Stream.ID, &p.Version, &p.Position, &p.Attempts, &p.Error, &p.At, &p.Verdict)
				p.At = p.At.UTC()
				return p, err
			})
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading what %.80q has parked: %w", q.Name, err)
	}
	return all, nil
}

// Decide implements [es.Parking].
func (s *Store) Decide(ctx context.Context, name string, at es.Stream, v es.Version, verdict es.Verdict) error {
	err := cmp.Or(es.ValidateCheckpointName(name), at.Validate(), es.ValidateVerdict(verdict))
	if err == nil {
		err = s.retry(ctx, func() error {
			tag, err := s.pool.Exec(ctx, s.sql.decide, name, at.Category, at.ID, int64(v), string(verdict))
			if err == nil && tag.RowsAffected() == 0 {
				err = es.ErrNotParked
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("deciding on version %d of %.120s, parked by %.80q: %w", v, at.String(), name, err)
	}
	return nil
}

// Identity implements [es.Identified]. The epoch changes with each call of the schema's function
// restored.
func (s *Store) Identity(ctx context.Context) (id es.Identity, err error) {
	err = s.retry(ctx, func() error {
		return s.pool.QueryRow(ctx, s.sql.readIdentity).Scan(&id.Store, &id.Epoch)
	})
	if err != nil {
		return es.Identity{}, fmt.Errorf("reading the store's identity: %w", err)
	}
	return id, nil
}
