package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

const readRestores = `SELECT head, beyond FROM {schema}.restores`

// lostRange are positions above head, up to beyond, which were given before an older backup was
// restored. Their events are lost, and no other event gets them: the schema's function restored sees
// to that.
type lostRange struct{ head, beyond es.Position }

// readLost reads what restores have lost. It is called when the fence starts: no store is open
// during a restore.
func (f *fence) readLost(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, f.store.sql.readRestores)
	if err != nil {
		return err
	}
	lost, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l lostRange, err error) {
		err = row.Scan(&l.head, &l.beyond)
		return l, err
	})
	if err != nil {
		return err
	}
	f.state.Lock()
	defer f.state.Unlock()
	f.lost = lost
	return nil
}

// within refuses a position that the feed has not reached, or had reached only before a restore: who stored
// it has seen events that are lost, which new appends must not hide.
func (s *Store) within(p, head es.Position) error {
	if p > head {
		return &es.BeyondHeadError{Position: p, Head: head}
	}
	s.fence.state.Lock()
	defer s.fence.state.Unlock()
	for _, l := range s.fence.lost {
		if l.head < p && p <= l.beyond {
			return &es.BeyondHeadError{Position: p, Head: l.head}
		}
	}
	return nil
}
