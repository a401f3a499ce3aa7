package repository

import (
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

// Repository loads and saves the aggregates of one type. It holds no aggregate and is
// safe for concurrent use.
type Repository[T any] struct {
	store       es.Store
	typ         aggregate.Type[T]
	fingerprint string
	retry       retryPolicy
	snapshots   snapshotPolicy[T]
	broken      error // a mistake in the options, which every call returns
}

// config is what options configure; without the type parameter, so that options need none.
type config struct {
	retry           retryPolicy
	snapshotEvery   int
	snapshotWhen    any // func(es.Version, int, *T) bool
	onSnapshotError snapshotHook
}

// New returns a repository of the aggregates of a type that esgen has generated;
// the generated NewRepository calls it. Without options it tries again up to 16
// times and takes no snapshots. A mistake in the options, or a nil store, is returned by
// every call.
func New[T any](store es.Store, typ aggregate.Type[T], opts ...Option) *Repository[T] {
	c := config{retry: defaultRetry}
	for _, o := range opts {
		o.configure(&c)
	}
	r := &Repository[T]{store: store, typ: typ, fingerprint: typ.Fingerprint(), retry: c.retry}
	r.snapshots, r.broken = newSnapshotPolicy[T](c)
	if store == nil {
		r.broken = errors.New("its store is nil: open one first")
	}
	return r
}

// stream names an aggregate's stream. It refuses an id that no store takes, which
// otherwise would only look like one that does not exist.
func (r *Repository[T]) stream(id string) (es.Stream, error) {
	s := es.Stream{Category: r.typ.Category(), ID: id}
	if r.broken != nil {
		return s, fmt.Errorf("repository of %s: %w", s.Category, r.broken)
	}
	return s, s.Validate()
}

// fresh returns a new aggregate, as the generated New does.
func (r *Repository[T]) fresh(id string) *T {
	a := new(T)
	aggregate.Init(r.typ.Root(a), id, r.typ)
	return a
}
