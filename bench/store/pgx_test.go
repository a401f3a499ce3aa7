package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pgxAccount is what one would write by hand, without a library: one statement for a save, one for a load,
// on a table like the PostgreSQL store's.
type pgxAccount struct {
	pool    *pgxpool.Pool
	table   string
	id      uuid.UUID
	version int64
	pending []Deposited
	state   Tally
}

var errStale = errors.New("the account was changed meanwhile")

func encode(e Deposited) ([]byte, error) { return json.Marshal(e) }

func (a *pgxAccount) deposit(e Deposited) error {
	a.pending = append(a.pending, e)
	a.state.Add(e)
	return nil
}

func (a *pgxAccount) tally() Tally { return a.state }

func (a *pgxAccount) save(ctx context.Context) error {
	added, err := a.insert(ctx)
	if err == nil && added == 0 {
		err = errStale
	}
	if err == nil {
		a.version, a.pending = a.version+added, a.pending[:0]
	}
	return err
}

func (a *pgxAccount) insert(ctx context.Context) (int64, error) {
	if len(a.pending) == 1 {
		data, err := encode(a.pending[0])
		if err != nil {
			return 0, err
		}
		done, err := a.pool.Exec(ctx, `INSERT INTO `+a.table+` (version, recorded_at, id, schema, category, stream, type, data)
			SELECT $1::int8 + 1, now(), $2, 1, 'account', $3, 'account.deposited', $4
			WHERE coalesce((SELECT max(version) FROM `+a.table+` WHERE category = 'account' AND stream = $3), 0) = $1::int8`,
			a.version, uuid.Must(uuid.NewV7()), a.id.String(), string(data))
		return done.RowsAffected(), err
	}
	ids, texts := make([]uuid.UUID, len(a.pending)), make([]string, len(a.pending))
	for i, e := range a.pending {
		data, err := encode(e)
		if err != nil {
			return 0, err
		}
		ids[i], texts[i] = uuid.Must(uuid.NewV7()), string(data)
	}
	done, err := a.pool.Exec(ctx, `INSERT INTO `+a.table+` (version, recorded_at, id, schema, category, stream, type, data)
		SELECT $1::int8 + n, now(), i, 1, 'account', $3, 'account.deposited', d::json
		FROM unnest($2::uuid[], $4::text[]) WITH ORDINALITY AS u (i, d, n)
		WHERE coalesce((SELECT max(version) FROM `+a.table+` WHERE category = 'account' AND stream = $3), 0) = $1::int8`,
		a.version, ids, a.id.String(), texts)
	return done.RowsAffected(), err
}

func newPgx(pool *pgxpool.Pool, table string) library {
	return library{
		name: byHand,
		open: func(id uuid.UUID) account { return &pgxAccount{pool: pool, table: table, id: id} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a := &pgxAccount{pool: pool, table: table, id: id}
			rows, err := pool.Query(ctx, `SELECT version, data FROM `+table+` WHERE category = 'account' AND stream = $1 ORDER BY version`, id.String())
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				var data []byte
				var e Deposited
				if err := rows.Scan(&a.version, &data); err != nil {
					return nil, err
				}
				if err := json.Unmarshal(data, &e); err != nil {
					return nil, err
				}
				a.state.Add(e)
			}
			return a, rows.Err()
		},
	}
}
