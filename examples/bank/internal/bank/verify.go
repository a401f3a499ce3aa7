package bank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// Books are what [Bank.Verify] found.
type Books struct {
	Accounts   int
	Operations int
	Transfers  int // to other banks
	Events     int
	Snapshots  int // that were compared
	Currencies []*Turnover
	Wrong      []Finding // empty if the books are right
}

// Turnover is what was moved in one currency, over all accounts.
type Turnover struct {
	Accounts                             int
	Balance                              money.Total
	Deposited, Withdrawn, Sent, Received money.Total

	crossed money.Total // received from accounts that are not looked at, less what was sent to them
}

// Finding is something that is wrong.
type Finding struct {
	Stream string // "" if it is about the money as a whole
	Err    error
}

func (f Finding) String() string {
	text := f.Err.Error()
	if strings.Contains(text, f.Stream) { // most errors name the stream themselves
		return text
	}
	return f.Stream + ": " + text
}

// Verify reads everything from the first event and checks that
//
//   - versions have no gaps,
//   - each account and operation is the same whether its events are decoded one by one, replayed as a
//     load does, or loaded from its newest snapshot,
//   - in each currency balances are what was deposited less what was withdrawn, and as much was
//     received as was sent,
//   - what a transfer to another bank took or returned was moved on its account, and nothing else was
//     moved in a transfer's name.
//
// It looks at the store as it is when it begins, so that others may go on writing. With a prefix it
// looks only at accounts whose ids start so, and takes their word for what they exchanged with
// others. progress, unless nil, is told how many events were read, of about how many.
//
// An error means that it could not look; what is wrong is in the books.
func (b *Bank) Verify(ctx context.Context, prefix string, progress func(read, of int)) (*Books, error) {
	feed, ok := es.Capability[es.Feed](b.store)
	if !ok {
		return nil, fmt.Errorf("the store (%T) has no feed, which verifying needs: use another", b.store)
	}
	list, err := b.lister()
	if err != nil {
		return nil, err
	}
	head, err := feed.Head(ctx)
	if err != nil {
		return nil, err
	}
	v := &verification{store: b.store, head: head, prefix: prefix, turnovers: map[money.Currency]*Turnover{}, caused: map[cause]int64{}, transfers: map[string]bool{}, progress: progress}
	for info, err := range list.Streams(ctx, es.ListQuery{Category: accountType.Category(), After: prefix}) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(info.Stream.ID, prefix) {
			break
		}
		if err := v.account(ctx, info.Stream); err != nil {
			return nil, err
		}
	}
	if prefix == "" {
		for _, others := range []struct {
			category string
			check    func(context.Context, es.Stream) error
		}{{operationType.Category(), v.operation}, {transferType.Category(), v.transfer}} {
			for info, err := range list.Streams(ctx, es.ListQuery{Category: others.category}) {
				if err == nil {
					err = others.check(ctx, info.Stream)
				}
				if err != nil {
					return nil, err
				}
			}
		}
		v.settled()
	}
	v.addUp()
	return &v.books, nil
}

type verification struct {
	store      es.Store
	head       es.Position
	prefix     string // of the accounts that are looked at
	books      Books
	turnovers  map[money.Currency]*Turnover
	incomplete bool // something can't be decoded, so sums lack it
	progress   func(read, of int)

	// caused is what was moved on accounts because of events elsewhere, less what transfers to other
	// banks say of it: 0 in the end, where it was because of an event of these.
	caused    map[cause]int64
	transfers map[string]bool // the events of transfers, and what they name as their causes
}

// cause is what an account's money was moved for: the account and its transfer are changed in one append, so both
// name the same event.
type cause struct{ account, event string }

