package signup

import (
	"errors"

	"github.com/esgen-go/esgen/aggregate"
)

//go:generate go run github.com/esgen-go/esgen/cmd/esgen

// Member is somebody who has signed up.
//
//esgen:aggregate
type Member struct {
	aggregate.Root
	Address string
	Gone    bool
}

// Joined starts a member's life.
//
//esgen:event aggregate=Member
type Joined struct {
	Address string `json:"address"`
}

// Moved gives the member another address.
//
//esgen:event aggregate=Member
type Moved struct {
	Address string `json:"address"`
}

// Left ends it.
//
//esgen:event aggregate=Member
type Left struct{}

func (m *Member) applyJoined(e Joined) { m.Address = e.Address }
func (m *Member) applyMoved(e Moved)   { m.Address = e.Address }
func (m *Member) applyLeft(Left)       { m.Gone = true }

// ErrGone refuses to change a member who has left.
var ErrGone = errors.New("the member has left")

// Join is the first command. That the address is free is for its own stream to say.
func (m *Member) Join(address string) error {
	m.recordJoined(Joined{Address: address})
	return nil
}

// Move gives the member another address.
func (m *Member) Move(address string) error {
	if m.Gone {
		return ErrGone
	}
	m.recordMoved(Moved{Address: address})
	return nil
}

// Leave ends the membership.
func (m *Member) Leave() error {
	if m.Gone {
		return ErrGone
	}
	m.recordLeft(Left{})
	return nil
}
