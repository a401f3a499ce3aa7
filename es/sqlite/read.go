package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/esgen-go/esgen/es"
)

// Read implements [es.Store].
func (s *Store) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		fail := func(err error) { yield(es.Recorded{}, fmt.Errorf("reading %s: %w", q.Stream, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		r := reading{store: s, query: q, left: math.MaxInt}
		if q.Limit > 0 {
			r.left = q.Limit
		}
		for fetch := r.first; ; fetch = r.next {
			if err := s.read(ctx, fetch); err != nil {
				fail(err)
				return
			}
			for _, rec := range r.page.items {
				if err := ctx.Err(); err != nil {
					fail(err)
					return
				}
				if !yield(rec, nil) {
					return
				}
			}
			if r.left -= len(r.page.items); r.page.done || r.left <= 0 {
				return
			}
		}
	}
}

// reading is a read of one stream on its way.
type reading struct {
	store *Store
	query es.ReadQuery
	key   int64
	from  es.Version // the next to read
	last  es.Version // of the stream as the read began
	left  int        // of the limit
	page  page[es.Recorded]
}

// selectStream returns the key and the version of a stream.
const selectStream = `SELECT key, (SELECT max(version) FROM events WHERE stream = key)
	FROM streams WHERE category = ? AND id = ?`

// first finds the stream and fetches the first page.
func (r *reading) first(c *conn) error {
	found, err := c.one(selectStream, func(row *row) {
		r.key, r.last = row.int(0), es.Version(row.int(1))
	}, r.query.Stream.Category, r.query.Stream.ID)
	switch {
	case err != nil:
		return err
	case !found:
		return es.ErrNotFound
	case !r.query.Backwards:
		r.from = max(r.query.From, 1)
	case r.query.From > 0:
		r.from = min(r.query.From, r.last)
	default:
		r.from = r.last
	}
	return r.next(c)
}

const readColumns = "SELECT version, position, type, recorded_at, id, meta, data FROM events "

// next fetches a page.
func (r *reading) next(c *conn) error {
	text := readColumns + "WHERE stream = ? AND version BETWEEN ? AND ? ORDER BY version LIMIT ?"
	low, high := r.from, r.last
	if r.query.Backwards {
		text = readColumns + "WHERE stream = ? AND version BETWEEN ? AND ? ORDER BY version DESC LIMIT ?"
		low, high = 1, r.from
	}
	from := r.from
	r.page.reset()
	err := c.each(text, func(row *row) bool {
		rec := r.store.scanRecorded(c, row)
		rec.Stream = r.query.Stream
		from = rec.Version
		return r.page.add(rec, len(rec.Data))
	}, r.key, int64(low), int64(high), int64(min(r.left, pageRows)))
	if err != nil {
		return err
	}
	if r.from = from + 1; r.query.Backwards {
		r.from = from - 1
	}
	return nil
}