func (v *verification) account(ctx context.Context, stream es.Stream) error {
	var moved Turnover
	a, err := check(ctx, v, stream, accountType, account.Decode, func(rec es.Recorded, e account.AccountEvent) {
		switch e := e.(type) {
		case account.Deposited:
			moved.Deposited.Add(e.Amount)
			v.moved(stream.ID, rec, e.Amount)
		case account.Withdrawn:
			moved.Withdrawn.Add(e.Amount)
			v.moved(stream.ID, rec, -e.Amount)
		case account.TransferSent:
			if strings.HasPrefix(e.To, v.prefix) {
				moved.Sent.Add(e.Amount)
			} else {
				moved.crossed.Add(-e.Amount)
			}
		case account.TransferReceived:
			if strings.HasPrefix(e.From, v.prefix) {
				moved.Received.Add(e.Amount)
			} else {
				moved.crossed.Add(e.Amount)
			}
		}
	})
	if err != nil || a == nil {
		return err
	}
	v.books.Accounts++
	t := v.turnovers[a.Currency]
	if t == nil {
		t = &Turnover{}
		for _, total := range []*money.Total{&t.Balance, &t.Deposited, &t.Withdrawn, &t.Sent, &t.Received, &t.crossed} {
			total.Currency = a.Currency
		}
		v.turnovers[a.Currency] = t
	}
	t.Accounts++
	t.Balance.Add(a.Balance)
	t.Deposited.AddTotal(&moved.Deposited)
	t.Withdrawn.AddTotal(&moved.Withdrawn)
	t.Sent.AddTotal(&moved.Sent)
	t.Received.AddTotal(&moved.Received)
	t.crossed.AddTotal(&moved.crossed)
	return nil
}

func (v *verification) operation(ctx context.Context, stream es.Stream) error {
	op, err := check(ctx, v, stream, operationType, operation.Decode, func(es.Recorded, operation.OperationEvent) {})
	if op != nil {
		v.books.Operations++
	}
	return err
}

func (v *verification) transfer(ctx context.Context, stream es.Stream) error {
	var request interbank.TransferRequested
	t, err := check(ctx, v, stream, transferType, interbank.DecodeTransfer, func(rec es.Recorded, e interbank.TransferEvent) {
		v.transfers[rec.ID.String()] = true
		switch e := e.(type) {
		case interbank.TransferRequested:
			request = e
		case interbank.TransferDebited:
			v.moved(request.Account, rec, request.Amount.Minor)
		case interbank.TransferReturned:
			v.moved(request.Account, rec, -request.Amount.Minor)
		}
	})
	if t != nil {
		v.books.Transfers++
	}
	return err
}

// moved notes money that was moved because of an event elsewhere. What an account did of its own names none.
func (v *verification) moved(account string, rec es.Recorded, minor int64) {
	event, transfer := rec.Meta.CausationID, rec.Stream.Category == transferType.Category()
	if transfer {
		v.transfers[event] = true
	}
	if transfer || event != "" {
		v.caused[cause{account, event}] += minor
	}
}

// settled checks that transfers to other banks and accounts say the same of the money between them.
func (v *verification) settled() {
	if v.incomplete {
		return
	}
	byText := func(a, b cause) int {
		return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.event, b.event))
	}
	for _, c := range slices.SortedFunc(maps.Keys(v.caused), byText) {
		if minor := v.caused[c]; minor != 0 && v.transfers[c.event] {
			v.wrong(accountStream(c.account).String(), fmt.Errorf("it and its transfers to other banks disagree by %+d minor units on what was moved because of event %q", minor, c.event))
		}
	}
}

// addUp checks that no money was made or lost, if all accounts can be decoded.
func (v *verification) addUp() {
	for _, currency := range slices.Sorted(maps.Keys(v.turnovers)) {
		t := v.turnovers[currency]
		v.books.Currencies = append(v.books.Currencies, t)
		if v.incomplete {
			continue
		}
		expected := money.Total{Currency: currency}
		expected.AddTotal(&t.Deposited)
		expected.Sub(&t.Withdrawn)
		expected.AddTotal(&t.crossed)
		if !expected.Equal(&t.Balance) {
			v.wrong("", fmt.Errorf("the balances add up to %s, but what was deposited less what was withdrawn is %s", &t.Balance, &expected))
		}
		if !t.Sent.Equal(&t.Received) {
			v.wrong("", fmt.Errorf("%s were sent, but %s received", &t.Sent, &t.Received))
		}
	}
}

