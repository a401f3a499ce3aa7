package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/hallgren/eventsourcing"
	"github.com/hallgren/eventsourcing/core"
)

// hallgrenAccount is written as the README of github.com/hallgren/eventsourcing says.
type hallgrenAccount struct {
	eventsourcing.AggregateRoot
	Tally Tally
}

func (a *hallgrenAccount) Register(r eventsourcing.RegisterFunc) { r(&Deposited{}) }

func (a *hallgrenAccount) Transition(e eventsourcing.Event) {
	if d, ok := e.Data().(*Deposited); ok {
		a.Tally.Add(*d)
	}
}

type hallgrenHandle struct {
	*hallgrenAccount
	repo *eventsourcing.EventRepository
}

func (h hallgrenHandle) deposit(e Deposited) error {
	h.TrackChange(h.hallgrenAccount, &e)
	return nil
}
func (h hallgrenHandle) tally() Tally               { return h.Tally }
func (h hallgrenHandle) save(context.Context) error { return h.repo.Save(h.hallgrenAccount) }

func newHallgren(store core.EventStore) library {
	repo := eventsourcing.NewEventRepository(store)
	repo.Register(&hallgrenAccount{})
	return library{
		name: "hallgren",
		open: func(id uuid.UUID) account {
			a := &hallgrenAccount{}
			_ = a.SetID(id.String()) // it has none yet
			return hallgrenHandle{a, repo}
		},
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a := &hallgrenAccount{}
			err := repo.GetWithContext(ctx, id.String(), a)
			return hallgrenHandle{a, repo}, err
		},
	}
}
