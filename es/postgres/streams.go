package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// listStreams hops from stream to stream along the primary key: two probes a
// stream, however many events it has.
const listStreams = `
WITH RECURSIVE hop AS (
	(SELECT stream FROM {schema}.events WHERE category = $1 AND stream > $2 ORDER BY stream LIMIT 1)
	UNION ALL
	SELECT (SELECT e.stream FROM {schema}.events e WHERE e.category = $1 AND e.stream > hop.stream ORDER BY e.stream LIMIT 1)
	FROM hop WHERE hop.stream IS NOT NULL)
SELECT stream, (SELECT e.version FROM {schema}.events e WHERE e.category = $1 AND e.stream = hop.stream ORDER BY e.version DESC LIMIT 1)
FROM hop WHERE stream IS NOT NULL LIMIT $3`

// Streams implements [es.Lister].
func (s *Store) Streams(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
	return func(yield func(es.StreamInfo, error) bool) {
		if err := s.list(ctx, q, func(info es.StreamInfo) bool { return yield(info, nil) }); err != nil {
			yield(es.StreamInfo{}, fmt.Errorf("listing streams of %s: %w", q.Category, err))
		}
	}
}

func (s *Store) list(ctx context.Context, q es.ListQuery, yield func(es.StreamInfo) bool) error {
	const pageRows = 1000
	if err := q.Validate(); err != nil {
		return err
	}
	after := q.After
	for n := 0; ; {
		asked := pageRows
		if q.Limit > 0 {
			asked = min(asked, q.Limit-n)
		}
		var page []es.StreamInfo
		err := s.retry(ctx, func() error {
			rows, err := s.pool.Query(ctx, s.sql.listStreams, q.Category, after, asked)
			if err != nil {
				return err
			}
			page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (es.StreamInfo, error) {
				info := es.StreamInfo{Stream: es.Stream{Category: q.Category}}
				err := row.Scan(&info.Stream.ID, &info.Version)
				return info, err
			})
			return err
		})
		if err != nil {
			return err
		}
		for _, info := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(info) {
				return nil
			}
			after = info.Stream.ID
		}
		if n += len(page); len(page) < asked || q.Limit > 0 && n >= q.Limit {
			return nil
		}
	}
}
