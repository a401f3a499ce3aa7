package store

import (
	"context"
	"sync"

	"github.com/google/uuid"
	"github.com/terraskye/eventsourcing"
)

type terraskyeDeposited Deposited

func (e *terraskyeDeposited) AggregateID() string { return e.Account }
func (*terraskyeDeposited) EventType() string     { return "account.deposited" }

// The registry is global, and takes an event once.
var registerTerraskye = sync.OnceFunc(func() { eventsourcing.RegisterEvent(&terraskyeDeposited{}) })

// terraskyeAccount does what a command handler of github.com/terraskye/eventsourcing does, in two steps:
// it folds what LoadStreamFrom returns, and saves envelopes at the version it has seen.
type terraskyeAccount struct {
	store   eventsourcing.EventStore
	id      uuid.UUID
	version uint64
	pending []eventsourcing.Envelope
	state   Tally
}

func (a *terraskyeAccount) deposit(e Deposited) error {
	a.pending = append(a.pending, eventsourcing.Envelope{
		EventID: uuid.New(), StreamID: e.Account, Event: (*terraskyeDeposited)(&e),
		Metadata: map[string]any{}, Version: a.version + uint64(len(a.pending)) + 1, OccurredAt: e.At,
	})
	a.state.Add(e)
	return nil
}

func (a *terraskyeAccount) tally() Tally { return a.state }

func (a *terraskyeAccount) save(ctx context.Context) error {
	result, err := a.store.Save(ctx, a.pending, eventsourcing.Revision(a.version))
	if err == nil {
		a.version, a.pending = result.NextExpectedVersion, a.pending[:0]
	}
	return err
}

func newTerraskye(store eventsourcing.EventStore) library {
	registerTerraskye()
	return library{
		name: "terraskye",
		open: func(id uuid.UUID) account { return &terraskyeAccount{store: store, id: id} },
		load: func(ctx context.Context, id uuid.UUID) (account, error) {
			a := &terraskyeAccount{store: store, id: id}
			events, err := store.LoadStreamFrom(ctx, id.String(), eventsourcing.Any{})
			if err != nil {
				return nil, err
			}
			for events.Next(ctx) {
				e := events.Value()
				a.version = e.Version
				a.state.Add(Deposited(*e.Event.(*terraskyeDeposited)))
			}
			return a, events.Err()
		},
	}
}
