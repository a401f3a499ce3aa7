package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
)

// RecordTimers implements [es.Timers].
func (s *Store) RecordTimers(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error {
	err := cmp.Or(es.ValidateCheckpointName(name), c.Validate())
	if err == nil {
		err = s.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			if err := s.RecordTx(ctx, tx, p); err != nil {
				return err
			}
			for _, t := range c.Set {
				if _, err := tx.ExecContext(ctx, `INSERT INTO timers (name, id, due, data) VALUES (?, ?, ?, ?)
					ON CONFLICT (name, id) DO UPDATE SET due = excluded.due, data = excluded.data`, name, t.ID, t.Due.UnixMicro(), t.Data); err != nil {
					return err
				}
			}
			for _, id := range c.Clear {
				if _, err := tx.ExecContext(ctx, "DELETE FROM timers WHERE name = ? AND id = ?", name, id); err != nil {
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
	if err == nil && limit <= 0 {
		limit = -1
	}
	if err == nil {
		err = s.read(ctx, func(c *conn) error {
			all = nil
			return c.each("SELECT id, due, data FROM timers WHERE name = ? ORDER BY due, id LIMIT ?", func(r *row) bool {
				all = append(all, es.Timer{ID: r.text(0), Due: time.UnixMicro(r.int(1)).UTC(), Data: r.bytes(2)})
				return true
			}, name, int64(limit))
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
		err = s.write(ctx, func(w *tx) error {
			_, err := w.exec("DELETE FROM timers WHERE name = ? AND id = ? AND due = ?", name, t.ID, t.Due.UnixMicro())
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("clearing timer %.80q of %.80q: %w", t.ID, name, explainWrite(err))
	}
	return nil
}
