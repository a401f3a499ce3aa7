package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"iter"
	"math"

	"github.com/esgen-go/esgen/es"
)

const selectHead = "SELECT coalesce(max(position), 0) FROM events"

// Head implements [es.Feed].
func (s *Store) Head(ctx context.Context) (head es.Position, err error) {
	err = s.read(ctx, func(c *conn) error {
		_, err := c.one(selectHead, func(r *row) { head = es.Position(r.int(0)) })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reading the head of the feed: %w", err)
	}
	return head, nil
}

// ReadAll implements [es.Feed].
func (s *Store) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		fail := func(err error) {
			yield(es.Recorded{}, fmt.Errorf("reading the feed after position %d: %w", q.After, err))
		}
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		scanned := func(p es.Position) {
			if q.Scanned != nil {
				*q.Scanned = p
			}
		}
		scanned(q.After)
		f := feeding{store: s, query: q, after: q.After, left: math.MaxInt}
		if q.Limit > 0 {
			f.left = q.Limit
		}
		for fetch := f.first; ; fetch = f.next {
			if err := s.read(ctx, fetch); err != nil {
				fail(err)
				return
			}
			for i := range f.page.items {
				if err := ctx.Err(); err != nil {
					fail(err)
					return
				}
				scanned(f.page.items[i].Position)
				if !yield(f.page.items[i], nil) {
					return
				}
			}
			if f.left -= len(f.page.items); f.left <= 0 {
				return
			}
			scanned(f.after)
			if f.after >= f.upTo {
				return
			}
		}
	}
}

// feeding is a read of the feed on its way.
type feeding struct {
	store             *Store
	query             es.FeedQuery
	categories, types driver.Value // filters as JSON arrays, nil for none
	after             es.Position  // looked at so far
	upTo              es.Position  // the last to look at
	left              int          // of the limit
	page              page[es.Recorded]
}

// filterSpan bounds how many positions a filtered page looks at, so that a filter
// that matches little stops soon when it is told to.
const filterSpan = 10_000

// first finds the head and fetches the first page.
func (f *feeding) first(c *conn) error {
	var head es.Position
	if _, err := c.one(selectHead, func(r *row) { head = es.Position(r.int(0)) }); err != nil {
		return err
	}
	if f.query.After > head {
		return &es.BeyondHeadError{Position: f.query.After, Head: head}
	}
	f.upTo = head
	if f.query.UpTo > 0 {
		f.upTo = min(head, f.query.UpTo)
	}
	f.categories, f.types = filter(f.query.Categories), filter(f.query.Types)
	return f.next(c)
}

func filter(names []string) driver.Value {
	if len(names) == 0 {
		return nil
	}
	text, _ := json.Marshal(names) // strings always can be
	return string(text)
}

const feedColumns = `SELECT e.version, e.position, e.type, e.recorded_at, e.id, e.meta, e.data, s.category, s.id
	FROM events e JOIN streams s ON s.key = e.stream `

// next fetches a page.
func (f *feeding) next(c *conn) error {
	f.page.reset()
	if f.after >= f.upTo {
		return nil
	}
	text, upTo := feedColumns+"WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?", f.upTo
	args := []driver.Value{int64(f.after), nil, int64(min(f.left, pageRows))}
	if f.categories != nil || f.types != nil {
		text = feedColumns + `WHERE e.position > ? AND e.position <= ?
			AND (?4 IS NULL OR s.category IN (SELECT value FROM json_each(?4)))
			AND (?5 IS NULL OR e.type IN (SELECT key FROM types WHERE name IN (SELECT value FROM json_each(?5))))
			ORDER BY e.position LIMIT ?3`
		args = append(args, f.categories, f.types)
		if upTo-f.after > filterSpan {
			upTo = f.after + filterSpan
		}
	}
	args[1] = int64(upTo)
	err := c.each(text, func(r *row) bool {
		rec := f.store.scanRecorded(c, r)
		rec.Stream = es.Stream{Category: r.text(7), ID: r.text(8)}
		return f.page.add(rec, len(rec.Data))
	}, args...)
	if err != nil {
		return err
	}
	if n := len(f.page.items); n > 0 && (!f.page.done || n >= f.left) {
		upTo = f.page.items[n-1].Position // the page is full: what follows was not looked at
	}
	f.after = upTo
	return nil
}
