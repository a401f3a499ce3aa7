package sqlite

import (
	"cmp"
	"context"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

// Checkpoint implements [es.Checkpoints].
func (s *Store) Checkpoint(ctx context.Context, name string) (es.Position, error) {
	if err := es.ValidateCheckpointName(name); err != nil {
		return 0, fmt.Errorf("reading checkpoint: %w", err)
	}
	var p, head es.Position
	err := s.read(ctx, func(c *conn) error {
		_, err := c.one(`SELECT position, (SELECT coalesce(max(position), 0) FROM events)
			FROM checkpoints WHERE name = ?`, func(r *row) {
			p, head = es.Position(r.int(0)), es.Position(r.int(1))
		}, name)
		return err
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading checkpoint %q: %w", name, err)
	case p > head:
		return p, fmt.Errorf("reading checkpoint %q: %w", name, &es.BeyondHeadError{Position: p, Head: head})
	}
	return p, nil
}

// SaveCheckpoint implements [es.Checkpoints].
func (s *Store) SaveCheckpoint(ctx context.Context, name string, p es.Position) error {
	if err := cmp.Or(es.ValidateCheckpointName(name), p.Validate()); err != nil {
		return fmt.Errorf("saving checkpoint %.80q: %w", name, err)
	}
	err := s.write(ctx, func(t *tx) error {
		if p > t.head {
			return &es.BeyondHeadError{Position: p, Head: t.head}
		}
		_, err := t.exec(`INSERT INTO checkpoints (name, position) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position`, name, int64(p))
		return err
	})
	if err != nil {
		return fmt.Errorf("saving checkpoint %q: %w", name, explainWrite(err))
	}
	return nil
}
