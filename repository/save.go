package repository

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/codec"
)

// Staged is an aggregate that is to be saved together with others: see
// [Repository.Stage].
type Staged interface {
	// name is the stream's.
	name() es.Stream
	storedIn() es.Store
	root() *aggregate.Root
	// write returns the pending events as they are to be appended; none if nothing is pending.
	write(ctx context.Context, s saving) (es.Write, error)
	// saved takes notice that the write was stored.
	saved(written es.Written)
	// snapshot takes a snapshot if one is due.
	snapshot(ctx context.Context)
}

// Stage names an aggregate for [SaveAll].
func (r *Repository[T]) Stage(a *T) Staged { return staged[T]{r, a} }

// Save appends the events that a has recorded, expecting its stream to be as it was
// loaded: unchanged, or not there if a is new. Nothing pending is a no-op. Metadata
// comes from the context: see [es.WithMetadata].
//
// After a success a has the version of its last event and nothing pending. After an
// error it still has its pending events. They keep the ids that the first Save gave
// them, so calling Save again is safe and settles whether a Save that failed was
// stored after all; do so before recording more, for if it was, what was recorded since
// is refused ([ErrStale]). Errors:
//
//   - *[es.ConflictError]: someone else saved first. Load it again and decide afresh,
//     as [Repository.Update] does by itself.
//   - *[es.InvalidError]: an event can't be encoded, or the store does not take it. Nothing
//     was written.
//   - *[es.IdempotencyError]: the key of [IdempotencyKey] was used for other events.
//   - [es.ErrOutcomeUnknown]: sending the same events again did not settle whether they are stored.
//   - [ErrHistorical], [ErrStale]: a can't be saved.
//   - the store's.
//
// If the receipt says Duplicate, the events had been stored before. Where that was not
// by this very Save tried again, but before a was loaded, a counts them twice: from then
// on its Save returns [ErrStale].
func (r *Repository[T]) Save(ctx context.Context, a *T, opts ...SaveOption) (es.Receipt, error) {
	s, err := newSaving(r.retry, opts)
	if err != nil {
		return es.Receipt{}, fmt.Errorf("saving: %w", err)
	}
	return s.report(s.save(ctx, []Staged{r.Stage(a)}, &retries{policy: s.retry}))
}

// SaveAll saves several aggregates of one store, also of different types, in one append:
// all of them or none. Those with nothing pending are left out and not checked. For each
// of the others it does what [Repository.Save] does, and returns its errors; the receipt
// has an entry for each of them, in order. [Atomically] tries again by itself when
// someone else was faster.
func SaveAll(ctx context.Context, all []Staged, opts ...SaveOption) (es.Receipt, error) {
	s, err := newSaving(defaultRetry, opts)
	if err != nil {
		return es.Receipt{}, fmt.Errorf("saving: %w", err)
	}
	return s.report(s.save(ctx, all, &retries{policy: s.retry}))
}

// save appends what is pending in all, and sends it again while its outcome is unknown.
func (s saving) save(ctx context.Context, all []Staged, tries *retries) (es.Receipt, error) {
	writes := make([]es.Write, 0, len(all))
	pending := make([]Staged, 0, len(all))
	for i, member := range all {
		if member == nil {
			return es.Receipt{}, errors.New("saving several aggregates: one of them is nil: use Stage")
		}
		if i > 0 && !sameStore(member.storedIn(), all[0].storedIn()) {
			return es.Receipt{}, fmt.Errorf("saving %s together with %s: %w", all[0].name(), member.name(), errDifferentStores)
		}
		w, err := member.write(ctx, s)
		if err != nil {
			return es.Receipt{}, err
		}
		if len(w.Events) > 0 {
			writes, pending = append(writes, w), append(pending, member)
		}
	}
	if len(writes) == 0 {
		return es.Receipt{}, nil
	}
	receipt, err := send(ctx, all[0].storedIn(), writes, tries)
	if err != nil {
		return es.Receipt{}, s.explain(err, pending)
	}
	if len(receipt.Streams) != len(writes) {
		return es.Receipt{}, fmt.Errorf("saving %s: the store's receipt is for %d streams instead of %d",
			writes[0].Stream, len(receipt.Streams), len(writes))
	}
	for i, member := range pending {
		member.saved(receipt.Streams[i])
	}
	for _, member := range pending {
		member.snapshot(ctx)
	}
	return receipt, nil
}

// send appends, and again while the outcome is unknown.
func send(ctx context.Context, store es.Store, writes []es.Write, tries *retries) (es.Receipt, error) {
	for unknown := error(nil); ; {
		receipt, err := store.Append(ctx, writes...)
		switch {
		case err == nil:
			return receipt, nil
		case errors.Is(err, es.ErrOutcomeUnknown):
			unknown = err
		case unknown != nil && !settles(err):
			return es.Receipt{}, fmt.Errorf("%w, after: %w", err, unknown)
		default:
			return es.Receipt{}, err
		}
		if err := tries.next(ctx, unknown); err != nil {
			return es.Receipt{}, err
		}
	}
}

