package store

import (
	"context"

	"github.com/DeluxeOwl/chronicle"
	"github.com/DeluxeOwl/chronicle/aggregate"
	"github.com/DeluxeOwl/chronicle/event"
	"github.com/google/uuid"
)

// chronicleAccount is written as the quickstart of github.com/DeluxeOwl/chronicle says.
type chronicleAccount struct {
	aggregate.Base
	id uuid.UUID
	Tally
}

type chronicleEvent interface {
	event.Any
	isChronicleEvent()
}

type chronicleDeposited Deposited

func (*chronicleDeposited) EventName() string { return "account/deposited" }
func (*chronicleDeposited) isChronicleEvent() {}

func (a *chronicleAccount) ID() uuid.UUID { return a.id }

func (a *chronicleAccount) EventFuncs() event.FuncsFor[chronicleEvent] {
	return event.FuncsFor[chronicleEvent]{func() chronicleEvent { return new(chronicleDeposited) }}
}

func (a *chronicleAccount) Apply(e chronicleEvent) error {
	if d, ok := e.(*chronicleDeposited); ok {
		if a.Count == 0 {
			id, err := uuid.Parse(d.Account)
			if err != nil {
				return err
			}
			a.id = id
		}
		a.Add(Deposited(*d))
	}
	return nil
}

type chronicleHandle struct {
	*chronicleAccount
	repo *aggregate.ESRepo[uuid.UUID, chronicleEvent, *chronicleAccount]
}

func (h chronicleHandle) deposit(e Deposited) error {
	return aggregate.RecordEvent(h.chronicleAccount, chronicleEvent((*chronicleDeposited)(&e)))
}
func (h chronicleHandle) tally() Tally { return h.Tally }
func (h chronicleHandle) save(ctx context.Context) error {
	_, _, err := h.repo.Save(ctx, h.chronicleAccount)
	return err
}

func newChronicle(log event.Log) library {
	// A registry of its own, since the global one takes each event once.
	repo := must(chronicle.NewEventSourcedRepository(log, func() *chronicleAccount { return new(chronicleAccount) }, nil,
		aggregate.AnyEventRegistry(chronicle.NewAnyEventRegistry())))
	return library{
		name: "chronicle",
		open: func(id uuid.UUID) account { return chronicleHandle{&chronicleAccount{id: id}, repo} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a, err := repo.Get(ctx, id)
			return chronicleHandle{a, repo}, err
		},
	}
}
