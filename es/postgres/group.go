package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const (
	createGroup = `WITH created AS (
	INSERT INTO {schema}.groups (name, partitions) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name, partitions)
INSERT INTO {schema}.partitions (group_name, partition, position) SELECT name, n, $3 FROM created, generate_series(0, partitions - 1) n`

	beat = `INSERT INTO {schema}.members (group_name, member, beat) SELECT name, $3, 1 FROM {schema}.groups WHERE name = $1 AND partitions = $2
ON CONFLICT (group_name, member) DO UPDATE SET beat = members.beat + 1`

	// readGroup returns partitions, then members.
	readGroup = `SELECT partition, epoch, owner, position FROM {schema}.partitions WHERE group_name = $1
UNION ALL SELECT NULL, beat, member, NULL FROM {schema}.members WHERE group_name = $1
ORDER BY 1 NULLS LAST, 3`

	readPartitions = `SELECT partitions FROM {schema}.groups WHERE name = $1`

	// claim does not wait for a transaction that records the partition's progress: its process may be paused, and
	// would keep every member that claims from its own work.
	claim = `WITH free AS MATERIALIZED (
	SELECT FROM {schema}.partitions WHERE group_name = $1 AND partition = $2 AND epoch = $3 FOR UPDATE SKIP LOCKED)
UPDATE {schema}.partitions SET owner = $4, epoch = epoch + 1
WHERE group_name = $1 AND partition = $2 AND epoch = $3 AND EXISTS (SELECT FROM free) RETURNING epoch, position`

	release = `UPDATE {schema}.partitions p SET owner = NULL, epoch = p.epoch + 1
FROM unnest($2::int4[], $3::int8[]) AS c (partition, epoch)
WHERE p.group_name = $1 AND p.partition = c.partition AND p.epoch = c.epoch`

	leave = `DELETE FROM {schema}.members WHERE group_name = $1 AND member = $2 AND ($3 = 0 OR beat = $3)`
)

// Beat implements [es.Groups].
func (s *Store) Beat(ctx context.Context, m es.Membership) (state es.GroupState, err error) {
	if err := m.Validate(); err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %.80q: %w", m.Group, err)
	}
	group, n := m.Group, m.Partitions
	err = s.retry(ctx, func() error {
		for {
			tag, err := s.pool.Exec(ctx, s.sql.beat, group, n, m.Member)
			if err != nil {
				return err
			}
			if tag.RowsAffected() > 0 {
				state, err = s.group(ctx, group)
				return err
			}
			var has int
			err = s.pool.QueryRow(ctx, s.sql.readPartitions, group).Scan(&has)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				if _, err := s.pool.Exec(ctx, s.sql.createGroup, group, n, int64(m.Start)); err != nil {
					return err
				}
			case err != nil:
				return err
			case has != n:
				return &es.PartitionsError{Group: group, Want: n, Has: has}
			}
		}
	})
	if err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %q: %w", group, err)
	}
	return state, nil
}

// group reads a group's state, in one snapshot; one that is empty does not exist.
func (s *Store) group(ctx context.Context, group string) (state es.GroupState, err error) {
	rows, err := s.pool.Query(ctx, s.sql.readGroup, group)
	if err != nil {
		return state, err
	}
	var (
		partition *int
		number    int64
		id        *uuid.UUID
		position  *es.Position
	)
	_, err = pgx.ForEachRow(rows, []any{&partition, &number, &id, &position}, func() error {
		if partition == nil {
			state.Members = append(state.Members, es.Member{ID: *id, Beat: number})
			return nil
		}
		p := es.Partition{Claim: es.Claim{Partition: *partition, Epoch: number}, Position: *position}
		if id != nil {
			p.Owner = *id
		}
		state.Partitions = append(state.Partitions, p)
		return nil
	})
	return state, err
}

// Group implements [es.Groups].
func (s *Store) Group(ctx context.Context, group string) (state es.GroupState, err error) {
	err = es.ValidateCheckpointName(group)
	if err == nil {
		err = s.retry(ctx, func() (err error) {
			state, err = s.group(ctx, group)
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
	p := es.Partition{Claim: es.Claim{Partition: c.Partition}, Owner: member}
	err := s.retry(ctx, func() error {
		err := s.pool.QueryRow(ctx, s.sql.claim, group, c.Partition, c.Epoch, member).Scan(&p.Epoch, &p.Position)
		if errors.Is(err, pgx.ErrNoRows) { // also if a repeated call has claimed it before: it is claimed anew then
			err = &es.FencedError{Name: group, Partition: c.Partition}
		}
		return err
	})
	if err != nil {
		return es.Partition{}, fmt.Errorf("claiming partition %d of group %q: %w", c.Partition, group, err)
	}
	return p, nil
}

// Release implements [es.Groups].
func (s *Store) Release(ctx context.Context, group string, claims []es.Claim) error {
	partitions, epochs := make([]int32, len(claims)), make([]int64, len(claims))
	for i, c := range claims {
		partitions[i], epochs[i] = int32(c.Partition), c.Epoch
	}
	err := s.retry(ctx, func() error {
		_, err := s.pool.Exec(ctx, s.sql.release, group, partitions, epochs)
		return err
	})
	if err != nil {
		return fmt.Errorf("releasing partitions of group %q: %w", group, err)
	}
	return nil
}

// Leave implements [es.Groups].
func (s *Store) Leave(ctx context.Context, group string, member uuid.UUID, beat int64) error {
	err := s.retry(ctx, func() error {
		_, err := s.pool.Exec(ctx, s.sql.leave, group, member, beat)
		return err
	})
	if err != nil {
		return fmt.Errorf("leaving group %q: %w", group, err)
	}
	return nil
}
