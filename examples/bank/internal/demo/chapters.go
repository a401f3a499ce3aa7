package demo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/repository"
)

const customer = "ada"

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

// oldEvent stores what older builds of the bank wrote, byte for byte, and reads it.
func oldEvent(g *guide) error {
	stream := es.Stream{Category: "account", ID: customer}
	old := []es.Event{
		{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{"holder":"Ada Lovelace"}`)},
		{ID: es.NewID(), Type: "account.adjusted", Schema: 1, Data: []byte(`{"amount":10000,"fee":150}`)},
	}
	if _, err := g.store.Append(g.ctx, es.Write{Stream: stream, Expect: es.NoStream, Events: old}); err != nil {
		return err
	}
	want := [][]account.AccountEvent{
		{account.Opened{Owner: "Ada Lovelace", Currency: "EUR"}},
		{account.Deposited{Amount: 10000}, account.Withdrawn{Amount: 150, Note: "fee"}},
	}
	as := true
	for rec, err := range g.store.Read(g.ctx, es.ReadQuery{Stream: stream}) {
		if err != nil {
			return err
		}
		events, err := account.Decode(rec)
		if err != nil {
			return err
		}
		g.show("stored", "%s, schema version %d: %s", rec.Type, rec.Schema, rec.Data)
		for _, event := range events {
			g.show("read as", "%#v", event)
		}
		i := rec.Version - 1
		as = as && reflect.DeepEqual(events, want[i]) && string(rec.Data) == string(old[i].Data)
	}
	g.check(as, "the stored bytes are as they were; of the first event a field was renamed and two were added, the second is two events now")
	a, err := g.bank.Account(g.ctx, customer)
	if err != nil {
		return err
	}
	g.check(a.Owner == "Ada Lovelace" && a.Currency == "EUR" && a.Balance == 98_50 && a.Version() == 2,
		"%s has %s, at version %d: upcasting changes no version", a.Owner, a.Money(a.Balance), a.Version())
	return nil
}

// conflict has two clerks decide on the same version of an account.
func conflict(g *guide) error {
	accounts := account.NewRepository(g.store)
	var clerks [2]*account.Account
	for i := range clerks {
		a, err := accounts.Load(g.ctx, customer)
		if err != nil {
			return err
		}
		if err := a.Withdraw(eur(80_00), fmt.Sprintf("clerk %d", i+1)); err != nil {
			return err
		}
		g.show(fmt.Sprintf("clerk %d", i+1), "loads version %d with %s and decides to pay out %s", a.Version(), eur(98_50), eur(80_00))
		clerks[i] = a
	}
	if _, err := accounts.Save(g.ctx, clerks[0]); err != nil {
		return err
	}
	g.show("clerk 1 saves", "version %d", clerks[0].Version())
	_, err := accounts.Save(g.ctx, clerks[1])
	g.show("clerk 2 saves", "%v", err)
	refused, ok := errors.AsType[*es.ConflictError](err)
	g.check(ok && refused.Actual == 3, "the second decision was made on an outdated balance, so it is not stored")

	err = accounts.Update(g.ctx, customer, func(a *account.Account) error { return a.Withdraw(eur(80_00), "clerk 2") })
	g.show("clerk 2 again", "%v", err)
	g.check(errors.Is(err, account.ErrInsufficientFunds), "decided afresh, on what is there now, the bank's rule refuses it")
	return nil
}

// duplicate sends a request twice, as a client does that got no reply.
func duplicate(g *guide) error {
	const key = "payroll-2026-06"
	r := operation.Request{Kind: operation.Deposit, Account: customer, Amount: eur(25_00), Note: "salary"}
	first, err := g.bank.Do(g.ctx, r, key)
	if err != nil {
		return err
	}
	before := first.Accounts[0]
	g.show("deposit "+r.Amount.String(), "with idempotency key %s: %s, version %d", key, before.Money(before.Balance), before.Version())
	second, err := g.bank.Do(g.ctx, r, key)
	if err != nil {
		return err
	}
	after := second.Accounts[0]
	g.show("the same again", "with the same key: %s, version %d", after.Money(after.Balance), after.Version())
	g.check(second.Before != nil && second.Before.Version == before.Version() && after.Balance == before.Balance && after.Version() == before.Version(),
		"it was found done, as version %d, and nothing was changed", before.Version())
	r.Amount = eur(99_00)
	_, err = g.bank.Do(g.ctx, r, key)
	g.show("the key for other money", "%v", err)
	_, refused := errors.AsType[*bank.KeyError](err)
	g.check(refused, "the bank compares what the key stands for, and refuses; the toolkit alone answers \"done already\" to a used key, whatever the command")
	return nil
}

// snapshot makes a long history, and loads it with and without a snapshot.
func snapshot(g *guide) error {
	const batches, size, more = 4, 250, 7
	accounts := account.NewRepository(g.store, repository.SnapshotEvery(100))
	for range batches {
		err := accounts.Update(g.ctx, customer, func(a *account.Account) error {
			for range size {
				if err := a.Deposit(eur(1), ""); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for range more {
		if err := accounts.Update(g.ctx, customer, func(a *account.Account) error { return a.Deposit(eur(1), "") }); err != nil {
			return err
		}
	}
	g.say("   %s gets %d cents, each an event; every 100 events or more a save leaves a snapshot.", customer, batches*size+more)
	load := func(hide bool) (*account.Account, *observed, error) {
		watched := &observed{Store: g.store, hide: hide}
		began := time.Now()
		a, err := account.NewRepository(watched).Load(g.ctx, customer)
		watched.took = time.Since(began)
		return a, watched, err
	}
	full, without, err := load(true)
	if err != nil {
		return err
	}
	short, with, err := load(false)
	if err != nil {
		return err
	}
	g.show("without the snapshot", "%d events read, %s, in %s", without.events, full.Money(full.Balance), without.took.Round(time.Microsecond))
	g.show("with it", "a snapshot of version %d and %d events read, %s, in %s", with.snapshot, with.events, short.Money(short.Balance), with.took.Round(time.Microsecond))
	g.check(with.snapshot > 0 && without.snapshot == 0 && with.events == more && without.events == int(full.Version()) &&
		full.Balance == short.Balance && full.Version() == short.Version(),
		"the same account at version %d, by %d events instead of %d", short.Version(), with.events, without.events)
	return nil
}

// observed is a store that counts what a load reads, and hides snapshots if it is told to.
type observed struct {
	es.Store
	hide     bool
	snapshot es.Version
	events   int
	took     time.Duration
}

// Unwrap lets others find what the store can do beside.
func (o *observed) Unwrap() es.Store { return o.Store }

// Load implements es.Store.
func (o *observed) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	if o.hide {
		q.Fingerprint = ""
	}
	return func(yield func(es.Row, error) bool) {
		for row, err := range o.Store.Load(ctx, q) {
			switch {
			case err != nil:
			case row.Type == "":
				o.snapshot = row.Version
			default:
				o.events++
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// past loads the account as it was.
func past(g *guide) error {
	now, err := g.bank.Account(g.ctx, customer)
	if err != nil {
		return err
	}
	before, err := g.bank.At(g.ctx, customer, 2)
	if err != nil {
		return err
	}
	var paid es.Recorded // the withdrawal of the first clerk
	for rec, err := range g.store.Read(g.ctx, es.ReadQuery{Stream: es.Stream{Category: "account", ID: customer}, From: 3, Limit: 1}) {
		if err != nil {
			return err
		}
		paid = rec
	}
	after, err := g.bank.AsOf(g.ctx, customer, paid.RecordedAt)
	if err != nil {
		return err
	}
	g.show("now", "version %d, %s", now.Version(), now.Money(now.Balance))
	g.show("at version 2", "version %d, %s", before.Version(), before.Money(before.Balance))
	g.show("as of "+paid.RecordedAt.Format("15:04:05.000000"), "version %d, %s", after.Version(), after.Money(after.Balance))
	g.check(before.Balance == 98_50 && after.Balance == 18_50 && after.Version() == 3 && now.Balance == 18_50+25_00+10_07,
		"nothing is overwritten: any moment can be looked at")
	err = before.Deposit(eur(1), "")
	if err == nil {
		_, err = account.NewRepository(g.store).Save(g.ctx, before)
	}
	g.show("saving it", "%v", err)
	g.check(errors.Is(err, repository.ErrHistorical), "and the past can't be changed")
	return nil
}
