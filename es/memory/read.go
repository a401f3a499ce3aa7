package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// view is what a reader sees without the lock: both slices are only ever appended to.
type view struct {
	events    []es.Recorded
	positions []es.Position // of one stream
}

func (v view) version() es.Version { return es.Version(len(v.positions)) }

func (v view) at(version es.Version) es.Recorded { return v.events[v.positions[version-1]-1] }

// Read implements [es.Store].
func (s *Store) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		fail := func(err error) { yield(es.Recorded{}, fmt.Errorf("reading %s: %w", q.Stream, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		unlock, err := s.lock(ctx)
		if err != nil {
			fail(err)
			return
		}
		v := view{s.events, s.streams[q.Stream]}
		unlock()
		if v.version() == 0 {
			fail(es.ErrNotFound)
			return
		}
		at, step := max(q.From, 1), es.Version(1)
		if q.Backwards {
			at, step = v.version(), -1
			if q.From > 0 {
				at = min(q.From, at)
			}
		}
		for n := 0; at >= 1 && at <= v.version() && (q.Limit == 0 || n < q.Limit); n++ {
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			if !yield(clone(v.at(at)), nil) {
				return
			}
			at += step
		}
	}
}

// Load implements [es.Store].
func (s *Store) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return func(yield func(es.Row, error) bool) {
		fail := func(err error) { yield(es.Row{}, fmt.Errorf("loading %s: %w", q.Stream, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		unlock, err := s.lock(ctx)
		if err != nil {
			fail(err)
			return
		}
		v := view{s.events, s.streams[q.Stream]}
		snapshot, usable := s.snapshots[snapshotKey{q.Stream, q.Fingerprint}]
		_, appended := s.ids[eventKey{q.Stream, q.Unless}]
		unlock()

		if appended && q.Unless != uuid.Nil {
			fail(es.ErrAlreadyAppended)
			return
		}
		last := v.version()
		if q.UpTo > 0 {
			last = min(last, q.UpTo)
		}
		usable = usable && q.Fingerprint != "" && q.AsOf.IsZero() && snapshot.Version <= last

		var lent []byte // overwritten at each turn, as the contract allows: who keeps a row's data finds out
		if usable {
			lent = append(lent, snapshot.Data...)
			if !yield(es.Row{Version: snapshot.Version, Data: lent}, nil) {
				return
			}
		} else {
			snapshot.Version = 0
		}
		for version := snapshot.Version + 1; version <= last; version++ {
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			rec := v.at(version)
			if !q.AsOf.IsZero() && rec.RecordedAt.After(q.AsOf) {
				return
			}
			lent = append(lent[:0], rec.Data...)
			if !yield(es.Row{Version: version, Type: rec.Type, Schema: rec.Schema, Data: lent}, nil) {
				return
			}
		}
	}
}

// SaveSnapshot implements [es.Store].
func (s *Store) SaveSnapshot(ctx context.Context, snapshot es.Snapshot) error {
	if err := snapshot.Validate(); err != nil {
		return fmt.Errorf("saving a snapshot of %s: %w", snapshot.Stream, err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("saving a snapshot of %s: %w", snapshot.Stream, err)
	}
	defer unlock()
	if actual := s.version(snapshot.Stream); snapshot.Version < 1 || snapshot.Version > actual {
		return fmt.Errorf("saving a snapshot of %s at version %d: the stream is at version %d: %w",
			snapshot.Stream, snapshot.Version, actual, es.ErrNotFound)
	}
	key := snapshotKey{snapshot.Stream, snapshot.Fingerprint}
	if s.snapshots[key].Version <= snapshot.Version {
		snapshot.Data = slices.Clone(snapshot.Data)
		s.snapshots[key] = snapshot
	}
	return nil
}

// Streams implements [es.Lister].
func (s *Store) Streams(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
	return func(yield func(es.StreamInfo, error) bool) {
		fail := func(err error) { yield(es.StreamInfo{}, fmt.Errorf("listing streams of %s: %w", q.Category, err)) }
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		unlock, err := s.lock(ctx)
		if err != nil {
			fail(err)
			return
		}
		var infos []es.StreamInfo
		for stream := range s.streams {
			if stream.Category == q.Category && stream.ID > q.After {
				infos = append(infos, es.StreamInfo{Stream: stream, Version: s.version(stream)})
			}
		}
		unlock()
		slices.SortFunc(infos, func(a, b es.StreamInfo) int { return strings.Compare(a.Stream.ID, b.Stream.ID) })
		for i, info := range infos {
			if q.Limit > 0 && i == q.Limit {
				return
			}
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}
