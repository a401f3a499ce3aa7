package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// The statements of progress, for connections of this package and of database/sql alike.
const (
	moveCheckpoint = `INSERT INTO checkpoints (name, position) SELECT ?1, ?3
		WHERE ?2 = 0 OR EXISTS (SELECT 1 FROM checkpoints WHERE name = ?1)
		ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE position = ?2
		RETURNING 1`
	movePartition = `UPDATE partitions SET position = ?5
		WHERE group_name = ?1 AND partition = ?2 AND epoch = ?3 AND position = ?4
		RETURNING 1`
	park = `INSERT INTO parked (name, category, stream, version, position, attempts, error, at, verdict)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
		ON CONFLICT (name, category, stream) DO UPDATE SET version = excluded.version, position = excluded.position,
			attempts = excluded.attempts, error = excluded.error, at = excluded.at,
			verdict = CASE WHEN parked.version = excluded.version AND parked.verdict <> ?10 THEN parked.verdict ELSE excluded.verdict END
		RETURNING 1`
	foundParked = "SELECT 1 FROM parked WHERE name = ? AND category = ? AND stream = ? AND version = ? AND attempts = ?"
	unpark      = "DELETE FROM parked WHERE name = ? AND category = ? AND stream = ? RETURNING 1"
)

// recording writes progress within a transaction. returned runs a statement and tells whether it
// returned a row, which is whether it changed one.
func recording(p es.Progress, returned func(text string, args ...any) (bool, error)) error {
	must := func(partition int, text string, args ...any) error {
		ok, err := returned(text, args...)
		if err == nil && !ok {
			err = &es.FencedError{Name: p.Name, Partition: partition}
		}
		return err
	}
	if len(p.Claims) == 0 {
		if err := must(-1, moveCheckpoint, p.Name, int64(p.From), int64(p.To)); err != nil {
			return err
		}
	}
	for _, c := range p.Claims {
		if err := must(c.Partition, movePartition, p.Name, int64(c.Partition), c.Epoch, int64(p.From), int64(p.To)); err != nil {
			return err
		}
	}
	for _, tried := range p.Tried {
		ok, err := returned(foundParked, asFound(p.Name, tried)...)
		if err == nil && !ok {
			err = &es.FencedError{Name: p.Name, Partition: -1, Stream: tried.Stream}
		}
		if err != nil {
			return err
		}
	}
	now := time.Now().UnixMicro()
	for _, parked := range p.Park {
		s := parked.Stream
		var before any // the verdict found; NULL if none was looked for
		if found := p.Found(s); found != nil {
			before = string(found.Verdict)
		}
		if _, err := returned(park, p.Name, s.Category, s.ID, int64(parked.Version), int64(parked.Position), int64(parked.Attempts), parked.Error, now, string(parked.Verdict), before); err != nil {
			return err
		}
	}
	for _, s := range p.Unpark {
		if _, err := returned(unpark, p.Name, s.Category, s.ID); err != nil {
			return err
		}
	}
	return nil
}

// asFound are the arguments of foundParked.
func asFound(name string, p es.Parked) []any {
	return []any{name, p.Stream.Category, p.Stream.ID, int64(p.Version), int64(p.Attempts)}
}

// values turns arguments into those of this package's connections.
func values(args []any) []driver.Value {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		values[i] = arg
	}
	return values
}

// Record implements [es.Tracker].
func (s *Store) Record(ctx context.Context, p es.Progress) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("recording progress of %.80q: %w", p.Name, err)
	}
	err := s.write(ctx, func(t *tx) error {
		if p.To > t.head {
			return &es.BeyondHeadError{Position: p.To, Head: t.head}
		}
		if err := t.unfenced(p); err != nil {
			return err
		}
		return recording(p, func(text string, args ...any) (bool, error) {
			t.written++
			return t.one(text, func(*row) {}, values(args)...)
		})
	})
	if err != nil {
		return fmt.Errorf("recording progress of %q: %w", p.Name, explainWrite(err))
	}
	return nil
}

