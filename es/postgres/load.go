package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// A load is one statement, hence one snapshot of the database: the event that says
// that all was appended already comes as version 0, then the snapshot, then the events
// after it. The limit inside makes the planner take the primary key's order.
const (
	loadUnless = `SELECT 0::int8 AS version, 0::int4 AS schema, NULL::text COLLATE "C" AS type, NULL::json AS data, NULL::bytea AS snapshot
FROM {schema}.events u WHERE u.category = $1 AND u.stream = $2 AND u.id = {unless}
UNION ALL
`
	loadSnapshot = `SELECT s.version, 0::int4 AS schema, NULL::text COLLATE "C" AS type, NULL::json AS data, s.data AS snapshot
FROM {schema}.snapshots s WHERE s.category = $1 AND s.stream = $2 AND s.fingerprint = $6 AND s.version <= $4
UNION ALL
`
	loadEvents = `(SELECT e.version, e.schema, e.type, e.data, NULL::bytea AS snapshot
FROM {schema}.events e WHERE e.category = $1 AND e.stream = $2 AND e.version > $3 AND e.version <= $4`

	loadTrailing = `(SELECT e.version, e.schema, e.type, e.data, NULL::bytea AS snapshot
FROM {schema}.events e WHERE e.category = $1 AND e.stream = $2 AND e.version <= $4 AND e.version > greatest($3, (
	SELECT s.version FROM {schema}.snapshots s WHERE s.category = $1 AND s.stream = $2 AND s.fingerprint = $6 AND s.version <= $4))`

	loadAsOf = ` AND e.recorded_at <= $6::timestamptz`

	loadOrder = `
ORDER BY e.version LIMIT $5)`

	loadMerged = `
ORDER BY version`
)

// Load implements [es.Store]. It is one round trip, but for streams with more than some thousand
// events after the snapshot.
func (s *Store) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return func(yield func(es.Row, error) bool) {
		if err := s.load(ctx, q, func(row es.Row) bool { return yield(row, nil) }); err != nil {
			yield(es.Row{}, fmt.Errorf("loading %s: %w", q.Stream, err))
		}
	}
}

// loadPage is a page of rows; their data are parts of one piece of memory.
type loadPage struct {
	rows []loadRow
	data []byte
}

type loadRow struct {
	version    es.Version
	typeName   string
	schema     int
	start, end int
}

// loadPages keeps the memory of pages: a load needs some hundred kilobytes for a moment.
var loadPages = sync.Pool{New: func() any { return new(loadPage) }}

func (p *loadPage) free() {
	if cap(p.data) <= 4<<20 {
		p.reset()
		loadPages.Put(p)
	}
}

func (p *loadPage) reset() { p.rows, p.data = p.rows[:0], p.data[:0] }

func (s *Store) load(ctx context.Context, q es.LoadQuery, yield func(es.Row) bool) error {
	if err := q.Validate(); err != nil {
		return err
	}
	last := int64(math.MaxInt64)
	if q.UpTo > 0 {
		last = int64(q.UpTo)
	}
	page := loadPages.Get().(*loadPage) // lent to the loop's body, and taken back when it ends
	defer page.free()
	var types names
	add := func(row [][]byte) (int, error) {
		r := loadRow{version: es.Version(binary.BigEndian.Uint64(row[0])), start: len(page.data)}
		switch {
		case row[3] != nil:
			if types == nil {
				types = names{}
			}
			r.typeName, r.schema = types.of(row[2]), int(int32(binary.BigEndian.Uint32(row[1])))
			page.data = append(page.data, row[3]...)
		case row[4] != nil:
			page.data = append(page.data, row[4]...)
		default:
			return 0, es.ErrAlreadyAppended
		}
		r.end = len(page.data)
		page.rows = append(page.rows, r)
		return r.end - r.start, nil
	}
	p := s.pager(0)
	for next := es.Version(0); ; {
		asked := p.rows
		sql, args := s.loadQuery(q, next, last, asked)
		cut, err := p.query(ctx, sql, args, page.reset, add)
		if err != nil {
			return err
		}
		for i := range page.rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			r := &page.rows[i]
			if next > 0 && r.version != next+1 {
				return &es.EventError{Stream: q.Stream, Version: r.version, Type: r.typeName, Schema: r.schema,
					Err: fmt.Errorf("it follows version %d: events between them are missing", next)}
			}
			next = r.version
			if !yield(es.Row{Version: r.version, Type: r.typeName, Schema: r.schema, Data: page.data[r.start:r.end:r.end]}) {
				return nil
			}
		}
		if !cut && len(page.rows) < asked {
			return nil
		}
	}
}

// loadQuery returns the statement and the parameters of the page after a version.
func (s *Store) loadQuery(q es.LoadQuery, after es.Version, last int64, rows int) (string, []any) {
	args := []any{q.Stream.Category, q.Stream.ID, int64(after), last, rows}
	first := after == 0
	unless := first && q.Unless != uuid.Nil
	switch {
	case !q.AsOf.IsZero():
		args = append(args, q.AsOf.UTC().Truncate(time.Microsecond))
		if unless {
			return s.sql.loadAsOfUnless, append(args, q.Unless.String())
		}
		return s.sql.loadAsOf, args
	case first && q.Fingerprint != "":
		args = append(args, q.Fingerprint)
		if unless {
			return s.sql.loadSnapshotUnless, append(args, q.Unless.String())
		}
		return s.sql.loadSnapshot, args
	case unless:
		return s.sql.loadUnless, append(args, q.Unless.String())
	default:
		return s.sql.load, args
	}
}
