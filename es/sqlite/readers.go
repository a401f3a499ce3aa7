package sqlite

import (
	"context"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

const readReaders = `SELECT name, 0 AS n, position, 0, (SELECT count(*) FROM parked p WHERE p.name = c.name) FROM checkpoints c
	UNION ALL SELECT name, partitions, (SELECT min(position) FROM partitions p WHERE p.group_name = g.name),
		(SELECT count(*) FROM members m WHERE m.group_name = g.name), (SELECT count(*) FROM parked p WHERE p.name = g.name) FROM groups g
	ORDER BY 1, 2`

// Readers implements [es.Readers].
func (s *Store) Readers(ctx context.Context) (all []es.Reader, err error) {
	err = s.read(ctx, func(c *conn) error {
		all = nil
		return c.each(readReaders, func(r *row) bool {
			all = append(all, es.Reader{Name: r.text(0), Partitions: int(r.int(1)), Position: es.Position(r.int(2)), Members: int(r.int(3)), Parked: int(r.int(4))})
			return true
		})
	})
	if err != nil {
		return nil, fmt.Errorf("listing the readers: %w", err)
	}
	return all, nil
}

// Forget implements [es.Readers].
func (s *Store) Forget(ctx context.Context, name string) error {
	err := es.ValidateCheckpointName(name)
	if err == nil {
		err = s.write(ctx, func(t *tx) error { return t.forget(name) })
	}
	if err != nil {
		return fmt.Errorf("forgetting reader %.80q: %w", name, explainWrite(err))
	}
	return nil
}

func (t *tx) forget(name string) error {
	var members, kept int64
	_, err := t.one(`SELECT (SELECT count(*) FROM members WHERE group_name = ?1),
		(SELECT count(*) FROM checkpoints WHERE name = ?1) + (SELECT count(*) FROM groups WHERE name = ?1) + (SELECT count(*) FROM parked WHERE name = ?1)`,
		func(r *row) { members, kept = r.int(0), r.int(1) }, name)
	switch {
	case err != nil:
		return err
	case members > 0:
		return fmt.Errorf("the group has %d members: %w", members, es.ErrInUse)
	case kept == 0:
		return es.ErrNotFound
	}
	for _, text := range forgetting {
		if _, err := t.exec(text, name); err != nil {
			return err
		}
	}
	return nil
}