func (v *verification) wrong(stream string, err error) {
	v.books.Wrong = append(v.books.Wrong, Finding{Stream: stream, Err: err})
}

// check brings an aggregate to its state at the head in three ways and compares them. It returns the
// aggregate as decoded; nil if it can't be, or it had no events yet.
func check[T, E any](ctx context.Context, v *verification, stream es.Stream, typ aggregate.Type[T], decode func(es.Recorded) ([]E, error), each func(es.Recorded, E)) (*T, error) {
	decoded, version, err := fold(ctx, v, stream, typ, decode, each)
	if err == nil && version == 0 {
		return nil, nil
	}
	v.incomplete = v.incomplete || err != nil
	if err == nil {
		err = compare(ctx, v, stream, typ, version, decoded)
	}
	if failed, ok := errors.AsType[*readError](err); ok {
		return nil, failed.err
	}
	if err != nil {
		v.wrong(stream.String(), err)
	}
	return decoded, nil
}

// readError tells that the store could not be read, which says nothing about the books.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// fold decodes and applies the events of a stream up to the head, one by one.
func fold[T, E any](ctx context.Context, v *verification, stream es.Stream, typ aggregate.Type[T], decode func(es.Recorded) ([]E, error), each func(es.Recorded, E)) (*T, es.Version, error) {
	a := fresh(typ, stream.ID)
	var version es.Version
	for rec, err := range v.store.Read(ctx, es.ReadQuery{Stream: stream}) {
		if err != nil {
			return nil, 0, &readError{err}
		}
		if rec.Position > v.head {
			break
		}
		if version++; rec.Version != version {
			return nil, 0, fmt.Errorf("version %d is missing: version %d follows", version, rec.Version)
		}
		events, err := decode(rec)
		if err != nil {
			return nil, 0, err // it names the event
		}
		for _, event := range events {
			if err := typ.Apply(a, event); err != nil {
				return nil, 0, &es.EventError{Stream: stream, Version: rec.Version, Type: rec.Type, Schema: rec.Schema, Err: err}
			}
			each(rec, event)
		}
		if v.books.Events++; v.progress != nil {
			v.progress(v.books.Events, int(v.head))
		}
	}
	return a, version, nil
}

// compare compares an aggregate with what a load makes of its stream, without a snapshot and with it.
func compare[T any](ctx context.Context, v *verification, stream es.Stream, typ aggregate.Type[T], version es.Version, decoded *T) error {
	replayed, _, err := replay(ctx, v, typ, es.LoadQuery{Stream: stream, UpTo: version})
	if err != nil {
		return err
	}
	if err := aggregate.Compare(typ, [2]string{"as decoded", "as replayed"}, decoded, replayed); err != nil {
		return err
	}
	restored, snapshot, err := replay(ctx, v, typ, es.LoadQuery{Stream: stream, UpTo: version, Fingerprint: typ.Fingerprint()})
	if err != nil {
		return err
	}
	if snapshot == 0 {
		return nil
	}
	v.books.Snapshots++
	return aggregate.Compare(typ, [2]string{"as replayed", fmt.Sprintf("from the snapshot at version %d", snapshot)}, replayed, restored)
}

// replay folds the rows of a load, and tells the version of the snapshot that it began with, 0 if with none.
func replay[T any](ctx context.Context, v *verification, typ aggregate.Type[T], q es.LoadQuery) (*T, es.Version, error) {
	a := fresh(typ, q.Stream.ID)
	var snapshot es.Version
	for row, err := range v.store.Load(ctx, q) {
		if err != nil {
			return nil, 0, &readError{err}
		}
		if row.Type == "" {
			snapshot = row.Version
		}
		if err := typ.Replay(a, row); err != nil {
			return nil, 0, &es.EventError{Stream: q.Stream, Version: row.Version, Type: row.Type, Schema: row.Schema, Err: err}
		}
	}
	return a, snapshot, nil
}

func fresh[T any](typ aggregate.Type[T], id string) *T {
	a := new(T)
	aggregate.Init(typ.Root(a), id, typ)
	return a
}
