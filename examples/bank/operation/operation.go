// Package operation remembers what became of each operation that was imported: a
// stream of its own holds whether the bank accepted or refused it, so that
// importing it again changes nothing.
package operation

//go:generate go tool esgen

import (
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Operation is one imported operation. What it did to accounts is stored in the same append as
// its [Accepted].
//
//esgen:aggregate
type Operation struct {
	aggregate.Root
	Request  Request
	Accepted bool
	Reason   string // why it was refused, the last time; "" if it was not
	Refusals int
}

// The kinds of requests.
const (
	Open     = "open"
	Deposit  = "deposit"
	Withdraw = "withdraw"
	Transfer = "transfer"
	Close    = "close"
)

// Request is what is asked of the bank. What a kind does not use is zero.
type Request struct {
	Kind      string       `json:"kind"`
	Account   string       `json:"account"`
	To        string       `json:"to,omitempty"`       // transfer
	Owner     string       `json:"owner,omitempty"`    // open
	Amount    money.Amount `json:"amount,omitzero"`    // deposit, withdraw, transfer
	Overdraft money.Amount `json:"overdraft,omitzero"` // open: the limit, and with it the currency
	Note      string       `json:"note,omitempty"`     // deposit, withdraw, transfer
}

// Accounts returns the ids of the accounts that the request is about, of a transfer the sender first.
func (r Request) Accounts() []string {
	if r.Kind == Transfer && r.To != r.Account {
		return []string{r.Account, r.To}
	}
	return []string{r.Account}
}

// String describes the request in a few words.
func (r Request) String() string {
	switch r.Kind {
	case Open:
		return fmt.Sprintf("open %s for %q with an overdraft limit of %s", r.Account, r.Owner, r.Overdraft)
	case Transfer:
		return fmt.Sprintf("transfer %s from %s to %s", r.Amount, r.Account, r.To)
	case Close:
		return "close " + r.Account
	case Deposit:
		return fmt.Sprintf("deposit %s to %s", r.Amount, r.Account)
	case Withdraw:
		return fmt.Sprintf("withdraw %s from %s", r.Amount, r.Account)
	default:
		return fmt.Sprintf("%s %s", r.Kind, r.Account)
	}
}

var (
	// ErrAccepted: the operation was accepted before, and that is final.
	ErrAccepted = errors.New("the operation was already accepted")
	// ErrOtherRequest: the id belongs to another request.
	ErrOtherRequest = errors.New("the id belongs to another operation")
)

// OtherRequestError tells that an operation's id was used before, for something
// else. It matches [ErrOtherRequest].
type OtherRequestError struct {
	ID            string
	Stored, Given Request
}

func (e *OtherRequestError) Error() string {
	stored, given := e.Stored.String(), e.Given.String()
	if stored == given { // only the note differs
		stored += fmt.Sprintf(" with note %q", e.Stored.Note)
		given += fmt.Sprintf(" with note %q", e.Given.Note)
	}
	return fmt.Sprintf("id %s was used before for another operation (%s), now it is to %s: give it an id of its own", e.ID, stored, given)
}

// Is reports whether target is [ErrOtherRequest].
func (e *OtherRequestError) Is(target error) bool { return target == ErrOtherRequest }

// Known reports whether the operation was imported before. If it was, but for another request, it
// returns an [*OtherRequestError].
func (o *Operation) Known(request Request) (bool, error) {
	if o.Request == (Request{}) {
		return false, nil
	}
	if o.Request != request {
		return true, &OtherRequestError{ID: o.ID(), Stored: o.Request, Given: request}
	}
	return true, nil
}

// Accept records that the request is carried out. It is final.
func (o *Operation) Accept(request Request) error {
	if err := o.decide(request); err != nil {
		return err
	}
	o.recordAccepted(Accepted{Request: request})
	return nil
}

// Refuse records that the request was refused, and why. It may be refused or accepted later.
func (o *Operation) Refuse(request Request, reason string) error {
	if err := o.decide(request); err != nil {
		return err
	}
	o.recordRefused(Refused{Request: request, Reason: reason})
	return nil
}

func (o *Operation) decide(request Request) error {
	if _, err := o.Known(request); err != nil {
		return err
	}
	if o.Accepted {
		return ErrAccepted
	}
	return nil
}

// Accepted: the request was carried out.
//
//esgen:event
type Accepted struct {
	Request Request `json:"request"`
}

func (o *Operation) applyAccepted(e Accepted) {
	o.Request, o.Accepted, o.Reason = e.Request, true, ""
}

// Refused: the bank's rules did not allow the request.
//
//esgen:event
type Refused struct {
	Request Request `json:"request"`
	Reason  string  `json:"reason"`
}

func (o *Operation) applyRefused(e Refused) {
	o.Request, o.Reason = e.Request, e.Reason
	o.Refusals++
}
