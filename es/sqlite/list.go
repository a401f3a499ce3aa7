package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/esgen-go/esgen/es"
)

// Streams implements [es.Lister].
func (s *Store) Streams(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
	return func(yield func(es.StreamInfo, error) bool) {
		fail := func(err error) { yield(es.StreamInfo{}, fmt.Errorf("listing streams of %s: %w", q.Category, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		after, left := q.After, math.MaxInt
		if q.Limit > 0 {
			left = q.Limit
		}
		var p page[es.StreamInfo]
		for {
			err := s.read(ctx, func(c *conn) error {
				p.reset()
				return c.each(`SELECT id, (SELECT max(version) FROM events WHERE stream = key)
					FROM streams WHERE category = ? AND id > ? ORDER BY id LIMIT ?`, func(r *row) bool {
					return p.add(es.StreamInfo{
						Stream:  es.Stream{Category: q.Category, ID: r.text(0)},
						Version: es.Version(r.int(1)),
					}, 0)
				}, q.Category, after, int64(min(left, pageRows)))
			})
			if err != nil {
				fail(err)
				return
			}
			for _, info := range p.items {
				if err := ctx.Err(); err != nil {
					fail(err)
					return
				}
				if !yield(info, nil) {
					return
				}
				after = info.Stream.ID
			}
			if left -= len(p.items); p.done || left <= 0 {
				return
			}
		}
	}
}
