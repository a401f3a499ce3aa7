package signup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/esgen-go/esgen/aggregate"
)

// Address is a mail address, as far as it matters whose it is: the reservation. Its stream goes on when it changes
// hands.
//
//esgen:aggregate
type Address struct {
	aggregate.Root
	Member string // whose it is; "" if it is free
}

// Reserved gives the address to a member.
//
//esgen:event aggregate=Address
type Reserved struct {
	Member string `json:"member"`
}

// Released makes it free.
//
//esgen:event aggregate=Address
type Released struct{}

func (a *Address) applyReserved(e Reserved) { a.Member = e.Member }
func (a *Address) applyReleased(Released)   { a.Member = "" }

// ErrTaken refuses an address that another member has.
var ErrTaken = errors.New("the address is taken")

// Reserve gives a free address to a member.
func (a *Address) Reserve(member string) error {
	switch a.Member {
	case member:
		return nil // it is theirs already
	case "":
		a.recordReserved(Reserved{Member: member})
		return nil
	default:
		return ErrTaken
	}
}

// Release makes it free, if it is the member's.
func (a *Address) Release(member string) {
	if a.Member == member {
		a.recordReleased(Released{})
	}
}

// addressID is the stream's id: what is the same address must have the same one.
func addressID(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return hex.EncodeToString(sum[:])
}
