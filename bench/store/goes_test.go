package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/modernice/goes/aggregate"
	"github.com/modernice/goes/aggregate/repository"
	"github.com/modernice/goes/codec"
	"github.com/modernice/goes/event"
)

const goesDeposited = "account.deposited"

// goesAccount is written as the tutorial of github.com/modernice/goes says.
type goesAccount struct {
	*aggregate.Base
	Tally
}

func newGoesAccount(id uuid.UUID) *goesAccount {
	a := &goesAccount{Base: aggregate.New("account", id)}
	event.ApplyWith(a, func(e event.Of[Deposited]) { a.Add(e.Data()) }, goesDeposited)
	return a
}

type goesHandle struct {
	*goesAccount
	repo *repository.TypedRepository[*goesAccount]
}

func (h goesHandle) deposit(e Deposited) error {
	aggregate.Next(h.goesAccount, goesDeposited, e)
	return nil
}
func (h goesHandle) tally() Tally                   { return h.Tally }
func (h goesHandle) save(ctx context.Context) error { return h.repo.Save(ctx, h.goesAccount) }

func newGoes(open func(codec.Encoding) event.Store) library {
	registry := codec.New()
	codec.Register[Deposited](registry, goesDeposited)
	repo := repository.Typed(repository.New(open(registry)), newGoesAccount)
	return library{
		name: "goes",
		open: func(id uuid.UUID) account { return goesHandle{newGoesAccount(id), repo} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a, err := repo.Fetch(ctx, id)
			return goesHandle{a, repo}, err
		},
	}
}
