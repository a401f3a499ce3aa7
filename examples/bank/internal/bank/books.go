package bank

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/repository"
)

// What esgen wrote for the aggregates.
var (
	accountType, _   = aggregate.TypeOf(account.New(""))
	operationType, _ = aggregate.TypeOf(operation.New(""))
	transferType, _  = aggregate.TypeOf(interbank.NewTransfer(""))
)

func accountStream(id string) es.Stream {
	return es.Stream{Category: accountType.Category(), ID: id}
}

// Entry is one line of a statement. Most stored events make one; an old one may make several, or,
// if nothing is left of it today, one without Event.
type Entry struct {
	Stored  es.Recorded
	Event   account.AccountEvent // nil if the stored event means nothing today
	Upcast  bool                 // the event is stored in a form that this build no longer writes
	Part    int                  // from 1
	Parts   int
	Balance money.Amount // after it
}

// Statement yields what happened to an account, oldest first, with the balance after each entry.
// An account that does not exist is an [*account.Error].
func (b *Bank) Statement(ctx context.Context, id string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		a := account.New(id)
		for rec, err := range b.store.Read(ctx, es.ReadQuery{Stream: accountStream(id)}) {
			if errors.Is(err, es.ErrNotFound) {
				err = notOpen(id)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			events, err := account.Decode(rec)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if len(events) == 0 && !yield(Entry{Stored: rec, Upcast: true, Balance: a.Money(a.Balance)}, nil) {
				return
			}
			for i, event := range events {
				name, schema, _, err := accountType.Encode(nil, event)
				if err == nil {
					err = accountType.Apply(a, event)
				}
				if err != nil {
					yield(Entry{}, err)
					return
				}
				if !yield(Entry{
					Stored: rec, Event: event, Upcast: name != rec.Type || schema != rec.Schema,
					Part: i + 1, Parts: len(events), Balance: a.Money(a.Balance),
				}, nil) {
					return
				}
			}
		}
	}
}

// Accounts yields the accounts in the order of their ids, from the one after an id; limit 0 means
// all.
func (b *Bank) Accounts(ctx context.Context, after string, limit int) iter.Seq2[*account.Account, error] {
	return listed(ctx, b, b.accounts, accountType.Category(), after, limit)
}

// listed yields the aggregates of a category in the order of their ids.
func listed[T any](ctx context.Context, b *Bank, all *repository.Repository[T], category, after string, limit int) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		list, err := b.lister()
		if err != nil {
			yield(nil, err)
			return
		}
		for info, err := range list.Streams(ctx, es.ListQuery{Category: category, After: after, Limit: limit}) {
			if err != nil {
				yield(nil, err)
				return
			}
			a, err := all.Load(ctx, info.Stream.ID)
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

func (b *Bank) lister() (es.Lister, error) {
	list, ok := es.Capability[es.Lister](b.store)
	if !ok {
		return nil, fmt.Errorf("the store (%T) can't list its streams, which this needs: use another", b.store)
	}
	return list, nil
}
