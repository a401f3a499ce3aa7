package postgres

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// Sizes of a page: the rows that one query returns, and are held in memory while the
// caller's code runs.
const (
	maxPageRows  = 16384
	maxPageBytes = 16 << 20
)

// pager sizes the pages of one read. It begins with many rows; when they turn out so
// large that a page outgrows its memory, it cuts the page short and asks for fewer.
type pager struct {
	store *Store
	rows  int // of the next page
}

func (s *Store) pager(limit int) *pager {
	p := &pager{store: s, rows: maxPageRows}
	if limit > 0 {
		p.rows = min(limit, p.rows)
	}
	return p
}

// query passes the rows of one page to add, in binary, which must not keep them and returns
// how many bytes it does keep. It reports whether the page was cut short. On a
// lost connection it calls reset, and queries again.
func (p *pager) query(ctx context.Context, sql string, args []any, reset func(), add func(row [][]byte) (int, error)) (cut bool, err error) {
	err = p.store.retry(ctx, func() error {
		reset()
		cut, err = p.once(ctx, sql, args, add)
		return err
	})
	return cut, err
}

func (p *pager) once(ctx context.Context, sql string, args []any, add func(row [][]byte) (int, error)) (cut bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := p.store.pool.Query(ctx, sql, append([]any{p.store.readMode, pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	n, bytes := 0, 0
	for rows.Next() {
		kept, err := add(rows.RawValues())
		if err != nil {
			return false, err
		}
		n++
		if bytes += kept; bytes > maxPageBytes && n < p.rows {
			// Reading on would only fill the memory: give up the connection. The next page
			// asks for no more than fits.
			p.rows = max(1, n/2)
			cancel()
			return true, nil
		}
	}
	return false, rows.Err()
}

// names keeps one string for each of the few names that repeat from row to row.
type names map[string]string

func (n names) of(raw []byte) string {
	if name, ok := n[string(raw)]; ok {
		return name
	}
	name := string(raw)
	n[name] = name
	return name
}

// recordedColumns are what [decoder] reads.
const recordedColumns = "position, version, recorded_at, id, schema, category, stream, type, data, metadata"

// recordedPage is a page of events, which own their memory.
type recordedPage struct {
	events []es.Recorded
	names  names
}

// recordedPages keeps the memory of pages, but not of events.
var recordedPages = sync.Pool{New: func() any { return &recordedPage{names: names{}} }}

func (p *recordedPage) free() {
	p.reset()
	clear(p.names)
	recordedPages.Put(p)
}

func (p *recordedPage) reset() {
	clear(p.events)
	p.events = p.events[:0]
}

// add adds a row with [recordedColumns].
func (p *recordedPage) add(row [][]byte) (int, error) {
	if len(row) != 10 || len(row[0]) != 8 || len(row[1]) != 8 || len(row[2]) != 8 || len(row[3]) != 16 || len(row[4]) != 4 {
		return 0, fmt.Errorf("the server answered with other columns than asked for")
	}
	n := len(p.events)
	if n < cap(p.events) {
		p.events = p.events[:n+1]
	} else {
		p.events = append(p.events, es.Recorded{})
	}
	rec := &p.events[n]
	rec.Position = es.Position(binary.BigEndian.Uint64(row[0]))
	rec.Version = es.Version(binary.BigEndian.Uint64(row[1]))
	rec.RecordedAt = recordedAt(int64(binary.BigEndian.Uint64(row[2])))
	copy(rec.ID[:], row[3])
	rec.Schema = int(int32(binary.BigEndian.Uint32(row[4])))
	rec.Stream.Category = p.names.of(row[5])
	if n > 0 && p.events[n-1].Stream.ID == string(row[6]) {
		rec.Stream.ID = p.events[n-1].Stream.ID
	} else {
		rec.Stream.ID = string(row[6])
	}
	rec.Type = p.names.of(row[7])
	rec.Data = append(make([]byte, 0, len(row[8])), row[8]...)
	if row[9] != nil {
		if err := json.Unmarshal(row[9], &rec.Meta); err != nil {
			return 0, &es.EventError{Stream: rec.Stream, Version: rec.Version, Type: rec.Type, Schema: rec.Schema, Err: fmt.Errorf("its metadata: %w", err)}
		}
	}
	// About how much memory it takes.
	return len(row[6]) + len(row[8]) + 4*len(row[9]) + 200, nil
}
