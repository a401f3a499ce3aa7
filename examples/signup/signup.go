// Package signup is a sign-up in which no two members have the same address: uniqueness across aggregates, by
// streams that are reservations. The guide in docs/guides/uniqueness.md explains it.
package signup

import (
	"context"
	"errors"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

// Members signs members up.
type Members struct {
	store     es.Store
	members   *repository.Repository[Member]
	addresses *repository.Repository[Address]
}

// New returns the members of a store.
func New(store es.Store) *Members {
	return &Members{store: store, members: NewMemberRepository(store), addresses: NewAddressRepository(store)}
}

// Join signs a member up, unless another has the address ([ErrTaken]).
func (s *Members) Join(ctx context.Context, id, address string, opts ...repository.SaveOption) error {
	return repository.Atomically(ctx, s.store, func(u *repository.Unit) error {
		m, err := s.members.CreateIn(u, id)
		if err != nil {
			return err
		}
		a, err := s.address(u, address)
		if err != nil {
			return err
		}
		if err := a.Reserve(id); err != nil {
			return err
		}
		return m.Join(address)
	}, opts...)
}

// address gets an address, also one that nobody ever had.
func (s *Members) address(u *repository.Unit, address string) (*Address, error) {
	a, err := s.addresses.LoadIn(u, addressID(address))
	if errors.Is(err, es.ErrNotFound) {
		return s.addresses.CreateIn(u, addressID(address))
	}
	return a, err
}

// Move gives a member another address, and makes the old one free.
func (s *Members) Move(ctx context.Context, id, address string, opts ...repository.SaveOption) error {
	return repository.Atomically(ctx, s.store, func(u *repository.Unit) error {
		m, err := s.members.LoadIn(u, id)
		if err != nil {
			return err
		}
		from, err := s.address(u, m.Address)
		if err != nil {
			return err
		}
		to, err := s.address(u, address)
		if err != nil {
			return err
		}
		if from != to { // the unit gives the same aggregate for the same address
			from.Release(id)
		}
		if err := to.Reserve(id); err != nil {
			return err
		}
		return m.Move(address)
	}, opts...)
}

// Leave ends a membership, and makes its address free.
func (s *Members) Leave(ctx context.Context, id string, opts ...repository.SaveOption) error {
	return repository.Atomically(ctx, s.store, func(u *repository.Unit) error {
		m, err := s.members.LoadIn(u, id)
		if err != nil {
			return err
		}
		a, err := s.address(u, m.Address)
		if err != nil {
			return err
		}
		a.Release(id)
		return m.Leave()
	}, opts...)
}

// Who returns the member who has an address ([es.ErrNotFound] if nobody has it): it is known at once, without a
// read model.
func (s *Members) Who(ctx context.Context, address string) (*Member, error) {
	a, err := s.addresses.Load(ctx, addressID(address))
	if err == nil && a.Member == "" {
		err = es.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.members.Load(ctx, a.Member)
}

// Backfill reserves the addresses of members who joined before there were reservations. It can be run
// again, while others sign up, and returns those whose address another has: that is for people to decide.
func (s *Members) Backfill(ctx context.Context) (doubles []string, err error) {
	list, ok := es.Capability[es.Lister](s.store)
	if !ok {
		return nil, errors.New("the store lists no streams")
	}
	for info, err := range list.Streams(ctx, es.ListQuery{Category: "member"}) {
		if err != nil {
			return doubles, err
		}
		err = repository.Atomically(ctx, s.store, func(u *repository.Unit) error {
			m, err := s.members.LoadIn(u, info.Stream.ID)
			if err != nil || m.Gone {
				return err
			}
			a, err := s.address(u, m.Address)
			if err != nil || a.Member == m.ID() {
				return err
			}
			if err := a.Reserve(m.ID()); err != nil {
				return err
			}
			return m.Move(m.Address) // else a member who moves meanwhile would not be noticed
		})
		if errors.Is(err, ErrTaken) {
			doubles = append(doubles, info.Stream.ID)
		} else if err != nil {
			return doubles, err
		}
	}
	return doubles, nil
}
