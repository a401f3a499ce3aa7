package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

// Unit is a unit of work: the aggregates of one store that a function given to [Atomically]
// decides on. It ends with the function, and is not safe for concurrent use.
type Unit struct {
	ctx     context.Context
	store   es.Store
	owner   any // the repository whose Update or Create this is; else nil
	saving  saving
	members []Staged
	missing []es.Stream // looked for and not there
	blind   []es.Stream // created without having been looked for
	done    bool        // the idempotency key was found: all of it is stored
	over    bool
}

// Create runs a command on a new aggregate and saves what it records. If its stream
// exists already the error is an *[es.ConflictError]. The error of cmd is returned as it
// is, and then nothing is saved. A command that records nothing creates nothing.
//
// See [Atomically] for what may be expected of cmd and of options.
func (r *Repository[T]) Create(ctx context.Context, id string, cmd func(*T) error, opts ...SaveOption) error {
	return atomically(ctx, Unit{store: r.store, owner: r}, r.retry, opts, func(u *Unit) error {
		a, err := r.CreateIn(u, id)
		if err != nil {
			return err
		}
		return cmd(a)
	})
}

// Update runs a command on an aggregate: it loads, lets cmd decide, and saves. If
// someone else saved in between, it does so again with a freshly loaded aggregate, until
// the retries are used up ([MaxRetries]; then the last *[es.ConflictError] is returned)
// or the context ends. A missing stream is [es.ErrNotFound]. The error of cmd is
// returned as it is, and then nothing is saved.
//
// See [Atomically] for what may be expected of cmd and of options.
func (r *Repository[T]) Update(ctx context.Context, id string, cmd func(*T) error, opts ...SaveOption) error {
	return atomically(ctx, Unit{store: r.store, owner: r}, r.retry, opts, func(u *Unit) error {
		a, err := r.LoadIn(u, id)
		if err != nil {
			return err
		}
		return cmd(a)
	})
}

// Atomically runs a command on several aggregates of one store, also of different
// types, and saves what all of them have recorded in one append: all or nothing, each
// only if its stream is still as it was loaded. f gets the aggregates from
// [Repository.LoadIn] and [Repository.CreateIn]:
//
//	err := repository.Atomically(ctx, store, func(u *repository.Unit) error {
//		from, err := accounts.LoadIn(u, "1")
//		if err != nil {
//			return err
//		}
//		to, err := accounts.LoadIn(u, "2")
//		if err != nil {
//			return err
//		}
//		return transfer(from, to, 500)
//	})
//
// f may run several times: after a conflict it decides afresh, on freshly loaded
// aggregates. So it should have no effects but on its aggregates, and take what it keeps
// of them from its last run: those of an earlier run, and of one that failed, can no
// longer be saved ([ErrStale]). Its error is returned as it is, and then nothing is
// saved; nor is anything when it panics.
//
// When the outcome of an append is unknown, the same events are sent again under the
// same ids. If that does not settle it within the retries, the error is
// [es.ErrOutcomeUnknown]; a context that ends meanwhile leaves the outcome open too. Then
// only a command with an [IdempotencyKey] can safely be called again. With one, each aggregate is asked for the key as it is loaded; if one
// has it, all was stored before and the call is a success, whatever f returns. So f
// should get its aggregates, the same ones each time, before it decides.
//
// An aggregate on which nothing was recorded is not checked: it may have changed since
// it was loaded. Options such as [MaxRetries] are those of the call, not of the
// repositories.
func Atomically(ctx context.Context, store es.Store, f func(*Unit) error, opts ...SaveOption) error {
	return atomically(ctx, Unit{store: store}, defaultRetry, opts, f)
}

// atomically runs f on copies of an empty unit until one is saved.
func atomically(ctx context.Context, empty Unit, retry retryPolicy, opts []SaveOption, f func(*Unit) error) error {
	s, err := newSaving(retry, opts)
	if err != nil {
		return err
	}
	empty.ctx, empty.saving = ctx, s
	tries := retries{policy: s.retry}
	for {
		u := empty
		receipt, afresh, err := u.run(f, &tries)
		if err == nil || !afresh {
			_, err = s.report(receipt, err)
			return err
		}
		if err := tries.next(ctx, err); err != nil {
			return err
		}
	}
}

