package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

// snapshotTimeout bounds how long a save that has succeeded goes on for its snapshot.
const snapshotTimeout = 5 * time.Second

type snapshotHook func(ctx context.Context, stream es.Stream, err error)

type option func(*config)

func (o option) configure(c *config) { o(c) }

// SnapshotEvery has a snapshot taken after a save that leaves n events or more since
// the last one. The default is never, and so is an n below 1. A snapshot pays once
// a load would otherwise replay some hundred events: measure before choosing a small n.
//
// A snapshot is taken within the save, which returns when it is stored. It goes on for
// up to 5 seconds after the save's context ends. If it fails, the save is a success all
// the same and the next one tries again: see [OnSnapshotError].
//
// Snapshots of a state of another shape are not used, nor those that other code computed, as far
// as esgen sees that: see fold= in esgen -h for what apply bodies call in other packages.
func SnapshotEvery(n int) Option {
	return option(func(c *config) {
		c.snapshotEvery, c.snapshotWhen = n, nil
	})
}

// SnapshotWhen has a snapshot taken after a save for which due returns true. It is
// given the version, the number of events since the last snapshot (at least 1), and
// the aggregate, which it must not change. See [SnapshotEvery], which it replaces.
func SnapshotWhen[T any](due func(v es.Version, since int, a *T) bool) Option {
	return option(func(c *config) {
		c.snapshotEvery, c.snapshotWhen = 0, due
	})
}

// OnSnapshotError sets a hook for snapshots that could not be saved, and for those that
// could not be read. Neither fails the call at hand. It runs within that call and must
// not block. The default drops the error: snapshots are a cache.
func OnSnapshotError(hook func(ctx context.Context, stream es.Stream, err error)) Option {
	return option(func(c *config) { c.onSnapshotError = hook })
}

// snapshotPolicy says when to take a snapshot and whom to tell if that fails.
type snapshotPolicy[T any] struct {
	due  func(v es.Version, since int, a *T) bool // nil: never
	hook snapshotHook                             // may be nil
}

func newSnapshotPolicy[T any](c config) (snapshotPolicy[T], error) {
	p := snapshotPolicy[T]{hook: c.onSnapshotError}
	switch when := c.snapshotWhen.(type) {
	case nil:
		if n := c.snapshotEvery; n > 0 {
			p.due = func(_ es.Version, since int, _ *T) bool { return since >= n }
		}
	case func(es.Version, int, *T) bool:
		p.due = when
	default:
		return p, fmt.Errorf("option SnapshotWhen has a %T, which does not take a %T", when, new(T))
	}
	return p, nil
}

func (p snapshotPolicy[T]) failed(ctx context.Context, stream es.Stream, err error) {
	if p.hook != nil {
		p.hook(ctx, stream, err)
	}
}

// snapshot takes a snapshot of an aggregate that was just saved, if it is due.
func (r *Repository[T]) snapshot(ctx context.Context, stream es.Stream, a *T) {
	root := r.typ.Root(a)
	version := root.Version()
	since := int(version - aggregate.SnapshotOf(root))
	if r.snapshots.due == nil || since < 1 || !r.snapshots.due(version, since, a) {
		return
	}
	// The events are stored: the end of the save's context must not leave a snapshot
	// undone for ever where every request's ends early.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTimeout)
	defer cancel()
	if err := r.saveSnapshot(bounded, stream, a); err != nil {
		r.snapshots.failed(ctx, stream, err)
	}
}

// saveSnapshot saves a snapshot of an aggregate that has nothing pending.
func (r *Repository[T]) saveSnapshot(ctx context.Context, stream es.Stream, a *T) error {
	root := r.typ.Root(a)
	version := root.Version()
	data, err := r.typ.AppendState(nil, a)
	if err == nil {
		err = r.store.SaveSnapshot(ctx, es.Snapshot{Stream: stream, Version: version, Fingerprint: r.fingerprint, Data: data})
	}
	if err != nil {
		return fmt.Errorf("snapshot of %s at version %d: %w", stream, version, err)
	}
	aggregate.Snapshotted(root, version)
	return nil
}
