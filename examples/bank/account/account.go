// Package account is the bank's domain: what can happen to an account, and the
// rules that decide whether it does.
package account

//go:generate go tool esgen

import (
	"math"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Account is one customer's account. Its methods are commands: each checks the rules, and then
// records what happened or returns an [*Error].
//
//esgen:aggregate
type Account struct {
	aggregate.Root
	Owner     string
	Currency  money.Currency
	Balance   int64 // minor units; at least -Overdraft
	Overdraft int64 // minor units; how far below zero the balance may go
	Closed    bool
}

// Open opens the account with a balance of zero. The overdraft limit is in the account's currency,
// and zero or more.
func (a *Account) Open(owner string, overdraft money.Amount) error {
	const command = "open"
	switch {
	case a.opened():
		return a.refuse(command, ErrAlreadyOpen)
	case owner == "":
		return a.refuse(command, ErrNoOwner)
	case !overdraft.Currency.Known():
		return a.refuse(command, ErrUnknownCurrency)
	case overdraft.Minor < 0:
		return a.refuse(command, ErrNegativeOverdraft)
	}
	a.recordOpened(Opened{Owner: owner, Currency: overdraft.Currency, Overdraft: overdraft.Minor})
	return nil
}

// Deposit pays money in.
func (a *Account) Deposit(amount money.Amount, note string) error {
	if err := a.takes(amount); err != nil {
		return a.refuse("deposit "+amount.String(), err)
	}
	a.recordDeposited(Deposited{Amount: amount.Minor, Note: note})
	return nil
}

// Withdraw pays money out, as far as balance and overdraft limit reach.
func (a *Account) Withdraw(amount money.Amount, note string) error {
	if err := a.gives(amount); err != nil {
		return a.refuse("withdraw "+amount.String(), err)
	}
	a.recordWithdrawn(Withdrawn{Amount: amount.Minor, Note: note})
	return nil
}

// SendTransfer is the sender's half of a transfer. The receiver's half belongs into the same append.
func (a *Account) SendTransfer(to string, amount money.Amount, note string) error {
	err := a.gives(amount)
	if to == a.ID() {
		err = ErrSameAccount
	}
	if err != nil {
		return a.refuse("send "+amount.String()+" to "+to, err)
	}
	a.recordTransferSent(TransferSent{To: to, Amount: amount.Minor, Note: note})
	return nil
}

// ReceiveTransfer is the receiver's half of a transfer.
func (a *Account) ReceiveTransfer(from string, amount money.Amount, note string) error {
	err := a.takes(amount)
	if from == a.ID() {
		err = ErrSameAccount
	}
	if err != nil {
		return a.refuse("receive "+amount.String()+" from "+from, err)
	}
	a.recordTransferReceived(TransferReceived{From: from, Amount: amount.Minor, Note: note})
	return nil
}

// Close closes the account for good. Its balance must be zero.
func (a *Account) Close() error {
	const command = "close"
	switch {
	case !a.opened():
		return a.refuse(command, ErrNotOpen)
	case a.Closed:
		return a.refuse(command, ErrClosed)
	case a.Balance != 0:
		return a.refuse(command, &BalanceError{Balance: a.Money(a.Balance)})
	}
	a.recordClosed(Closed{})
	return nil
}

// Money returns minor units as an amount in the account's currency.
func (a *Account) Money(minor int64) money.Amount { return money.New(minor, a.Currency) }

// Available returns how much can be withdrawn: the balance and what is left of the overdraft limit.
func (a *Account) Available() money.Amount {
	if a.Balance > math.MaxInt64-a.Overdraft { // more than can be counted
		return a.Money(math.MaxInt64)
	}
	return a.Money(a.Balance + a.Overdraft)
}

// opened reports whether the account was ever opened; it may be closed by now.
func (a *Account) opened() bool { return a.Currency != "" }

// takes checks what all payments into the account have in common.
func (a *Account) takes(amount money.Amount) error {
	if err := a.moves(amount); err != nil {
		return err
	}
	if a.Balance > math.MaxInt64-amount.Minor {
		return &OverflowError{Balance: a.Money(a.Balance)}
	}
	return nil
}

// gives checks what all payments out of the account have in common.
func (a *Account) gives(amount money.Amount) error {
	if err := a.moves(amount); err != nil {
		return err
	}
	if amount.Minor > a.Available().Minor {
		return &FundsError{Amount: amount, Balance: a.Money(a.Balance), Overdraft: a.Money(a.Overdraft), Available: a.Available()}
	}
	return nil
}

// moves checks what all movements of money have in common.
func (a *Account) moves(amount money.Amount) error {
	switch {
	case !a.opened():
		return ErrNotOpen
	case a.Closed:
		return ErrClosed
	case amount.Currency != a.Currency:
		return &CurrencyError{Account: a.Currency, Amount: amount.Currency}
	case amount.Minor <= 0:
		return ErrNotPositive
	}
	return nil
}

func (a *Account) refuse(command string, err error) error {
	return &Error{Account: a.ID(), Command: command, Err: err}
}
