package repository

import (
	"context"
	"fmt"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

const fromFirst = "replayed from the first event"

// Verify replays an aggregate from its first event, and compares the state with the one
// that a Load by way of the newest snapshot gives, and with itself after it was encoded
// and decoded again, as a new snapshot would be. The error is an
// *[aggregate.DivergedError] if they differ, or one of [Repository.Load]'s; a snapshot
// that can't be read is one too.
//
// A snapshot that differs was made by code that was changed since without a change of the
// fingerprint, such as another package's, or that gives another result each time. [Repository.RebuildSnapshot] puts it right.
func (r *Repository[T]) Verify(ctx context.Context, id string) error {
	stream, err := r.stream(id)
	if err != nil {
		return fmt.Errorf("verifying %s: %w", stream, err)
	}
	loaded, err := r.replay(ctx, es.LoadQuery{Stream: stream, Fingerprint: r.fingerprint})
	if err != nil {
		return fmt.Errorf("verifying %s: %w", stream, err)
	}
	root := r.typ.Root(loaded)
	replayed := loaded
	if aggregate.SnapshotOf(root) > 0 {
		if replayed, err = r.replay(ctx, es.LoadQuery{Stream: stream, UpTo: root.Version()}); err != nil {
			return fmt.Errorf("verifying %s: %w", stream, err)
		}
		way := fmt.Sprintf("loaded from the snapshot of version %d", aggregate.SnapshotOf(root))
		if err := aggregate.Compare(r.typ, [2]string{fromFirst, way}, replayed, loaded); err != nil {
			return fmt.Errorf("verifying %s at version %d: %w", stream, root.Version(), err)
		}
	}
	state, err := r.typ.AppendState(nil, replayed)
	if err != nil {
		return fmt.Errorf("verifying %s at version %d: encoding its state: %w", stream, root.Version(), err)
	}
	decoded := r.fresh(id)
	if err := r.typ.Replay(decoded, es.Row{Version: root.Version(), Data: state}); err != nil {
		return fmt.Errorf("verifying %s at version %d: decoding its encoded state: %w", stream, root.Version(), err)
	}
	if err := aggregate.Compare(r.typ, [2]string{fromFirst, "encoded and decoded again"}, replayed, decoded); err != nil {
		return fmt.Errorf("verifying %s at version %d: %w", stream, root.Version(), err)
	}
	return nil
}

// RebuildSnapshot replays an aggregate from its first event and saves a snapshot of it,
// which is used from then on. Errors are those of [Repository.Load], and the store's.
func (r *Repository[T]) RebuildSnapshot(ctx context.Context, id string) error {
	stream, err := r.stream(id)
	if err != nil {
		return fmt.Errorf("rebuilding the snapshot of %s: %w", stream, err)
	}
	a, err := r.replay(ctx, es.LoadQuery{Stream: stream})
	if err != nil {
		return fmt.Errorf("rebuilding the snapshot of %s: %w", stream, err)
	}
	return r.saveSnapshot(ctx, stream, a)
}
