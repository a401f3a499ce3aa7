package bank

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/process"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/repository"
)

// InterbankName is the name of the process manager, and of its group in the store.
const InterbankName = "interbank"

// Send requests a transfer to another bank. The money leaves the account when the process manager runs
// ([Bank.Interbank]), and comes back if the other bank says no, or nothing in time.
func (b *Bank) Send(ctx context.Context, id, from, to string, amount money.Amount, timeout time.Duration) error {
	if _, err := b.Account(ctx, from); err != nil {
		return err
	}
	err := b.transfers.Create(ctx, id, func(t *interbank.Transfer) error { return t.Request(from, to, amount, timeout) }, b.retry...)
	if errors.Is(err, es.ErrConflict) {
		return &interbank.Error{Transfer: id, Err: interbank.ErrExists}
	}
	return err
}

// Answer is what the other bank says to a transfer: yes, or no with a reason.
func (b *Bank) Answer(ctx context.Context, id string, yes bool, reason string) error {
	err := b.transfers.Update(ctx, id, func(t *interbank.Transfer) error {
		if yes {
			return t.Confirm()
		}
		return t.Reject(reason)
	}, b.retry...)
	return noTransfer(id, err)
}

// Transfer returns a transfer as it is.
func (b *Bank) Transfer(ctx context.Context, id string) (*interbank.Transfer, error) {
	t, err := b.transfers.Load(ctx, id)
	return t, noTransfer(id, err)
}

func noTransfer(id string, err error) error {
	if errors.Is(err, es.ErrNotFound) {
		return &interbank.Error{Transfer: id, Err: interbank.ErrNotRequested}
	}
	return err
}

// Interbank returns the process manager that carries transfers to other banks through: it debits the account,
// waits for the other bank's answer, and returns the money where that is no, or does not come in
// time. Several processes may run it. The options are those of its subscription.
func (b *Bank) Interbank(logger *slog.Logger, opts ...subscription.Option) (*process.Manager, error) {
	return process.New(b.store, process.Definition{
		Name: InterbankName, Categories: []string{transferType.Category()}, Logger: logger,
		React: func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
			id := rec.Stream.ID
			events, err := interbank.DecodeTransfer(rec)
			if err != nil {
				return err
			}
			for _, event := range events {
				switch event.(type) {
				case interbank.TransferRequested:
					err = b.debit(ctx, id)
				case interbank.TransferDebited:
					var t *interbank.Transfer
					if t, err = b.transfers.Load(ctx, id); err == nil {
						timers.Set(id, rec.RecordedAt.Add(t.Timeout), nil)
					}
				case interbank.TransferConfirmed:
					timers.Clear(id)
				case interbank.TransferRejected, interbank.TransferTimedOut:
					timers.Clear(id)
					err = b.giveBack(ctx, id)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		Expire: func(ctx context.Context, timer es.Timer) error {
			return b.transfers.Update(ctx, timer.ID, (*interbank.Transfer).TimeOut,
				b.keyed(process.Key(ctx, "time out"))...)
		},
	}, opts...)
}

// debit has the account pay: one append to its history and the transfer's.
func (b *Bank) debit(ctx context.Context, id string) error {
	return b.settleTransfer(ctx, id, "debit", func(a *account.Account, t *interbank.Transfer) error {
		if !t.Debit() {
			return nil // it was done before
		}
		return a.Withdraw(t.Amount, fmt.Sprintf("to %s (transfer %s)", t.To, id))
	}, (*interbank.Transfer).Refuse)
}

// giveBack is the compensation: nothing is undone, the account is paid once more.
func (b *Bank) giveBack(ctx context.Context, id string) error {
	return b.settleTransfer(ctx, id, "return", func(a *account.Account, t *interbank.Transfer) error {
		if !t.Return() {
			return nil
		}
		return a.Deposit(t.Amount, fmt.Sprintf("returned from %s (transfer %s)", t.To, id))
	}, (*interbank.Transfer).Stick)
}

// settleTransfer changes a transfer and its account in one append, once. What the account refuses is noted on the
// transfer instead.
func (b *Bank) settleTransfer(ctx context.Context, id, step string, do func(*account.Account, *interbank.Transfer) error, refused func(*interbank.Transfer, string)) error {
	_, err := b.atomically(ctx, func(u *repository.Unit) error {
		t, err := b.transfers.LoadIn(u, id)
		if err != nil {
			return err
		}
		a, err := b.accounts.LoadIn(u, t.Account)
		if err != nil {
			return err
		}
		return do(a, t)
	}, process.Key(ctx, step))
	refusal, ok := errors.AsType[*account.Error](err)
	if !ok {
		return err
	}
	return b.transfers.Update(ctx, id, func(t *interbank.Transfer) error {
		refused(t, refusal.Error())
		return nil
	}, b.keyed(process.Key(ctx, step+" refused"))...)
}

// keyed are the options of a command that is carried out once.
func (b *Bank) keyed(key string) []repository.SaveOption {
	return append(slices.Clip(b.retry), repository.IdempotencyKey(key))
}

// Transfers yields the transfers to other banks in the order of their ids; limit 0 means all.
func (b *Bank) Transfers(ctx context.Context, after string, limit int) iter.Seq2[*interbank.Transfer, error] {
	return listed(ctx, b, b.transfers, transferType.Category(), after, limit)
}
