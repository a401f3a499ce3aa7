package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const (
	readReaders = `SELECT name, 0 AS n, position, 0::bigint, (SELECT count(*) FROM {schema}.parked p WHERE p.name = c.name) FROM {schema}.checkpoints c
UNION ALL SELECT name, partitions, (SELECT min(position) FROM {schema}.partitions p WHERE p.group_name = g.name),
	(SELECT count(*) FROM {schema}.members m WHERE m.group_name = g.name), (SELECT count(*) FROM {schema}.parked p WHERE p.name = g.name) FROM {schema}.groups g
ORDER BY 1, 2`

	readReader = `SELECT (SELECT count(*) FROM {schema}.members WHERE group_name = $1), (SELECT count(*) FROM {schema}.groups WHERE name = $1)
	+ (SELECT count(*) FROM {schema}.checkpoints WHERE name = $1) + (SELECT count(*) FROM {schema}.parked WHERE name = $1)`
)

// Readers implements [es.Readers].
func (s *Store) Readers(ctx context.Context) (all []es.Reader, err error) {
	err = s.retry(ctx, func() error {
		rows, err := s.pool.Query(ctx, s.sql.readReaders)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r es.Reader, err error) {
			return r, row.Scan(&r.Name, &r.Partitions, &r.Position, &r.Members, &r.Parked)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the readers: %w", err)
	}
	return all, nil
}

// Forget implements [es.Readers]. After a lost connection it may say that there is nothing, since it was forgotten
// already.
func (s *Store) Forget(ctx context.Context, name string) error {
	err := es.ValidateCheckpointName(name)
	if err == nil {
		err = s.retry(ctx, func() error {
			return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
				var members, kept int
				err := tx.QueryRow(ctx, s.sql.readReader, name).Scan(&members, &kept)
				switch {
				case err != nil:
					return err
				case members > 0:
					return fmt.Errorf("the group has %d members: %w", members, es.ErrInUse)
				case kept == 0:
					return es.ErrNotFound
				}
				return s.ForgetTx(ctx, tx, name) // a member that joins at this moment makes the group anew
			})
		})
	}
	if err != nil {
		return fmt.Errorf("forgetting reader %.80q: %w", name, err)
	}
	return nil
}
