package bank

import (
	"context"
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// KeyError tells that an idempotency key was used before, for another request. Nothing was changed.
type KeyError struct {
	Key    string
	Given  operation.Request
	Stored es.Recorded // the event that the key stands for
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("cannot %s: idempotency key %s stands for another request (%s %s, version %d of %s): give each request a key of its own",
		e.Given, e.Key, e.Stored.Type, e.Stored.Data, e.Stored.Version, e.Stored.Stream)
}

// before finds what a request's idempotency key was used for: the event that the same request
// recorded. The repository knows the key by its derived event id, so the stream is read until it turns
// up; that is for duplicates alone.
func (b *Bank) before(ctx context.Context, r operation.Request, key string) (*es.Recorded, error) {
	var currency money.Currency
	for i, id := range r.Accounts() {
		a, err := b.Account(ctx, id)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			currency = a.Currency
		}
		stream := accountStream(id)
		want := es.DeriveID(stream, key, 0)
		for rec, err := range b.store.Read(ctx, es.ReadQuery{Stream: stream, Backwards: true}) {
			if err != nil {
				return nil, err
			}
			if rec.ID != want {
				continue
			}
			events, err := account.Decode(rec)
			if err != nil {
				return nil, err
			}
			if i > 0 || len(events) != 1 || events[0] != recordedBy(r) || r.Amount.Currency != currency {
				return nil, &KeyError{Key: key, Given: r, Stored: rec}
			}
			return &rec, nil
		}
	}
	return nil, errors.New("the store knows the idempotency key and then does not: run bank verify")
}

// recordedBy is what a request that moves money records on its first account; nil for other requests.
func recordedBy(r operation.Request) account.AccountEvent {
	switch r.Kind {
	case operation.Deposit:
		return account.Deposited{Amount: r.Amount.Minor, Note: r.Note}
	case operation.Withdraw:
		return account.Withdrawn{Amount: r.Amount.Minor, Note: r.Note}
	case operation.Transfer:
		return account.TransferSent{To: r.To, Amount: r.Amount.Minor, Note: r.Note}
	}
	return nil
}
