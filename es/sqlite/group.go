package sqlite

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Beat implements [es.Groups].
func (s *Store) Beat(ctx context.Context, m es.Membership) (es.GroupState, error) {
	if err := m.Validate(); err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %.80q: %w", m.Group, err)
	}
	group, n := m.Group, m.Partitions
	var state es.GroupState // the writer's, which may be at work yet when the context ends
	err := s.write(ctx, func(t *tx) error {
		has := 0
		if _, err := t.one("SELECT partitions FROM groups WHERE name = ?", func(r *row) { has = int(r.int(0)) }, group); err != nil {
			return err
		}
		if has != 0 && has != n {
			return &es.PartitionsError{Group: group, Want: n, Has: has}
		}
		if has == 0 {
			if _, err := t.exec("INSERT INTO groups (name, partitions) VALUES (?, ?)", group, int64(n)); err != nil {
				return err
			}
			for i := range n {
				if _, err := t.exec("INSERT INTO partitions (group_name, partition, epoch, position) VALUES (?, ?, 0, ?)", group, int64(i), int64(m.Start)); err != nil {
					return err
				}
			}
		}
		if _, err := t.exec(`INSERT INTO members (group_name, member, beat) VALUES (?, ?, 1)
			ON CONFLICT (group_name, member) DO UPDATE SET beat = beat + 1`, group, m.Member[:]); err != nil {
			return err
		}
		var err error
		state, err = t.group(group)
		return err
	})
	if err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %q: %w", group, explainWrite(err))
	}
	return state, nil
}

// group reads a group's state; one that is empty does not exist.
func (c *conn) group(group string) (state es.GroupState, err error) {
	err = c.each("SELECT partition, epoch, owner, position FROM partitions WHERE group_name = ? ORDER BY partition", func(r *row) bool {
		state.Partitions = append(state.Partitions, es.Partition{
			Claim: es.Claim{Partition: int(r.int(0)), Epoch: r.int(1)}, Owner: r.uuid(2), Position: es.Position(r.int(3)),
		})
		return true
	}, group)
	if err == nil {
		err = c.each("SELECT member, beat FROM members WHERE group_name = ? ORDER BY member", func(r *row) bool {
			state.Members = append(state.Members, es.Member{ID: r.uuid(0), Beat: r.int(1)})
			return true
		}, group)
	}
	return state, err
}

// Group implements [es.Groups].
func (s *Store) Group(ctx context.Context, group string) (state es.GroupState, err error) {
	err = es.ValidateCheckpointName(group)
	if err == nil {
		err = s.read(ctx, func(c *conn) (err error) {
			state, err = c.group(group)
			return err
		})
	}
	if err == nil && len(state.Partitions) == 0 {
		err = es.ErrNotFound
	}
	if err != nil {
		return es.GroupState{}, fmt.Errorf("reading group %.80q: %w", group, err)
	}
	return state, nil
}

// Claim implements [es.Groups].
func (s *Store) Claim(ctx context.Context, group string, c es.Claim, member uuid.UUID) (es.Partition, error) {
	var p es.Partition // the writer's, as in Beat
	err := s.write(ctx, func(t *tx) error {
		found, err := t.one("SELECT position FROM partitions WHERE group_name = ? AND partition = ? AND epoch = ?", func(r *row) {
			p = es.Partition{Claim: es.Claim{Partition: c.Partition, Epoch: c.Epoch + 1}, Owner: member, Position: es.Position(r.int(0))}
		}, group, int64(c.Partition), c.Epoch)
		if err != nil {
			return err
		}
		if !found {
			return &es.FencedError{Name: group, Partition: c.Partition}
		}
		return t.setOwner(group, c, member[:])
	})
	if err != nil {
		return es.Partition{}, fmt.Errorf("claiming partition %d of group %q: %w", c.Partition, group, explainWrite(err))
	}
	return p, nil
}

// setOwner gives a partition another owner, nil for nobody, and with that another epoch, if
// it still has the claim's.
func (t *tx) setOwner(group string, c es.Claim, owner []byte) error {
	var value any
	if owner != nil {
		value = owner
	}
	_, err := t.exec("UPDATE partitions SET owner = ?, epoch = epoch + 1 WHERE group_name = ? AND partition = ? AND epoch = ?",
		value, group, int64(c.Partition), c.Epoch)
	return err
}

// Release implements [es.Groups].
func (s *Store) Release(ctx context.Context, group string, claims []es.Claim) error {
	err := s.write(ctx, func(t *tx) error {
		for _, c := range claims {
			if err := t.setOwner(group, c, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("releasing partitions of group %q: %w", group, explainWrite(err))
	}
	return nil
}

// Leave implements [es.Groups].
func (s *Store) Leave(ctx context.Context, group string, member uuid.UUID, beat int64) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec("DELETE FROM members WHERE group_name = ?1 AND member = ?2 AND (?3 = 0 OR beat = ?3)", group, member[:], beat)
		return err
	})
	if err != nil {
		return fmt.Errorf("leaving group %q: %w", group, explainWrite(err))
	}
	return nil
}
