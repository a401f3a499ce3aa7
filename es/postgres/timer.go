package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const (
	setTimer = `INSERT INTO {schema}.timers (name, id, due, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (name, id) DO UPDATE SET due = excluded.due, data = excluded.data`

	clearTimer = `DELETE FROM {schema}.timers WHERE name = $1 AND id = $2`

	clearTimerDue = `DELETE FROM {schema}.timers WHERE name = $1 AND id = $2 AND due = $3`

	readTimers = `SELECT id, due, data FROM {schema}.timers WHERE name = $1 ORDER BY due, id LIMIT $2`
)

// RecordTimers implements [es.Timers].
func (s *Store) RecordTimers(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error {
	err := cmp.Or(es.ValidateCheckpointName(name), c.Validate())
	if err == nil {
		err = s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if err := s.RecordTx(ctx, tx, p); err != nil {
				return err
			}
			for _, t := range c.Set {
				if _, err := tx.Exec(ctx, s.sql.setTimer, name, t.ID, t.Due, t.Data); err != nil {
					return err
				}
			}
			for _, id := range c.Clear {
				if _, err := tx.Exec(ctx, s.sql.clearTimer, name, id); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("recording the timers of %.80q: %w", name, err)
	}
	return nil
}

// Timers implements [es.Timers].
func (s *Store) Timers(ctx context.Context, name string, limit int) (all []es.Timer, err error) {
	err = es.ValidateCheckpointName(name)
	var most *int
	if limit > 0 {
		most = &limit
	}
	if err == nil {
		err = s.retry(ctx, func() error {
			rows, err := s.pool.Query(ctx, s.sql.readTimers, name, most)
			if err != nil {
				return err
			}
			all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t es.Timer, err error) {
				err = row.Scan(&t.ID, &t.Due, &t.Data)
				t.Due = t.Due.UTC()
				return t, err
			})
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the timers of %.80q: %w", name, err)
	}
	return all, nil
}

// ClearTimer implements [es.Timers].
func (s *Store) ClearTimer(ctx context.Context, name string, t es.Timer) error {
	err := cmp.Or(es.ValidateCheckpointName(name), es.TimerChanges{Set: []es.Timer{t}}.Validate())
	if err == nil {
		err = s.retry(ctx, func() error {
			_, err := s.pool.Exec(ctx, s.sql.clearTimerDue, name, t.ID, t.Due)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("clearing timer %.80q of %.80q: %w", t.ID, name, err)
	}
	return nil
}
