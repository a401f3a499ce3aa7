package store

import (
	"context"

	"github.com/aneshas/eventstore"
	"github.com/aneshas/eventstore/aggregate"
	"github.com/google/uuid"
	"gorm.io/gorm/logger"
)

// aneshasAccount is an aggregate of github.com/aneshas/eventstore.
type aneshasAccount struct {
	aggregate.Root[uuid.UUID]
	Tally Tally
}

// OnDeposited is found by its name.
func (a *aneshasAccount) OnDeposited(e Deposited) { a.Tally.Add(e) }

// aneshasHandle saves through the event store: the library's aggregates can be saved once after each load,
// since what was saved stays pending.
type aneshasHandle struct {
	store   *eventstore.EventStore
	id      uuid.UUID
	version int
	pending []eventstore.EventToStore
	state   Tally
}

func (h *aneshasHandle) deposit(e Deposited) error {
	h.pending = append(h.pending, eventstore.EventToStore{Event: e, OccurredOn: e.At})
	h.state.Add(e)
	return nil
}

func (h *aneshasHandle) tally() Tally { return h.state }

func (h *aneshasHandle) save(ctx context.Context) error {
	err := h.store.AppendStream(ctx, h.id.String(), h.version, h.pending)
	if err == nil {
		h.version += len(h.pending)
		h.pending = h.pending[:0]
	}
	return err
}

func newAneshas(store *eventstore.EventStore) library {
	store.DB.Logger = logger.Discard // it prints to the standard output
	accounts := aggregate.NewStore[*aneshasAccount](store)
	return library{
		name: "aneshas",
		open: func(id uuid.UUID) account { return &aneshasHandle{store: store, id: id} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a := new(aneshasAccount)
			err := accounts.ByID(ctx, id.String(), a)
			return &aneshasHandle{store: store, id: id, version: a.Version(), state: a.Tally}, err
		},
	}
}
