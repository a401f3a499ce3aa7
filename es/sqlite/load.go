package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"iter"
	"math"
	"sync"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Load implements [es.Store].
func (s *Store) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return func(yield func(es.Row, error) bool) {
		fail := func(err error) { yield(es.Row{}, fmt.Errorf("loading %s: %w", q.Stream, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		l := loads.Get().(*loading)
		defer l.release()
		l.store, l.query = s, q
		for fetch := l.first; ; fetch = l.next {
			if err := s.read(ctx, fetch); err != nil {
				fail(err)
				return
			}
			for i := range l.page.items {
				if i > 0 {
					if err := ctx.Err(); err != nil {
						fail(err)
						return
					}
				}
				if !yield(l.page.items[i], nil) {
					return
				}
			}
			if l.page.done {
				return
			}
		}
	}
}

// loads keeps the pages of loads for the next.
var loads = sync.Pool{New: func() any { return new(loading) }}

// loading is a load on its way.
type loading struct {
	store *Store
	query es.LoadQuery
	key   int64
	from  es.Version // the next to read
	last  es.Version // the last to read
	until int64      // recorded_at of the last to read
	page  page[es.Row]
}

func (l *loading) release() {
	clear(l.page.items)
	*l = loading{page: l.page}
	loads.Put(l)
}

// first finds the stream, the snapshot, and whether the event is there already, in
// one statement, so that they are of one moment; and fetches the first page. Since
// the version of that moment bounds what is read, and nothing stored changes, later
// statements need no transaction around them.
func (l *loading) first(c *conn) error {
	l.page.reset()
	q := &l.query
	fingerprint := q.Fingerprint
	if !q.AsOf.IsZero() {
		fingerprint = ""
	}
	upTo := q.UpTo
	if upTo == 0 {
		upTo = math.MaxInt64
	}
	var appended bool
	found, err := c.one(`SELECT s.key, (SELECT max(version) FROM events WHERE stream = s.key), EXISTS (SELECT 1 FROM events e WHERE e.stream = s.key AND e.id = ?1),
			n.version, n.data
		FROM streams s LEFT JOIN snapshots n ON n.stream = s.key AND n.fingerprint = ?2 AND n.version <= ?3
		WHERE s.category = ?4 AND s.id = ?5`, func(r *row) {
		l.key, l.last, l.from = r.int(0), min(es.Version(r.int(1)), upTo), 1
		if appended = r.int(2) != 0; !r.null(3) {
			l.page.add(es.Row{Version: es.Version(r.int(3)), Data: r.bytes(4)}, 0)
			l.from = es.Version(r.int(3)) + 1
		}
	}, q.Unless[:], nilIfEmpty(fingerprint), int64(upTo), q.Stream.Category, q.Stream.ID)
	switch {
	case err != nil || !found:
		return err
	case appended && q.Unless != uuid.Nil:
		return es.ErrAlreadyAppended
	}
	l.until = math.MaxInt64
	if !q.AsOf.IsZero() {
		l.until = q.AsOf.UnixMicro()
	}
	return l.fill(c)
}

func nilIfEmpty(text string) driver.Value {
	if text == "" {
		return nil
	}
	return text
}

func (l *loading) next(c *conn) error {
	l.page.reset()
	return l.fill(c)
}

// fill fetches a page.
func (l *loading) fill(c *conn) error {
	if l.from > l.last {
		return nil
	}
	from, begin := l.from, len(l.page.items)
	err := c.each(`SELECT version, type, data FROM events
		WHERE stream = ? AND version BETWEEN ? AND ? AND recorded_at <= ? ORDER BY version LIMIT ?`, func(r *row) bool {
		kind, err := l.store.kindOf(c, r.int(1))
		if err != nil {
			r.fail(err)
			return false
		}
		from = es.Version(r.int(0)) + 1
		data := r.bytes(2)
		return l.page.add(es.Row{Version: from - 1, Type: kind.name, Schema: kind.schema, Data: data}, len(data))
	}, l.key, int64(l.from), int64(l.last), l.until, int64(pageRows))
	if err != nil {
		l.page.items = l.page.items[:begin]
		return err
	}
	l.from = from
	return nil
}
