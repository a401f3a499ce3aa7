package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/esgen-go/esgen/es"
)

const (
	readForwards = `SELECT ` + recordedColumns + ` FROM {schema}.events
WHERE category = $1 AND stream = $2 AND version >= $3 ORDER BY version LIMIT $4`

	readBackwards = `SELECT ` + recordedColumns + ` FROM {schema}.events
WHERE category = $1 AND stream = $2 AND version <= $3 ORDER BY version DESC LIMIT $4`

	streamExists = `SELECT EXISTS (SELECT FROM {schema}.events WHERE category = $1 AND stream = $2)`
)

// Read implements [es.Store].
func (s *Store) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		if err := s.read(ctx, q, func(rec es.Recorded) bool { return yield(rec, nil) }); err != nil {
			yield(es.Recorded{}, fmt.Errorf("reading %s: %w", q.Stream, err))
		}
	}
}

func (s *Store) read(ctx context.Context, q es.ReadQuery, yield func(es.Recorded) bool) error {
	if err := q.Validate(); err != nil {
		return err
	}
	sql, step, next := s.sql.readForwards, es.Version(1), max(q.From, 1)
	if q.Backwards {
		sql, step, next = s.sql.readBackwards, -1, q.From
		if next <= 0 {
			next = math.MaxInt64
		}
	}
	p := s.pager(q.Limit)
	page := recordedPages.Get().(*recordedPage)
	defer page.free()
	for n := 0; ; {
		asked := p.rows
		if q.Limit > 0 {
			asked = min(asked, q.Limit-n)
		}
		cut, err := p.query(ctx, sql, []any{q.Stream.Category, q.Stream.ID, int64(next), asked}, page.reset, page.add)
		if err != nil {
			return err
		}
		if n == 0 && len(page.events) == 0 {
			return s.missing(ctx, q.Stream)
		}
		for i := range page.events {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(page.events[i]) {
				return nil
			}
			next = page.events[i].Version + step
		}
		n += len(page.events)
		if !cut && len(page.events) < asked || next < 1 || q.Limit > 0 && n >= q.Limit {
			return nil
		}
	}
}

// missing returns [es.ErrNotFound] unless the stream exists.
func (s *Store) missing(ctx context.Context, stream es.Stream) error {
	var exists bool
	err := s.retry(ctx, func() error {
		return s.pool.QueryRow(ctx, s.sql.streamExists, stream.Category, stream.ID).Scan(&exists)
	})
	if err == nil && !exists {
		return es.ErrNotFound
	}
	return err
}
