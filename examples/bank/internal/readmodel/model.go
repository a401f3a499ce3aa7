// Package readmodel has the bank's read models: tables beside the events, in the same file or database, which follow from
// the events and can be built anew at any time.
package readmodel

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
)

// Model is a read model, on whatever engine its store has.
type Model interface {
	Name() string
	Run(ctx context.Context) error
	CatchUp(ctx context.Context) error
	Rebuild(ctx context.Context) (version int, err error)
	WaitFor(ctx context.Context, p es.Position) error
	Versions(ctx context.Context) (es.ReadModel, error)
	Drop(ctx context.Context, version int) error
	Status(ctx context.Context) (subscription.Status, error)

	view(ctx context.Context, f func(ctx context.Context, t tx, version int) error) error
}

// definition is a [projection.Definition] for either engine.
type definition struct {
	name       string
	categories []string
	create     string // statements, with %d for the version
	drop       string
	handle     func(ctx context.Context, t tx, version int, events []es.Recorded) error
}

// open makes a read model in the engine of a store.
func open(store es.Store, d definition, opts []projection.Option) (Model, error) {
	if _, ok := es.Capability[*sqlite.Store](store); ok {
		return on(store, d, opts, func(t *sql.Tx) tx { return sqliteTx{t} })
	}
	if _, ok := es.Capability[*postgres.Store](store); ok {
		return on(store, d, opts, func(t pgx.Tx) tx { return postgresTx{t} })
	}
	return nil, fmt.Errorf("the store (%T) has no tables for the read model %s: use a file or PostgreSQL", store, d.name)
}

type model[TX any] struct {
	*projection.Projection[TX]
	wrap func(TX) tx
}

func on[TX any](store es.Store, d definition, opts []projection.Option, wrap func(TX) tx) (Model, error) {
	statement := func(text string) func(context.Context, TX, int) error {
		return func(ctx context.Context, t TX, version int) error {
			return wrap(t).exec(ctx, fmt.Sprintf(text, version))
		}
	}
	opts = append([]projection.Option{projection.Takeover(time.Second)}, opts...) // many times what a batch takes
	p, err := projection.New(store, projection.Definition[TX]{
		Name: d.name, Categories: d.categories, Create: statement(d.create), Drop: statement(d.drop),
		Handle: func(ctx context.Context, t TX, version int, events []es.Recorded) error {
			return d.handle(ctx, wrap(t), version, events)
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return model[TX]{p, wrap}, nil
}

func (m model[TX]) view(ctx context.Context, f func(ctx context.Context, t tx, version int) error) error {
	return m.View(ctx, func(ctx context.Context, t TX, version int) error { return f(ctx, m.wrap(t), version) })
}
