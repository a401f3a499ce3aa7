// Package aggregate holds what an aggregate embeds and what generated code and
// repositories need of it.
//
// People use [Root], by embedding it in their state struct; the rest of the
// package is for the code that esgen writes and for package repository.
package aggregate

import (
	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Generation1 is referred to by generated code, so that code made for a newer run-time
// does not compile against an older one.
const Generation1 = 1

// Root gives a state struct that embeds it its identity, its version and the
// events that it has recorded but not yet saved:
//
//	//esgen:aggregate
//	type Account struct {
//		aggregate.Root
//		Balance int64
//	}
//
// It has no exported fields and only two methods, since they are promoted into the
// aggregate. Make aggregates with the generated New: the zero value has no id and
// can't be saved. An aggregate is not safe for concurrent use.
type Root struct {
	id       string
	typ      any // the Type[T] that Init was given
	version  es.Version
	snapshot es.Version
	pending  []Pending
	frozen   error // why it can't be saved; nil if it can
}

// Pending is an event that was recorded but not yet saved.
type Pending struct {
	// Event is a value of the aggregate's event types.
	Event any
	// ID is the event's id, the zero value until the first Save gives it one. It is
	// kept when a Save fails, so that a repeated one changes nothing twice.
	ID uuid.UUID
}

// ID returns the id of the aggregate's stream.
func (r *Root) ID() string { return r.id }

// Version returns the version of the aggregate's stream that its state was loaded
// from or saved to, 0 for a new one. Recorded events count once they are saved.
func (r *Root) Version() es.Version { return r.version }

// root is promoted into aggregates, so that RootOf finds it.
func (r *Root) root() *Root { return r }

// RootOf returns the Root that *a embeds; nil if it embeds none.
func RootOf(a any) *Root {
	if embeds, ok := a.(interface{ root() *Root }); ok {
		return embeds.root()
	}
	return nil
}

// Init gives a new aggregate its id and its [Type].
func Init(r *Root, id string, typ any) { r.id, r.typ = id, typ }

// TypeOf returns the [Type] that an aggregate was made with. It is false for one that
// was not made by its generated New.
func TypeOf[T any](a *T) (Type[T], bool) {
	root := RootOf(a)
	if root == nil {
		return nil, false
	}
	typ, ok := root.typ.(Type[T])
	return typ, ok
}

// Record queues an event to be saved. Generated record methods call it and apply
// the event.
func Record(r *Root, event any) { r.pending = append(r.pending, Pending{Event: event}) }

// PendingOf returns the events that were recorded but not yet saved, oldest first.
// The slice is the Root's own: a repository sets the ids in it.
func PendingOf(r *Root) []Pending { return r.pending }

// Loaded tells that the state is that of version v, loaded by way of a snapshot of
// version snapshot (0: of none), with nothing pending.
func Loaded(r *Root, v, snapshot es.Version) {
	r.version, r.snapshot, r.pending, r.frozen = v, snapshot, nil, nil
}

// Saved tells that the pending events are stored and v is the version of the last.
func Saved(r *Root, v es.Version) { r.version, r.pending = v, nil }

// Snapshotted tells that there is a snapshot of version v.
func Snapshotted(r *Root, v es.Version) { r.snapshot = v }

// SnapshotOf returns the version of the newest snapshot that is known to be stored,
// 0 if none is.
func SnapshotOf(r *Root) es.Version { return r.snapshot }

// Freeze tells that the aggregate can be looked at but no longer saved, and why. The
// first reason stays.
func Freeze(r *Root, reason error) {
	if r.frozen == nil {
		r.frozen = reason
	}
}

// Frozen returns the reason that [Freeze] was given since the aggregate was loaded,
// nil if there is none.
func Frozen(r *Root) error { return r.frozen }
