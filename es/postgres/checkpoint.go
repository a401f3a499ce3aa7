package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const (
	readCheckpoint = `SELECT position FROM {schema}.checkpoints WHERE name = $1`

	lockCheckpoint = readCheckpoint + ` FOR UPDATE`

	saveCheckpoint = `INSERT INTO {schema}.checkpoints (name, position) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, saved_at = excluded.saved_at`
)

// Checkpoint implements [es.Checkpoints].
func (s *Store) Checkpoint(ctx context.Context, name string) (es.Position, error) {
	if err := es.ValidateCheckpointName(name); err != nil {
		return 0, err
	}
	var p es.Position
	err := s.retry(ctx, func() error {
		err := s.pool.QueryRow(ctx, s.sql.readCheckpoint, name).Scan(&p)
		if errors.Is(err, pgx.ErrNoRows) {
			p, err = 0, nil
		}
		return err
	})
	if err == nil {
		err = s.reached(ctx, p)
	}
	if err != nil {
		err = fmt.Errorf("reading checkpoint %q: %w", name, err)
	}
	return p, err
}

// CheckpointTx returns a checkpoint as [Store.Checkpoint] does, in a transaction of the caller's: it stays where
// it is until that is over. A position beyond the head is returned as it is.
func (s *Store) CheckpointTx(ctx context.Context, tx pgx.Tx, name string) (p es.Position, err error) {
	err = tx.QueryRow(ctx, s.sql.lockCheckpoint, name).Scan(&p)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("reading checkpoint %.80q: %w", name, typed(ctx, err))
	}
	return p, nil
}

// SaveCheckpoint implements [es.Checkpoints]. A position that this process has not passed for an open
// transaction, but another one may have, is waited for up to [LockTimeout], and then refused with an error that matches
// [ErrBlocked]: it passes when the transaction ends, which a position beyond the head does not.
func (s *Store) SaveCheckpoint(ctx context.Context, name string, p es.Position) error {
	if err := cmp.Or(es.ValidateCheckpointName(name), p.Validate()); err != nil {
		return fmt.Errorf("saving checkpoint %q: %w", name, err)
	}
	err := s.reached(ctx, p)
	if err == nil {
		err = s.retry(ctx, func() error {
			_, err := s.pool.Exec(ctx, s.sql.saveCheckpoint, name, int64(p))
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("saving checkpoint %q: %w", name, err)
	}
	return nil
}

// reached refuses a position beyond the head of the feed. One that another process has passed, and this one
// has not, is waited for: it stands at transactions that began since, or can't tell that they did.
func (s *Store) reached(ctx context.Context, p es.Position) error {
	if p == 0 {
		return nil // every feed has a beginning
	}
	deadline := time.Now().Add(s.lockTimeout)
	for attempt := 0; ; attempt++ {
		head, err := s.fence.head(ctx, p)
		if err != nil {
			return err
		}
		if p <= head || !s.fence.committed(p) {
			return s.within(p, head)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("position %d is committed, but open transactions may yet fill a hole after %d (see FeedStatus): %w", p, head, ErrBlocked)
		}
		if err := sleep(ctx, backoff(attempt)); err != nil {
			return err
		}
	}
}