// unfenced sees, before anything is written, that the progress can be recorded: a refusal
// must leave the commit to the other operations in it.
func (t *tx) unfenced(p es.Progress) error {
	for _, tried := range p.Tried {
		ok, err := t.one(foundParked, func(*row) {}, values(asFound(p.Name, tried))...)
		if err == nil && !ok {
			err = &es.FencedError{Name: p.Name, Partition: -1, Stream: tried.Stream}
		}
		if err != nil {
			return err
		}
	}
	if len(p.Claims) == 0 {
		var at int64
		_, err := t.one("SELECT position FROM checkpoints WHERE name = ?", func(r *row) { at = r.int(0) }, p.Name)
		if err == nil && es.Position(at) != p.From {
			err = &es.FencedError{Name: p.Name, Partition: -1}
		}
		return err
	}
	for _, c := range p.Claims {
		ok, err := t.one("SELECT 1 FROM partitions WHERE group_name = ? AND partition = ? AND epoch = ? AND position = ?",
			func(*row) {}, p.Name, int64(c.Partition), c.Epoch, int64(p.From))
		if err == nil && !ok {
			err = &es.FencedError{Name: p.Name, Partition: c.Partition}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// RecordTx records progress as [Store.Record] does, in a transaction of the caller's on the same
// file, so that it commits together with rows of the caller's own. After an error the transaction
// must be rolled back.
func (s *Store) RecordTx(ctx context.Context, tx *sql.Tx, p es.Progress) error {
	err := p.Validate()
	if err == nil {
		var head int64
		if err = tx.QueryRowContext(ctx, selectHead).Scan(&head); err == nil && int64(p.To) > head {
			err = &es.BeyondHeadError{Position: p.To, Head: es.Position(head)}
		}
	}
	if err == nil {
		err = recording(p, func(text string, args ...any) (bool, error) {
			var one int
			err := tx.QueryRowContext(ctx, text, args...).Scan(&one)
			if errors.Is(err, sql.ErrNoRows) {
				return false, nil
			}
			return err == nil, err
		})
	}
	if err != nil {
		return fmt.Errorf("recording progress of %.80q: %w", p.Name, explainWrite(err))
	}
	return nil
}

// CheckpointTx returns a checkpoint as [Store.Checkpoint] does, in a transaction of [Store.InTx]: it stays where it
// is until that is over. A position beyond the head is returned as it is.
func (s *Store) CheckpointTx(ctx context.Context, tx *sql.Tx, name string) (p es.Position, err error) {
	err = tx.QueryRowContext(ctx, "SELECT position FROM checkpoints WHERE name = ?", name).Scan(&p)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading checkpoint %.80q: %w", name, err)
	}
	return p, nil
}

// Path returns the path of the file, as it was given to [Open].
func (s *Store) Path() string { return s.path }

// Identity implements [es.Identified]. A copy of the file has the same identity.
func (s *Store) Identity(ctx context.Context) (id es.Identity, err error) {
	err = s.read(ctx, func(c *conn) error {
		_, err := c.one("SELECT id FROM store", func(r *row) { id.Store = r.uuid(0) })
		return err
	})
	if err != nil {
		return es.Identity{}, fmt.Errorf("reading the store's identity: %w", err)
	}
	return id, nil
}

// uuid returns the zero one for NULL.
func (r *row) uuid(column int) (id uuid.UUID) {
	if b := r.bytes(column); b != nil {
		if len(b) != len(id) {
			r.wrong(column)
		}
		copy(id[:], b)
	}
	return id
}

// Parked implements [es.Parking].
func (s *Store) Parked(ctx context.Context, q es.ParkedQuery) (all []es.Parked, err error) {
	if err := q.Validate(); err != nil {
		return nil, fmt.Errorf("reading what %.80q has parked: %w", q.Name, err)
	}
	limit := int64(-1)
	if q.Limit > 0 {
		limit = int64(q.Limit)
	}
	err = s.read(ctx, func(c *conn) error {
		all = nil
		return c.each(`SELECT category, stream, version, position, attempts, error, at, verdict FROM parked
			WHERE name = ? AND (category, stream) > (?, ?) ORDER BY category, stream LIMIT ?`, func(r *row) bool {
			all = append(all, es.Parked{
				Stream:  es.Stream{Category: r.text(0), ID: r.text(1)},
				Version: es.Version(r.int(2)), Position: es.Position(r.int(3)),
				Attempts: int(r.int(4)), Error: r.text(5), At: time.UnixMicro(r.int(6)).UTC(), Verdict: es.Verdict(r.text(7)),
			})
			return true
		}, q.Name, q.After.Category, q.After.ID, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("reading what %q has parked: %w", q.Name, err)
	}
	return all, nil
}

// Decide implements [es.Parking].
func (s *Store) Decide(ctx context.Context, name string, stream es.Stream, v es.Version, verdict es.Verdict) error {
	err := cmp.Or(es.ValidateCheckpointName(name), stream.Validate(), es.ValidateVerdict(verdict))
	if err == nil {
		err = s.write(ctx, func(t *tx) error {
			found, err := t.one("SELECT 1 FROM parked WHERE name = ? AND category = ? AND stream = ? AND version = ?",
				func(*row) {}, name, stream.Category, stream.ID, int64(v))
			if err != nil || !found {
				return cmp.Or(err, es.ErrNotParked)
			}
			_, err = t.exec("UPDATE parked SET verdict = ? WHERE name = ? AND category = ? AND stream = ?", string(verdict), name, stream.Category, stream.ID)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("deciding on version %d of %.120s, parked by %.80q: %w", v, stream.String(), name, explainWrite(err))
	}
	return nil
}