// run lets f decide and saves what it has recorded. After an error, afresh tells whether
// deciding afresh may help.
func (u *Unit) run(f func(*Unit) error, tries *retries) (receipt es.Receipt, afresh bool, err error) {
	saved := false
	defer func() { // also when f panics
		u.over = true
		for _, member := range u.members {
			if !saved {
				aggregate.Freeze(member.root(), ErrStale)
			}
		}
	}()
	err = f(u)
	if u.done {
		return es.Receipt{Duplicate: true}, false, nil
	}
	if err != nil {
		return es.Receipt{}, false, err
	}
	receipt, err = u.saving.save(u.ctx, u.members, tries)
	saved = err == nil
	return receipt, u.mayDecideAfresh(err), err
}

// mayDecideAfresh tells whether another run may end otherwise: others were faster,
// or another process has just stored the same command.
func (u *Unit) mayDecideAfresh(err error) bool {
	if conflict, ok := errors.AsType[*es.ConflictError](err); ok {
		return !slices.Contains(u.blind, conflict.Stream)
	}
	return u.saving.keyed && errors.Is(err, es.ErrIdempotency)
}

// LoadIn is [Repository.Load] within a unit of work. An aggregate that the unit has
// already is returned again.
//
// If the unit's idempotency key is found, the error is [es.ErrAlreadyAppended] and the
// function should return at once.
func (r *Repository[T]) LoadIn(u *Unit, id string) (*T, error) {
	stream, err := r.enter(u, id)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", stream, err)
	}
	if member := u.member(stream); member != nil {
		if m, ok := member.(staged[T]); ok {
			return m.a, nil
		}
		return nil, fmt.Errorf("loading %s: the unit of work has it as an aggregate of another type", stream)
	}
	a, err := r.load(u.ctx, es.LoadQuery{Stream: stream, Fingerprint: r.fingerprint, Unless: u.unless(stream)})
	switch {
	case err == nil:
		u.members = append(u.members, staged[T]{r, a})
	case errors.Is(err, es.ErrAlreadyAppended):
		u.done = true
	case errors.Is(err, es.ErrNotFound):
		u.missing = append(u.missing, stream)
	}
	return a, err
}

// CreateIn returns a new aggregate within a unit of work. If its stream exists, the
// unit is not saved, with an *[es.ConflictError]. To get an aggregate or else create
// it, call LoadIn first: then the unit is tried again if someone else creates it meanwhile.
//
// If the unit's idempotency key is found, the error is [es.ErrAlreadyAppended] and the
// function should return at once.
func (r *Repository[T]) CreateIn(u *Unit, id string) (*T, error) {
	stream, err := r.enter(u, id)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", stream, err)
	}
	if u.member(stream) != nil {
		return nil, fmt.Errorf("creating %s: the unit of work has it already", stream)
	}
	if !slices.Contains(u.missing, stream) {
		if err := u.lookUp(stream); err != nil {
			return nil, fmt.Errorf("creating %s: %w", stream, err)
		}
		u.blind = append(u.blind, stream)
	}
	a := r.fresh(id)
	u.members = append(u.members, staged[T]{r, a})
	return a, nil
}

// enter checks that an aggregate of the repository can take part in the unit.
func (r *Repository[T]) enter(u *Unit, id string) (es.Stream, error) {
	stream, err := r.stream(id)
	switch {
	case err != nil:
		return stream, err
	case u.over:
		return stream, errors.New("the unit of work is over: use it only within the function it was given to")
	case u.owner != any(r) && !sameStore(u.store, r.store):
		return stream, errDifferentStores
	}
	return stream, nil
}

func (u *Unit) member(stream es.Stream) Staged {
	for _, m := range u.members {
		if m.name() == stream {
			return m
		}
	}
	return nil
}

// unless is the id that a stream's first event has if the command was done before.
func (u *Unit) unless(stream es.Stream) uuid.UUID {
	if !u.saving.keyed {
		return uuid.Nil
	}
	return es.DeriveID(stream, u.saving.key, 0)
}

// lookUp looks for the unit's idempotency key in a stream that is not loaded.
func (u *Unit) lookUp(stream es.Stream) error {
	if !u.saving.keyed {
		return nil
	}
	for _, err := range u.store.Load(u.ctx, es.LoadQuery{Stream: stream, Unless: u.unless(stream), UpTo: 1}) {
		if err != nil {
			u.done = u.done || errors.Is(err, es.ErrAlreadyAppended)
			return err
		}
	}
	return nil
}
