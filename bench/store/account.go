package store

import (
	"time"

	"github.com/esgen-go/esgen/aggregate"
)

//go:generate go tool esgen

// Account is the aggregate that is saved and loaded.
//
//esgen:aggregate
type Account struct {
	aggregate.Root
	Tally Tally
}

// Deposited is the event: 300 bytes as JSON.
//
//esgen:event
type Deposited struct {
	Account   string    `json:"account"`
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	Reference string    `json:"reference"`
	Note      string    `json:"note"`
	At        time.Time `json:"at"`
}

func (a *Account) applyDeposited(e Deposited) { a.Tally.Add(e) }

// Tally is the state of an account, whichever library folds it. Two accounts with the same
// number of events, but others or in another order, differ in it.
type Tally struct {
	Count   int
	Balance int64
	Chain   int64 // depends on the order
	Last    Deposited
}

// Add folds an event.
func (t *Tally) Add(e Deposited) {
	t.Count++
	t.Balance += e.Amount
	t.Chain = t.Chain*31 + e.Amount
	t.Last = e
}
