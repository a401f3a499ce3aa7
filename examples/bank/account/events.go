package account

import "github.com/esgen-go/esgen/examples/bank/money"

// Opened starts an account's life.
//
//esgen:event version=3
type Opened struct {
	Owner     string         `json:"owner"`
	Currency  money.Currency `json:"currency"`
	Overdraft int64          `json:"overdraft"` // minor units
}

func (a *Account) applyOpened(e Opened) {
	a.Owner, a.Currency, a.Overdraft = e.Owner, e.Currency, e.Overdraft
}

// Deposited: money was paid in.
//
//esgen:event
type Deposited struct {
	Amount int64  `json:"amount"` // minor units
	Note   string `json:"note,omitempty"`
}

func (a *Account) applyDeposited(e Deposited) { a.Balance += e.Amount }

// Withdrawn: money was paid out.
//
//esgen:event
type Withdrawn struct {
	Amount int64  `json:"amount"` // minor units
	Note   string `json:"note,omitempty"`
}

func (a *Account) applyWithdrawn(e Withdrawn) { a.Balance -= e.Amount }

// TransferSent: money went to another account, which has the matching [TransferReceived].
//
//esgen:event
type TransferSent struct {
	To     string `json:"to"`
	Amount int64  `json:"amount"` // minor units
	Note   string `json:"note,omitempty"`
}

func (a *Account) applyTransferSent(e TransferSent) { a.Balance -= e.Amount }

// TransferReceived: money came from another account, which has the matching [TransferSent].
//
//esgen:event
type TransferReceived struct {
	From   string `json:"from"`
	Amount int64  `json:"amount"` // minor units
	Note   string `json:"note,omitempty"`
}

func (a *Account) applyTransferReceived(e TransferReceived) { a.Balance += e.Amount }

// Closed ends an account's life.
//
//esgen:event
type Closed struct{}

func (a *Account) applyClosed(Closed) { a.Closed = true }
