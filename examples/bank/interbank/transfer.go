// Package interbank has transfers to other banks: their state, from the request to the other bank's answer or the
// money's return.
package interbank

//go:generate go tool esgen

import (
	"errors"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Transfer is one transfer to another bank. Who moves it on is the process manager; what comes out of
// turn is refused or, where it is only late, passed over.
//
//esgen:aggregate
type Transfer struct {
	aggregate.Root
	Account string // that pays
	To      string // an account of another bank
	Amount  money.Amount
	Timeout time.Duration // from the debit on, to wait for the other bank's answer
	State   State
	Reason  string // of a refusal, a rejection or a failed return
}

// State is how far a transfer is.
type State string

// The states.
const (
	Requested State = "requested" // the account is not debited yet
	Pending   State = "pending"   // the account is debited, the other bank has not answered
	Refused   State = "refused"   // by the bank's own rules: nothing was moved
	Completed State = "completed" // the other bank has the money
	Rejected  State = "rejected"  // by the other bank: the money is to be returned
	TimedOut  State = "timed out" // the other bank did not answer in time: the money is to be returned
	Returned  State = "returned"  // the account has its money back
	Stuck     State = "stuck"     // the account did not take the money back: somebody has to look
)

// Why a transfer refuses a command.
var (
	ErrNotRequested = errors.New("there is no such transfer")
	ErrExists       = errors.New("there is such a transfer already: choose another id")
	ErrNotPending   = errors.New("the transfer does not wait for an answer")
)

// Error tells that a transfer refused a command. Nothing was recorded.
type Error struct {
	Transfer string // the id
	State    State
	Err      error
}

func (e *Error) Error() string {
	if e.State == "" {
		return fmt.Sprintf("transfer %s: %v", e.Transfer, e.Err)
	}
	return fmt.Sprintf("transfer %s: %v: it is %s", e.Transfer, e.Err, e.State)
}

func (e *Error) Unwrap() error { return e.Err }

func (t *Transfer) refuse(err error) error { return &Error{Transfer: t.ID(), State: t.State, Err: err} }

// Request begins the transfer.
func (t *Transfer) Request(account, to string, amount money.Amount, timeout time.Duration) error {
	if t.State != "" {
		return t.refuse(ErrExists)
	}
	t.recordTransferRequested(TransferRequested{Account: account, To: to, Amount: amount, Timeout: timeout.Milliseconds()})
	return nil
}

// Debit notes that the account has paid, in the same append.
func (t *Transfer) Debit() bool {
	if t.State != Requested {
		return false
	}
	t.recordTransferDebited(TransferDebited{})
	return true
}

// Refuse notes that the account could not pay.
func (t *Transfer) Refuse(reason string) {
	if t.State == Requested {
		t.recordTransferRefused(TransferRefused{Reason: reason})
	}
}

// Confirm is the other bank's yes.
func (t *Transfer) Confirm() error {
	if t.State != Pending {
		return t.refuse(ErrNotPending)
	}
	t.recordTransferConfirmed(TransferConfirmed{})
	return nil
}

// Reject is the other bank's no.
func (t *Transfer) Reject(reason string) error {
	if t.State != Pending {
		return t.refuse(ErrNotPending)
	}
	t.recordTransferRejected(TransferRejected{Reason: reason})
	return nil
}

// TimeOut ends the waiting. Where an answer came before it, there is nothing to do.
func (t *Transfer) TimeOut() error {
	if t.State == Pending {
		t.recordTransferTimedOut(TransferTimedOut{})
	}
	return nil
}

// Return notes that the account has its money back, in the same append.
func (t *Transfer) Return() bool {
	if t.State != Rejected && t.State != TimedOut {
		return false
	}
	t.recordTransferReturned(TransferReturned{})
	return true
}

// Stick notes that the account did not take the money back.
func (t *Transfer) Stick(reason string) {
	if t.State == Rejected || t.State == TimedOut {
		t.recordTransferStuck(TransferStuck{Reason: reason})
	}
}

// TransferRequested starts a transfer's life.
//
//esgen:event name=transfer.requested
type TransferRequested struct {
	Account string       `json:"account"`
	To      string       `json:"to"`
	Amount  money.Amount `json:"amount"`
	Timeout int64        `json:"timeout"` // milliseconds
}

func (t *Transfer) applyTransferRequested(e TransferRequested) {
	t.Account, t.To, t.Amount, t.State = e.Account, e.To, e.Amount, Requested
	t.Timeout = time.Duration(e.Timeout) * time.Millisecond
}

// TransferDebited: the account has paid.
//
//esgen:event name=transfer.debited
type TransferDebited struct{}

func (t *Transfer) applyTransferDebited(TransferDebited) { t.State = Pending }

// TransferRefused: the account could not pay.
//
//esgen:event name=transfer.refused
type TransferRefused struct {
	Reason string `json:"reason"`
}

func (t *Transfer) applyTransferRefused(e TransferRefused) { t.State, t.Reason = Refused, e.Reason }

// TransferConfirmed: the other bank has the money.
//
//esgen:event name=transfer.confirmed
type TransferConfirmed struct{}

func (t *Transfer) applyTransferConfirmed(TransferConfirmed) { t.State = Completed }

// TransferRejected: the other bank does not take the money.
//
//esgen:event name=transfer.rejected
type TransferRejected struct {
	Reason string `json:"reason"`
}

func (t *Transfer) applyTransferRejected(e TransferRejected) { t.State, t.Reason = Rejected, e.Reason }

// TransferTimedOut: the other bank did not answer in time.
//
//esgen:event name=transfer.timed_out
type TransferTimedOut struct{}

func (t *Transfer) applyTransferTimedOut(TransferTimedOut) { t.State = TimedOut }

// TransferReturned: the account has its money back.
//
//esgen:event name=transfer.returned
type TransferReturned struct{}

func (t *Transfer) applyTransferReturned(TransferReturned) { t.State = Returned }

// TransferStuck: the account did not take the money back.
//
//esgen:event name=transfer.stuck
type TransferStuck struct {
	Reason string `json:"reason"`
}

func (t *Transfer) applyTransferStuck(e TransferStuck) { t.State, t.Reason = Stuck, e.Reason }

// Settled reports whether the transfer has come to its end. One that is stuck has not, but waits for nobody
// but people.
func (t *Transfer) Settled() bool {
	switch t.State {
	case Completed, Refused, Returned, Stuck:
		return true
	}
	return false
}
