// Package bank is what the command line does, without the command line: it carries
// out requests, tells what accounts did, and checks that the books are right.
package bank

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/repository"
)

// Bank carries out requests over one store. It is safe for concurrent use, and so is
// a store that several processes have opened.
type Bank struct {
	store      es.Store
	accounts   *repository.Repository[account.Account]
	operations *repository.Repository[operation.Operation]
	transfers  *repository.Repository[interbank.Transfer]
	retry      []repository.SaveOption
}

// SnapshotEvery is how many events an account gathers between two snapshots.
const SnapshotEvery = 100

// New returns a bank over a store. warn is told of what went wrong without consequences,
// such as a snapshot that could not be saved; nil drops it.
func New(store es.Store, warn func(error)) *Bank {
	if warn == nil {
		warn = func(error) {}
	}
	return &Bank{
		store: store,
		accounts: account.NewRepository(store,
			repository.SnapshotEvery(SnapshotEvery),
			repository.OnSnapshotError(func(_ context.Context, _ es.Stream, err error) { warn(err) })),
		operations: operation.NewRepository(store),
		transfers:  interbank.NewTransferRepository(store),
		// A clerk's command should outlast any crowd at one account: with pauses of up to
		// 50 ms this is some 10 seconds before it gives up.
		retry: []repository.SaveOption{
			repository.MaxRetries(400),
			repository.Backoff(time.Millisecond, 50*time.Millisecond),
		},
	}
}

// Done is what [Bank.Do] did.
type Done struct {
	// Accounts are those that the request names, as they are now: the sender first.
	Accounts []*account.Account
	// Before is set if the idempotency key was used for the same request before:
	// where and when it was recorded. Nothing was changed now.
	Before *es.Recorded
	// Retries counts how often it was decided afresh since someone else was faster.
	Retries int
	// Position is where the feed must be to have it.
	Position es.Position
}

// Do carries out a request. What the bank's rules don't allow is an [*account.Error]. With a
// key other than "" the request is carried out once, however often it comes; a key that was used
// for another request is a [*KeyError].
func (b *Bank) Do(ctx context.Context, r operation.Request, key string) (Done, error) {
	var done Done
	runs := 0
	receipt, err := b.atomically(ctx, func(u *repository.Unit) (err error) {
		runs++
		done.Accounts, err = b.carryOut(u, r)
		return err
	}, key)
	if err != nil {
		return Done{}, err
	}
	done.Retries, done.Position = runs-1, receipt.Position()
	if !receipt.Duplicate || key == "" { // without a key a duplicate is this very request, of which the first reply was lost
		return done, nil
	}
	if done.Before, err = b.before(ctx, r, key); err != nil {
		return Done{}, err
	}
	done.Accounts = done.Accounts[:0]
	for _, id := range r.Accounts() {
		a, err := b.Account(ctx, id)
		if err != nil {
			return Done{}, err
		}
		done.Accounts = append(done.Accounts, a)
	}
	return done, nil
}

// atomically is repository.Atomically with the bank's options.
func (b *Bank) atomically(ctx context.Context, f func(*repository.Unit) error, key string) (es.Receipt, error) {
	var receipt es.Receipt
	opts := append([]repository.SaveOption{repository.ReceiptTo(&receipt)}, b.retry...)
	if key != "" {
		opts = append(opts, repository.IdempotencyKey(key))
	}
	err := repository.Atomically(ctx, b.store, f, opts...)
	return receipt, err
}

// carryOut runs a request's commands on the accounts that it names. All accounts are loaded before
// the first decides.
func (b *Bank) carryOut(u *repository.Unit, r operation.Request) ([]*account.Account, error) {
	var accounts []*account.Account
	for _, id := range r.Accounts() {
		a, err := b.accounts.LoadIn(u, id)
		if errors.Is(err, es.ErrNotFound) {
			if r.Kind == operation.Open {
				a, err = b.accounts.CreateIn(u, id)
			} else {
				a, err = account.New(id), nil // it refuses everything but Open, in its own words
			}
		}
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
	}
	switch a := accounts[0]; r.Kind {
	case operation.Open:
		return accounts, a.Open(r.Owner, r.Overdraft)
	case operation.Deposit:
		return accounts, a.Deposit(r.Amount, r.Note)
	case operation.Withdraw:
		return accounts, a.Withdraw(r.Amount, r.Note)
	case operation.Transfer:
		if err := a.SendTransfer(r.To, r.Amount, r.Note); err != nil {
			return nil, err
		}
		return accounts, accounts[1].ReceiveTransfer(r.Account, r.Amount, r.Note)
	case operation.Close:
		return accounts, a.Close()
	default:
		return nil, fmt.Errorf("request of kind %q: it is none of open, deposit, withdraw, transfer, close", r.Kind)
	}
}

// Account returns an account as it is. One that does not exist is an [*account.Error].
func (b *Bank) Account(ctx context.Context, id string) (*account.Account, error) {
	a, err := b.accounts.Load(ctx, id)
	if errors.Is(err, es.ErrNotFound) {
		return nil, notOpen(id)
	}
	return a, err
}

func notOpen(id string) error {
	return &account.Error{Account: id, Err: account.ErrNotOpen}
}

// At returns an account as it was at a version, from 1.
func (b *Bank) At(ctx context.Context, id string, v es.Version) (*account.Account, error) {
	a, err := b.accounts.Load(ctx, id, repository.AtVersion(v))
	if !errors.Is(err, es.ErrNotFound) {
		return a, err
	}
	now, err := b.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("account %s has no version %d yet: its last is %d", id, v, now.Version())
}

// AsOf returns an account as it was at a time.
func (b *Bank) AsOf(ctx context.Context, id string, t time.Time) (*account.Account, error) {
	a, err := b.accounts.Load(ctx, id, repository.AsOf(t))
	if !errors.Is(err, es.ErrNotFound) {
		return a, err
	}
	for entry, err := range b.Statement(ctx, id) {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("account %s was opened later, at %s", id, entry.Stored.RecordedAt.Format(time.RFC3339Nano))
	}
	return nil, notOpen(id)
}
