package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

// LoadOption configures one [Repository.Load].
type LoadOption func(*loading) error

type loading struct {
	upTo es.Version
	asOf time.Time
}

func (l loading) historical() bool { return l.upTo > 0 || !l.asOf.IsZero() }

// AtVersion loads the aggregate as it was at version v, from 1. A version that its
// stream has not reached is [es.ErrNotFound]. The aggregate can't be saved, even if v
// is the latest version. The default is the latest.
func AtVersion(v es.Version) LoadOption {
	return func(l *loading) error {
		if v < 1 {
			return fmt.Errorf("at version %d: versions start at 1", v)
		}
		l.upTo = v
		return nil
	}
}

// AsOf loads the aggregate as it was at time t, by the store's clock: with the
// events recorded up to t, inclusive. A time before the first is [es.ErrNotFound].
// The aggregate can't be saved, and no snapshot is used. The default is now.
func AsOf(t time.Time) LoadOption {
	return func(l *loading) error {
		if t.IsZero() {
			return errors.New("as of the zero time: give the time to look at")
		}
		l.asOf = t
		return nil
	}
}

// Load returns an aggregate as it is stored: from its newest snapshot and the events
// after it, in one round trip. Errors:
//
//   - [es.ErrNotFound]: there is no such stream (yet, see [AtVersion] and [AsOf]).
//   - *[es.EventError]: a stored event can't be read; it wraps the reason, such as
//     upcast.ErrUnknownType. An event is never skipped.
//   - the store's.
//
// A snapshot that can't be read is told to the hook of [OnSnapshotError], and the
// aggregate is loaded from its events.
func (r *Repository[T]) Load(ctx context.Context, id string, opts ...LoadOption) (*T, error) {
	stream, err := r.stream(id)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", stream, err)
	}
	var l loading
	for _, o := range opts {
		if err := o(&l); err != nil {
			return nil, fmt.Errorf("loading %s: %w", stream, err)
		}
	}
	a, err := r.load(ctx, es.LoadQuery{Stream: stream, Fingerprint: r.fingerprint, UpTo: l.upTo, AsOf: l.asOf})
	if err != nil {
		return nil, err
	}
	root := r.typ.Root(a)
	if l.historical() {
		aggregate.Freeze(root, ErrHistorical)
	}
	if v := root.Version(); v < l.upTo && l.asOf.IsZero() {
		return nil, fmt.Errorf("loading %s at version %d: its last version is %d: %w", stream, l.upTo, v, es.ErrNotFound)
	}
	return a, nil
}

// load is Load with a query. A snapshot that can't be read costs a second round trip.
func (r *Repository[T]) load(ctx context.Context, q es.LoadQuery) (*T, error) {
	a, err := r.replay(ctx, q)
	if failed, ok := errors.AsType[*es.EventError](err); ok && failed.Type == "" && q.Fingerprint != "" {
		r.snapshots.failed(ctx, q.Stream, failed)
		q.Fingerprint = ""
		return r.replay(ctx, q)
	}
	return a, err
}

// replay folds the rows of a query into a new aggregate.
func (r *Repository[T]) replay(ctx context.Context, q es.LoadQuery) (*T, error) {
	a := r.fresh(q.Stream.ID)
	var version, snapshot es.Version
	for row, err := range r.store.Load(ctx, q) {
		if err != nil {
			return nil, err
		}
		if row.Type == "" {
			snapshot = row.Version
		} else if row.Version != version+1 {
			return nil, fmt.Errorf("loading %s: the store yielded version %d after version %d", q.Stream, row.Version, version)
		}
		if err := r.typ.Replay(a, row); err != nil {
			return nil, &es.EventError{Stream: q.Stream, Version: row.Version, Type: row.Type, Schema: row.Schema, Err: err}
		}
		version = row.Version
	}
	switch {
	case version > 0:
		aggregate.Loaded(r.typ.Root(a), version, snapshot)
		return a, nil
	case !q.AsOf.IsZero():
		return nil, fmt.Errorf("loading %s as of %s: %w", q.Stream, q.AsOf.Format(time.RFC3339Nano), es.ErrNotFound)
	default:
		return nil, fmt.Errorf("loading %s: %w", q.Stream, es.ErrNotFound)
	}
}
