package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

// ReadModelTx returns what is known of a read model, as the transaction sees it.
func (s *Store) ReadModelTx(ctx context.Context, tx *sql.Tx, name string) (es.ReadModel, error) {
	m, err := readModel(ctx, tx, name)
	if err != nil {
		return es.ReadModel{}, fmt.Errorf("reading the versions of read model %.80q: %w", name, err)
	}
	return m, nil
}

func readModel(ctx context.Context, tx *sql.Tx, name string) (es.ReadModel, error) {
	m := es.ReadModel{Name: name}
	var versions, partitions string
	err := tx.QueryRowContext(ctx, "SELECT serving, versions, partitions FROM read_models WHERE name = ?", name).Scan(&m.Serving, &versions, &partitions)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(versions), &m.Versions)
	}
	if err == nil {
		err = json.Unmarshal([]byte(partitions), &m.Partitions)
	}
	return m, err
}

// ChangeReadModelTx changes what is known of a read model, in a transaction of [Store.InTx]: nobody else
// changes it until that is over.
func (s *Store) ChangeReadModelTx(ctx context.Context, tx *sql.Tx, name string, change func(*es.ReadModel) error) error {
	err := es.ValidateCheckpointName(name)
	var m es.ReadModel
	if err == nil {
		m, err = readModel(ctx, tx, name)
	}
	if err == nil {
		err = change(&m)
	}
	if err == nil {
		versions, _ := json.Marshal(append([]int{}, m.Versions...)) // integers always can be
		partitions, _ := json.Marshal(append([]int{}, m.Partitions...))
		_, err = tx.ExecContext(ctx, `INSERT INTO read_models (name, serving, versions, partitions) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET serving = excluded.serving, versions = excluded.versions, partitions = excluded.partitions`,
			name, m.Serving, string(versions), string(partitions))
	}
	if err != nil {
		return fmt.Errorf("changing the versions of read model %.80q: %w", name, explainWrite(err))
	}
	return nil
}

// forgetting removes what readers have recorded under a name.
var forgetting = []string{
	"DELETE FROM checkpoints WHERE name = ?",
	"DELETE FROM partitions WHERE group_name = ?",
	"DELETE FROM members WHERE group_name = ?",
	"DELETE FROM groups WHERE name = ?",
	"DELETE FROM parked WHERE name = ?",
}

// ForgetTx removes all that readers of the feed have recorded under a name: the checkpoint, the group, what
// is parked. Who still works under the name is fenced off, unless it is at position 0.
func (s *Store) ForgetTx(ctx context.Context, tx *sql.Tx, name string) error {
	if err := es.ValidateCheckpointName(name); err != nil {
		return fmt.Errorf("forgetting: %w", err)
	}
	for _, text := range forgetting {
		if _, err := tx.ExecContext(ctx, text, name); err != nil {
			return fmt.Errorf("forgetting %q: %w", name, explainWrite(err))
		}
	}
	return nil
}
