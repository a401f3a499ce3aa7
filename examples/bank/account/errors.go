package account

import (
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/examples/bank/money"
)

// Why an account refuses a command, to be matched with errors.Is. Those that carry
// details are types as well: [CurrencyError], [FundsError], [OverflowError], [BalanceError].
var (
	ErrNotOpen           = errors.New("there is no such account: open it first")
	ErrAlreadyOpen       = errors.New("it is already open: choose another id")
	ErrClosed            = errors.New("the account is closed")
	ErrNoOwner           = errors.New("an account needs an owner")
	ErrUnknownCurrency   = errors.New("an account needs a currency that the bank knows")
	ErrNegativeOverdraft = errors.New("the overdraft limit must not be negative")
	ErrNotPositive       = errors.New("the amount must be more than zero")
	ErrSameAccount       = errors.New("sender and receiver are the same account")
	ErrOtherCurrency     = errors.New("another currency")
	ErrInsufficientFunds = errors.New("insufficient funds")
	ErrOverflow          = errors.New("more than can be counted")
	ErrNotEmpty          = errors.New("the balance is not zero")
)

// Error tells that an account refused a command. Nothing was recorded.
type Error struct {
	Account string // the id
	Command string // what was attempted, such as "withdraw 5.00 EUR"; "" if it was looked for only
	Err     error  // why not
}

func (e *Error) Error() string {
	if e.Command == "" {
		return fmt.Sprintf("account %s: %v", e.Account, e.Err)
	}
	return fmt.Sprintf("account %s: cannot %s: %v", e.Account, e.Command, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// CurrencyError tells that an amount is not in the account's currency: the bank
// does not exchange. It matches [ErrOtherCurrency].
type CurrencyError struct {
	Account money.Currency // the account's
	Amount  money.Currency // the amount's
}

func (e *CurrencyError) Error() string {
	return fmt.Sprintf("the account is in %s, the amount in %s, and the bank does not exchange", e.Account, e.Amount)
}

// Is reports whether target is [ErrOtherCurrency].
func (e *CurrencyError) Is(target error) bool { return target == ErrOtherCurrency }

// FundsError tells that balance and overdraft limit do not reach for an amount. It
// matches [ErrInsufficientFunds].
type FundsError struct {
	Amount, Balance, Overdraft money.Amount
	Available                  money.Amount // the balance and the overdraft limit together
}

func (e *FundsError) Error() string {
	if e.Overdraft.Minor == 0 {
		return fmt.Sprintf("insufficient funds: the balance is %s", e.Balance)
	}
	return fmt.Sprintf("insufficient funds: the balance is %s and the overdraft limit %s, so %s can be paid out",
		e.Balance, e.Overdraft, e.Available)
}

// Is reports whether target is [ErrInsufficientFunds].
func (e *FundsError) Is(target error) bool { return target == ErrInsufficientFunds }

// OverflowError tells that a payment would lift the balance above what an int64 of minor units can
// hold. It matches [ErrOverflow].
type OverflowError struct {
	Balance money.Amount
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("the balance of %s would become more than the bank can count (%s)",
		e.Balance, money.New(1<<63-1, e.Balance.Currency))
}

// Is reports whether target is [ErrOverflow].
func (e *OverflowError) Is(target error) bool { return target == ErrOverflow }

// BalanceError tells that an account which is to be closed is not empty. It
// matches [ErrNotEmpty].
type BalanceError struct {
	Balance money.Amount
}

func (e *BalanceError) Error() string {
	if e.Balance.Minor < 0 {
		return fmt.Sprintf("the balance is %s: pay it in first", e.Balance)
	}
	return fmt.Sprintf("the balance is %s: pay it out first", e.Balance)
}

// Is reports whether target is [ErrNotEmpty].
func (e *BalanceError) Is(target error) bool { return target == ErrNotEmpty }
