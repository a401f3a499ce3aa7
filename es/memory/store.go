// Package memory keeps events in memory: for tests, and as the contract of a store
// in its most readable form. Nothing outlives the process.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Store is an [es.Store] in memory, with all its optional interfaces. Make one with
// [New].
type Store struct {
	mu sync.Mutex
	// events is the feed: the event at position p is events[p-1]. It is only ever
	// appended to, so that a reader may keep the slice it saw and go on without the lock.
	events      []es.Recorded
	streams     map[es.Stream][]es.Position // the position of version v is streams[s][v-1]
	ids         map[eventKey]es.Position
	snapshots   map[snapshotKey]es.Snapshot
	checkpoints map[string]es.Position
	timers      map[string]map[string]es.Timer // by name and id
	parked      map[parkedKey]es.Parked
	groups      map[string]*group
	id          uuid.UUID
	watchers    map[chan struct{}]struct{}
	closed      chan struct{}
}

type eventKey struct {
	stream es.Stream
	id     uuid.UUID
}

type snapshotKey struct {
	stream      es.Stream
	fingerprint string
}

var (
	_ es.Store       = (*Store)(nil)
	_ es.Feed        = (*Store)(nil)
	_ es.Checkpoints = (*Store)(nil)
	_ es.Lister      = (*Store)(nil)
	_ es.Watcher     = (*Store)(nil)
	_ es.Parking     = (*Store)(nil)
	_ es.Groups      = (*Store)(nil)
	_ es.Identified  = (*Store)(nil)
	_ es.Timers      = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{
		streams:     map[es.Stream][]es.Position{},
		ids:         map[eventKey]es.Position{},
		snapshots:   map[snapshotKey]es.Snapshot{},
		checkpoints: map[string]es.Position{},
		timers:      map[string]map[string]es.Timer{},
		parked:      map[parkedKey]es.Parked{},
		groups:      map[string]*group{},
		id:          uuid.New(),
		watchers:    map[chan struct{}]struct{}{},
		closed:      make(chan struct{}),
	}
}

// Close ends the watches and makes every later call fail with [es.ErrClosed]. It
// returns nil, also when called again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isClosed() {
		close(s.closed)
	}
	return nil
}

// Limits implements [es.Store].
func (s *Store) Limits() es.Limits { return es.DefaultLimits() }

// Append implements [es.Store].
func (s *Store) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	if err := s.Limits().ValidateWrites(writes); err != nil {
		return es.Receipt{}, err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return es.Receipt{}, fmt.Errorf("appending: %w", err)
	}
	defer unlock()

	receipt, repeated, err := es.Repeated(writes, s.stored)
	if err != nil || repeated {
		return receipt, err
	}
	for _, w := range writes {
		if actual := s.version(w.Stream); !w.Expect.Met(actual) {
			return es.Receipt{}, &es.ConflictError{Stream: w.Stream, Expected: w.Expect, Actual: actual}
		}
	}
	now := s.now()
	for _, w := range writes {
		written := es.Written{Stream: w.Stream, First: s.version(w.Stream) + 1}
		for _, e := range w.Events {
			written.Last, written.Position = s.add(w.Stream, e, now)
		}
		receipt.Streams = append(receipt.Streams, written)
	}
	for w := range s.watchers {
		signal(w)
	}
	return receipt, nil
}

// stored finds an event for [es.Repeated].
func (s *Store) stored(stream es.Stream, id uuid.UUID) (es.Recorded, bool, error) {
	p, found := s.ids[eventKey{stream, id}]
	if !found {
		return es.Recorded{}, false, nil
	}
	return s.events[p-1], true, nil
}

func (s *Store) add(stream es.Stream, e es.Event, now time.Time) (es.Version, es.Position) {
	rec := clone(es.Recorded{
		Event:      e,
		Stream:     stream,
		Version:    s.version(stream) + 1,
		Position:   s.head() + 1,
		RecordedAt: now,
	})
	s.events = append(s.events, rec)
	s.streams[stream] = append(s.streams[stream], rec.Position)
	s.ids[eventKey{stream, e.ID}] = rec.Position
	return rec.Version, rec.Position
}

func (s *Store) version(stream es.Stream) es.Version { return es.Version(len(s.streams[stream])) }

func (s *Store) head() es.Position { return es.Position(len(s.events)) }

// now is the clock, held back from running backwards.
func (s *Store) now() time.Time {
	now := time.Now().UTC().Truncate(time.Microsecond)
	if head := s.head(); head > 0 && now.Before(s.events[head-1].RecordedAt) {
		return s.events[head-1].RecordedAt
	}
	return now
}

// lock takes the store's lock, unless the context has ended or the store is closed.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return nil, es.ErrClosed
	}
	return s.mu.Unlock, nil
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// clone gives an event memory of its own: the store and its users share none.
func clone(rec es.Recorded) es.Recorded {
	rec.Data = bytes.Clone(rec.Data)
	rec.Meta.Keys = maps.Clone(rec.Meta.Keys)
	return rec
}
