package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

type esgenAccount struct {
	*Account
	repo *repository.Repository[Account]
}

func (a esgenAccount) deposit(e Deposited) error { a.recordDeposited(e); return nil }
func (a esgenAccount) tally() Tally              { return a.Tally }
func (a esgenAccount) save(ctx context.Context) error {
	_, err := a.repo.Save(ctx, a.Account)
	return err
}

func newEsgen(store es.Store) library {
	repo := NewAccountRepository(store)
	return library{
		name: "esgen",
		open: func(id uuid.UUID) account { return esgenAccount{NewAccount(id.String()), repo} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a, err := repo.Load(ctx, id.String())
			return esgenAccount{a, repo}, err
		},
	}
}
