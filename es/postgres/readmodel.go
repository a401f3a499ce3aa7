package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const (
	readReadModel = `SELECT serving, versions, partitions FROM {schema}.read_models WHERE name = $1`

	// lockReadModel makes the row, so that there is one to lock.
	lockReadModel = `INSERT INTO {schema}.read_models (name) VALUES ($1)
ON CONFLICT (name) DO UPDATE SET serving = read_models.serving RETURNING serving, versions, partitions`

	saveReadModel = `UPDATE {schema}.read_models SET serving = $2, versions = $3, partitions = $4 WHERE name = $1`

	forget = `WITH c AS (DELETE FROM {schema}.checkpoints WHERE name = $1),
	p AS (DELETE FROM {schema}.partitions WHERE group_name = $1),
	m AS (DELETE FROM {schema}.members WHERE group_name = $1),
	g AS (DELETE FROM {schema}.groups WHERE name = $1)
DELETE FROM {schema}.parked WHERE name = $1`
)

// ReadModelTx returns what is known of a read model, as the transaction sees it.
func (s *Store) ReadModelTx(ctx context.Context, tx pgx.Tx, name string) (es.ReadModel, error) {
	m := es.ReadModel{Name: name}
	err := tx.QueryRow(ctx, s.sql.readReadModel, name).Scan(&m.Serving, &m.Versions, &m.Partitions)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return m, fmt.Errorf("reading the versions of read model %.80q: %w", name, typed(ctx, err))
	}
	return m, nil
}

// ChangeReadModelTx changes what is known of a read model, in a transaction of the caller's: nobody else
// changes it until that is over.
func (s *Store) ChangeReadModelTx(ctx context.Context, tx pgx.Tx, name string, change func(*es.ReadModel) error) error {
	m := es.ReadModel{Name: name}
	err := es.ValidateCheckpointName(name)
	if err == nil {
		err = typed(ctx, tx.QueryRow(ctx, s.sql.lockReadModel, name).Scan(&m.Serving, &m.Versions, &m.Partitions))
	}
	if err == nil {
		err = change(&m)
	}
	if err == nil {
		_, err = tx.Exec(ctx, s.sql.saveReadModel, name, m.Serving, append([]int{}, m.Versions...), append([]int{}, m.Partitions...))
		err = typed(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("changing the versions of read model %.80q: %w", name, err)
	}
	return nil
}

// ForgetTx removes all that readers of the feed have recorded under a name: the checkpoint, the group, what
// is parked. Who still works under the name is fenced off, unless it is at position 0.
func (s *Store) ForgetTx(ctx context.Context, tx pgx.Tx, name string) error {
	err := es.ValidateCheckpointName(name)
	if err == nil {
		_, err = tx.Exec(ctx, s.sql.forget, name)
		err = typed(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("forgetting %.80q: %w", name, err)
	}
	return nil
}
