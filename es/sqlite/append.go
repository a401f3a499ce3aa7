package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Append implements [es.Store]. Appends that are called at once share a commit; each
// is refused alone.
func (s *Store) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	if err := s.Limits().ValidateWrites(writes); err != nil {
		return es.Receipt{}, err
	}
	a := &appending{writes: writes}
	if err := a.encode(); err != nil {
		return es.Receipt{}, fmt.Errorf("appending: %w", err)
	}
	if err := s.write(ctx, a.run); err != nil {
		return es.Receipt{}, a.explain(err)
	}
	return a.receipt, nil
}

// appending is an append on its way.
type appending struct {
	writes  []es.Write
	metas   []driver.Value // of all events, encoded by the caller's goroutine rather than the writer
	targets []target       // of each write
	receipt es.Receipt
}

// target is a stream as the append finds it.
type target struct {
	key     int64 // 0: there is no stream
	version es.Version
	repeats bool // it has the write's first event

	newest []byte // the greatest id of its events; nil until it was asked for
}

func (a *appending) encode() error {
	for _, w := range a.writes {
		for i := range w.Events {
			if w.Events[i].Meta.IsZero() {
				a.metas = append(a.metas, nil)
				continue
			}
			text, err := json.Marshal(w.Events[i].Meta)
			if err != nil {
				return err
			}
			a.metas = append(a.metas, text)
		}
	}
	return nil
}

// run appends within the writer's transaction.
func (a *appending) run(t *tx) error {
	if err := a.find(t); err != nil {
		return err
	}
	receipt, repeated, err := es.Repeated(a.writes, a.stored(t))
	if err != nil || repeated {
		a.receipt = receipt
		return err
	}
	for i, w := range a.writes {
		if actual := a.targets[i].version; !w.Expect.Met(actual) {
			return &es.ConflictError{Stream: w.Stream, Expected: w.Expect, Actual: actual}
		}
	}
	return a.insert(t)
}

// find looks the streams up, and each write's first event with them: an append of one
// new event asks for no more.
func (a *appending) find(t *tx) error {
	a.targets = make([]target, len(a.writes))
	for i, w := range a.writes {
		_, err := t.one(`SELECT key, (SELECT max(version) FROM events WHERE stream = key),
				EXISTS (SELECT 1 FROM events e WHERE e.stream = key AND e.id = ?)
			FROM streams WHERE category = ? AND id = ?`, func(r *row) {
			a.targets[i] = target{key: r.int(0), version: es.Version(r.int(1)), repeats: r.int(2) != 0}
		}, w.Events[0].ID[:], w.Stream.Category, w.Stream.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

// stored finds events for [es.Repeated], which asks for them in the order of the
// writes.
func (a *appending) stored(t *tx) func(es.Stream, uuid.UUID) (es.Recorded, bool, error) {
	i := 0
	return func(stream es.Stream, id uuid.UUID) (rec es.Recorded, found bool, err error) {
		for a.writes[i].Stream != stream {
			i++
		}
		to, first := &a.targets[i], id == a.writes[i].Events[0].ID
		if to.key == 0 || first && !to.repeats {
			return rec, false, nil
		}
		if newer, err := to.newer(t, id); err != nil || newer {
			return rec, false, err
		}
		found, err = t.one(`SELECT e.version, e.position, t.name, t.schema, e.data
			FROM events e JOIN types t ON t.key = e.type WHERE e.stream = ? AND e.id = ?`, func(r *row) {
			rec.Version, rec.Position = es.Version(r.int(0)), es.Position(r.int(1))
			rec.Type, rec.Schema = r.text(2), int(r.int(3))
			rec.Data = r.bytes(4)
		}, to.key, id[:])
		return rec, found, err
	}
}

// newer reports whether an id is greater than all of the stream's, and so not among them. New
// ids mostly are, since they begin with the time: one look at the stream tells it of
// all events of a write.
func (to *target) newer(t *tx, id uuid.UUID) (bool, error) {
	if to.newest == nil {
		to.newest = []byte{}
		_, err := t.one("SELECT max(id) FROM events WHERE stream = ?", func(r *row) {
			to.newest = append(to.newest, r.bytes(0)...)
		}, to.key)
		if err != nil {
			return false, err
		}
	}
	return bytes.Compare(id[:], to.newest) > 0, nil
}

func (a *appending) insert(t *tx) error {
	now := t.now()
	metas := a.metas
	for i, w := range a.writes {
		to := &a.targets[i]
		written := es.Written{Stream: w.Stream, First: to.version + 1, Last: to.version + es.Version(len(w.Events))}
		if to.key == 0 {
			key, err := t.exec("INSERT INTO streams (category, id) VALUES (?, ?)", w.Stream.Category, w.Stream.ID)
			if err != nil {
				return err
			}
			to.key = key
		}
		for j := range w.Events {
			e := &w.Events[j]
			kind, err := t.kind(e.Type, e.Schema)
			if err != nil {
				return err
			}
			t.head++
			_, err = t.exec(`INSERT INTO events (position, stream, version, type, recorded_at, id, meta, data)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				int64(t.head), to.key, int64(written.First)+int64(j), kind, now, e.ID[:], metas[0], e.Data)
			if err != nil {
				return err
			}
			metas = metas[1:]
		}
		written.Position = t.head
		a.receipt.Streams = append(a.receipt.Streams, written)
	}
	return nil
}

// now is the clock in microseconds, held back from running backwards.
func (t *tx) now() int64 {
	t.clock = max(t.clock, time.Now().UnixMicro())
	return t.clock
}

// explain wraps the engine's error, and leaves those that speak for themselves.
func (a *appending) explain(err error) error {
	switch err.(type) {
	case *es.ConflictError, *es.IdempotencyError:
		return err
	}
	return fmt.Errorf("appending to %s: %w", describe(a.writes), explainWrite(err))
}

func describe(writes []es.Write) string {
	if len(writes) == 1 {
		return writes[0].Stream.String()
	}
	return fmt.Sprintf("%s and %d more", writes[0].Stream, len(writes)-1)
}
