package booking

import (
	"context"
	"fmt"
	"sync"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

// Desk is where guests book.
type Desk struct {
	store  es.Store
	rooms  *repository.Repository[Room]
	guests *repository.Repository[Guest]
}

// NewDesk returns a desk on a store.
func NewDesk(store es.Store) *Desk {
	return &Desk{store, NewRoomRepository(store), NewGuestRepository(store)}
}

// Book books a room and gives points, both or none.
func (d *Desk) Book(ctx context.Context, room, guest, stay string, nights []Night) error {
	return repository.Atomically(ctx, d.store, func(u *repository.Unit) error {
		r, err := d.rooms.LoadIn(u, room)
		if err != nil {
			return err
		}
		g, err := d.guests.LoadIn(u, guest)
		if err != nil {
			return err
		}
		if err := r.Book(stay, guest, nights); err != nil {
			return fmt.Errorf("booking %s: %w", room, err)
		}
		return g.Earn(stay, map[string]int{"nights": len(nights)})
	})
}

// CancelAll cancels stays of a room, several at once.
func (d *Desk) CancelAll(ctx context.Context, room string, at es.Version, stays []string) (failed map[string]error) {
	failed = map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, stay := range stays {
		all.Go(func() {
			err := d.rooms.Update(ctx, room, func(r *Room) error {
				defer r.Close(r.Cleaned)
				return r.Cancel(stay, r.Cleaned)
			})
			mu.Lock()
			defer mu.Unlock()
			failed[stay] = err
		})
	}
	all.Wait()
	return failed
}

// Names lists the rooms' streams.
func (d *Desk) Names(ctx context.Context) (names []string, err error) {
	lister, ok := es.Capability[es.Lister](d.store)
	if !ok {
		return nil, nil
	}
	for info, err := range lister.Streams(ctx, es.ListQuery{Category: "room"}) {
		if err != nil {
			return nil, err
		}
		names = append(names, info.Stream.ID)
	}
	return names, nil
}

// Describe says in words what happened.
func Describe(event RoomEvent) string {
	switch e := event.(type) {
	case RoomAdded:
		return "room " + e.Name
	case Booked:
		e.Stay.Guest = "a guest"
		return e.Stay.Guest + " books"
	case Cancelled, ExtraAdded:
		return "a change"
	default:
		return "something else"
	}
}