// settles tells whether an error means that no earlier try was stored either. One such as
// a connection that is refused speaks for its own try alone.
func settles(err error) bool {
	_, invalid := errors.AsType[*es.InvalidError](err)
	return invalid || errors.Is(err, es.ErrConflict) || errors.Is(err, es.ErrIdempotency)
}

// explain tells why ids that were drawn for these very events are in use: a Save that
// failed had stored them, and this one brings others with them. No further one can
// succeed.
func (s saving) explain(err error, pending []Staged) error {
	switch {
	case !errors.Is(err, es.ErrIdempotency):
		return err
	case s.keyed:
		return fmt.Errorf("saving %s with idempotency key %q: %w", pending[0].name(), s.key, err)
	}
	for _, member := range pending {
		aggregate.Freeze(member.root(), ErrStale)
	}
	return fmt.Errorf("saving %s: an earlier Save that failed had stored a part of what is pending after all: %w: %w",
		pending[0].name(), ErrStale, err)
}

var errDifferentStores = errors.New("their stores are not the same, " +
	"and only within one store can they be saved together: give all repositories the same store, by pointer")

// sameStore compares stores. It is false for those of a type that can't be compared, such as
// decorators that hold a function and are passed by value.
func sameStore(a, b es.Store) bool {
	return reflect.ValueOf(&a).Elem().Comparable() && reflect.ValueOf(&b).Elem().Comparable() && a == b
}

type staged[T any] struct {
	repo *Repository[T]
	a    *T
}

func (m staged[T]) storedIn() es.Store    { return m.repo.store }
func (m staged[T]) root() *aggregate.Root { return m.repo.typ.Root(m.a) }

func (m staged[T]) name() es.Stream {
	s := es.Stream{Category: m.repo.typ.Category()}
	if m.a != nil {
		s.ID = m.root().ID()
	}
	return s
}

func (m staged[T]) write(ctx context.Context, s saving) (es.Write, error) {
	if m.a == nil {
		return es.Write{}, fmt.Errorf("saving: nil %T", m.a)
	}
	root := m.root()
	if _, made := aggregate.TypeOf(m.a); !made {
		return es.Write{}, fmt.Errorf("saving: this %T was not made by its generated New, so it has no id: "+
			"make new aggregates with New(id), not with a literal", *m.a)
	}
	stream, err := m.repo.stream(root.ID())
	if err != nil {
		return es.Write{}, fmt.Errorf("saving %s: %w", stream, err)
	}
	pending := aggregate.PendingOf(root)
	if len(pending) == 0 {
		return es.Write{}, nil
	}
	if err := aggregate.Frozen(root); err != nil {
		return es.Write{}, fmt.Errorf("saving %s at version %d: %w", stream, root.Version(), err)
	}
	if err := identify(pending, stream, s); err != nil {
		return es.Write{}, err
	}
	events, err := m.encode(stream, pending, es.MetadataFrom(ctx))
	return es.Write{Stream: stream, Expect: es.Exactly(root.Version()), Events: events}, err
}

// identify gives ids to the pending events that have none yet.
func identify(pending []aggregate.Pending, stream es.Stream, s saving) error {
	for i := range pending {
		id := &pending[i].ID
		switch {
		case s.keyed:
			derived := es.DeriveID(stream, s.key, i)
			if *id != uuid.Nil && *id != derived {
				return fmt.Errorf("saving %s with idempotency key %q: an earlier save, without that key, "+
					"gave its pending events their ids: use the same key again", stream, s.key)
			}
			*id = derived
		case *id == uuid.Nil:
			*id = es.NewID()
		}
	}
	return nil
}

// encode encodes each event into memory of its own: the store may read it even after it has
// returned an error.
func (m staged[T]) encode(stream es.Stream, pending []aggregate.Pending, meta es.Metadata) ([]es.Event, error) {
	events := make([]es.Event, len(pending))
	for i, p := range pending {
		name, schema, data, err := m.repo.typ.Encode(nil, p.Event)
		if err != nil {
			if name == "" {
				name = fmt.Sprintf("%T", p.Event)
			}
			refused := &es.InvalidError{Stream: stream, Index: i, EventID: p.ID, Type: name, Err: err}
			if value, ok := errors.AsType[*codec.Error](err); ok {
				refused.Field, refused.Err = value.Path, value.Err
			}
			return nil, refused
		}
		events[i] = es.Event{ID: p.ID, Type: name, Schema: schema, Data: data, Meta: meta}
	}
	return events, nil
}

func (m staged[T]) saved(written es.Written) {
	root := m.root()
	// Events that do not follow the state were stored before it was loaded, so that it counts
	// them twice. Where they are tells that, whatever the receipt says of a duplicate.
	if written.First != root.Version()+1 {
		aggregate.Saved(root, root.Version())
		aggregate.Freeze(root, ErrStale)
		return
	}
	aggregate.Saved(root, written.Last)
}

func (m staged[T]) snapshot(ctx context.Context) {
	if aggregate.Frozen(m.root()) == nil {
		m.repo.snapshot(ctx, m.name(), m.a)
	}
}
