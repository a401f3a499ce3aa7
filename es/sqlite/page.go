package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Iterators fetch pages and yield from them, so that no connection, lock or
// transaction is held while the loop's body runs. A page ends at whichever bound is
// met first.
const (
	pageRows  = 512
	pageBytes = 1 << 20
)

// page is what one fetch brought.
type page[T any] struct {
	items []T
	bytes int
	done  bool // nothing follows
}

func (p *page[T]) reset() { p.items, p.bytes, p.done = p.items[:0], 0, true }

// add reports whether the page has room for more.
func (p *page[T]) add(item T, size int) bool {
	p.items = append(p.items, item)
	p.bytes += size
	if len(p.items) >= pageRows || p.bytes >= pageBytes {
		p.done = false
		return false
	}
	return true
}

// scanRecorded reads the columns version, position, type, recorded_at, id, meta, data.
func (s *Store) scanRecorded(c *conn, r *row) (rec es.Recorded) {
	rec.Version, rec.Position = es.Version(r.int(0)), es.Position(r.int(1))
	kind, err := s.kindOf(c, r.int(2))
	if err != nil {
		r.fail(err)
	}
	rec.Type, rec.Schema = kind.name, kind.schema
	rec.RecordedAt = time.UnixMicro(r.int(3)).UTC()
	if rec.ID, err = uuid.FromBytes(r.bytes(4)); err != nil {
		r.fail(fmt.Errorf("%w (event id: %w)", errDamaged, err))
	}
	if meta := r.bytes(5); meta != nil {
		if err := json.Unmarshal(meta, &rec.Meta); err != nil {
			r.fail(fmt.Errorf("%w (metadata: %w)", errDamaged, err))
		}
	}
	rec.Data = r.bytes(6)
	return rec
}
