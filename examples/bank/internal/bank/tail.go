package bank

import (
	"context"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Happening is one event of an account or a transfer, as it is read today.
type Happening struct {
	Stored es.Recorded
	Event  any // an account.AccountEvent or an interbank.TransferEvent
	// Currency is the account's; "" for a transfer.
	Currency money.Currency
}

// Tail hands what happens to f as it happens, oldest first, until the context ends; before that about
// so many of what happened last. idle is called whenever f has had all that there is, and at least
// once a period.
func (b *Bank) Tail(ctx context.Context, last int, f func(Happening) error, period time.Duration, idle func() error) error {
	feed, ok := es.Capability[es.Feed](b.store)
	if !ok {
		return fmt.Errorf("the store (%T) has no feed: use another", b.store)
	}
	head, err := feed.Head(ctx)
	if err != nil {
		return err
	}
	// Half of the events are of operations, or there are holes: it need not be exact.
	after := max(head-es.Position(2*last), 0)
	var signals <-chan struct{}
	if watcher, ok := es.Capability[es.Watcher](b.store); ok {
		signals = watcher.Watch(ctx)
	}
	tick := time.NewTicker(period)
	defer tick.Stop()
	currencies := map[string]money.Currency{}
	for {
		q := es.FeedQuery{After: after, Scanned: &after, Categories: []string{accountType.Category(), transferType.Category()}}
		for rec, err := range feed.ReadAll(ctx, q) {
			if err != nil {
				return err
			}
			events, err := decode(rec)
			if err == nil && rec.Stream.Category == accountType.Category() && currencies[rec.Stream.ID] == "" {
				a, failed := b.Account(ctx, rec.Stream.ID)
				if err = failed; err == nil {
					currencies[rec.Stream.ID] = a.Currency
				}
			}
			for i := 0; i < len(events) && err == nil; i++ {
				err = f(Happening{rec, events[i], currencies[rec.Stream.ID]})
			}
			if err != nil {
				return err
			}
		}
		if err := idle(); err != nil {
			return err
		}
		select {
		case _, open := <-signals:
			if !open {
				signals = nil
			}
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func decode(rec es.Recorded) (all []any, err error) {
	add := func(e any) { all = append(all, e) }
	if rec.Stream.Category == accountType.Category() {
		var events []account.AccountEvent
		if events, err = account.Decode(rec); err == nil {
			for _, e := range events {
				add(e)
			}
		}
		return all, err
	}
	events, err := interbank.DecodeTransfer(rec)
	for _, e := range events {
		add(e)
	}
	return all, err
}
