package bank_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

func open(id string, overdraft int64) operation.Request {
	return operation.Request{Kind: operation.Open, Account: id, Owner: "Owner of " + id, Overdraft: eur(overdraft)}
}

func deposit(id string, minor int64) operation.Request {
	return operation.Request{Kind: operation.Deposit, Account: id, Amount: eur(minor)}
}

func withdraw(id string, minor int64) operation.Request {
	return operation.Request{Kind: operation.Withdraw, Account: id, Amount: eur(minor)}
}

func transfer(from, to string, minor int64) operation.Request {
	return operation.Request{Kind: operation.Transfer, Account: from, To: to, Amount: eur(minor)}
}

// newBank returns a bank in memory, with accounts.
func newBank(t *testing.T, requests ...operation.Request) (*bank.Bank, es.Store) {
	t.Helper()
	store := memory.New()
	b := bank.New(store, func(err error) { t.Errorf("warning: %v", err) })
	for _, r := range requests {
		mustDo(t, b, r)
	}
	return b, store
}

// newFile returns a bank in a file of its own.
func newFile(t *testing.T) (b *bank.Bank, store bank.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "bank.db")
	b, store = openFile(t, path)
	return b, store, path
}

func openFile(t *testing.T, path string) (*bank.Bank, bank.Store) {
	t.Helper()
	store, err := bank.OpenStore(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return bank.New(store, func(err error) { t.Errorf("warning: %v", err) }), store
}

// few returns n, or a fifth of it in short mode: with the race detector everything takes its time.
func few(n int) int {
	if testing.Short() {
		return max(n/5, 2)
	}
	return n
}

func mustDo(t *testing.T, b *bank.Bank, r operation.Request) bank.Done {
	t.Helper()
	done, err := b.Do(t.Context(), r, "")
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return done
}

func expectBalances(t *testing.T, b *bank.Bank, want map[string]int64) {
	t.Helper()
	for id, balance := range want {
		a, err := b.Account(t.Context(), id)
		if err != nil {
			t.Error(err)
			continue
		}
		if a.Balance != balance {
			t.Errorf("the balance of %s is %s, want %s", id, a.Money(a.Balance), eur(balance))
		}
	}
}

func expectRight(t *testing.T, b *bank.Bank) *bank.Books {
	t.Helper()
	books, err := b.Verify(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range books.Wrong {
		t.Errorf("verify: %s", finding)
	}
	return books
}

func TestRequestsAreCarriedOut(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), open("bob", 0), deposit("ada", 10_00), withdraw("ada", 1_00), transfer("ada", "bob", 4_00), withdraw("bob", 4_00),
		operation.Request{Kind: operation.Close, Account: "bob"})
	expectBalances(t, b, map[string]int64{"ada": 5_00, "bob": 0})
	expectRight(t, b)
}

func TestATransferIsDoneOnBothSidesOrNone(t *testing.T) {
	t.Parallel()
	b, store := newBank(t, open("ada", 0), open("bob", 0), deposit("ada", 10_00), operation.Request{Kind: operation.Close, Account: "bob"})
	for _, c := range []struct {
		request operation.Request
		want    error
		account string
	}{
		{transfer("ada", "bob", 1_00), account.ErrClosed, "bob"},
		{transfer("ada", "carl", 1_00), account.ErrNotOpen, "carl"},
		{transfer("carl", "ada", 1_00), account.ErrNotOpen, "carl"},
		{transfer("ada", "ada", 1_00), account.ErrSameAccount, "ada"},
		{transfer("ada", "bob", 10_01), account.ErrInsufficientFunds, "ada"},
	} {
		_, err := b.Do(t.Context(), c.request, "")
		refusal, ok := errors.AsType[*account.Error](err)
		if !ok || !errors.Is(err, c.want) || refusal.Account != c.account {
			t.Errorf("%s: %v; want %v of %s", c.request, err, c.want, c.account)
		}
	}
	expectBalances(t, b, map[string]int64{"ada": 10_00, "bob": 0})
	if a, _ := b.Account(t.Context(), "ada"); a.Version() != 2 {
		t.Errorf("ada is at version %d, want nothing after 2", a.Version())
	}
	mustDo(t, b, open("dora", 0))
	done := mustDo(t, b, transfer("ada", "dora", 3_00))
	if len(done.Accounts) != 2 || done.Accounts[0].Balance != 7_00 || done.Accounts[1].Balance != 3_00 {
		t.Errorf("done: %+v, want both accounts as they are now", done)
	}
	var positions []es.Position
	for _, id := range []string{"ada", "dora"} {
		for rec, err := range store.Read(t.Context(), es.ReadQuery{Stream: es.Stream{Category: "account", ID: id}, Backwards: true, Limit: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			positions = append(positions, rec.Position)
		}
	}
	if positions[1] != positions[0]+1 {
		t.Errorf("its halves are at positions %v of the feed, want them side by side", positions)
	}
}

func TestAKeyStandsForOneRequest(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), open("bob", 0), open("carl", 0), deposit("ada", 10_00))
	ctx, request := t.Context(), transfer("ada", "bob", 4_00)
	if done, err := b.Do(ctx, request, "k"); err != nil || done.Before != nil {
		t.Fatalf("the first time: %+v, %v", done, err)
	}
	mustDo(t, b, withdraw("ada", 6_00)) // now the funds would not reach for a second one
	for range 2 {
		done, err := b.Do(ctx, request, "k")
		if err != nil || done.Before == nil || done.Before.Version != 3 || len(done.Accounts) != 2 {
			t.Fatalf("once more: %+v, %v; want it to have been version 3", done, err)
		}
	}
	other := request
	other.Note = "rent"
	for _, r := range []operation.Request{
		other, transfer("ada", "bob", 5_00), transfer("ada", "carl", 4_00), transfer("bob", "ada", 4_00), transfer("carl", "bob", 4_00),
		withdraw("ada", 4_00), deposit("bob", 4_00),
		{Kind: operation.Transfer, Account: "ada", To: "bob", Amount: money.New(4_00, "USD")},
	} {
		if _, err := b.Do(ctx, r, "k"); err == nil {
			t.Errorf("the key of %s was taken for: %s", request, r)
		} else if _, ok := errors.AsType[*bank.KeyError](err); !ok {
			t.Errorf("%s: %v; want a *KeyError", r, err)
		}
	}
	expectBalances(t, b, map[string]int64{"ada": 0, "bob": 4_00, "carl": 0})
	if _, err := b.Do(ctx, deposit("carl", 1), "k"); err != nil {
		t.Errorf("at an account that it was never used on: %v", err)
	}
}

func TestARequestThatManySendAtOnceIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	b, _, path := newFile(t)
	mustDo(t, b, open("ada", 0))
	mustDo(t, b, open("bob", 0))
	mustDo(t, b, deposit("ada", 10_00))
	other, _ := openFile(t, path)
	var senders sync.WaitGroup
	for i := range 16 {
		senders.Go(func() {
			if _, err := []*bank.Bank{b, other}[i%2].Do(t.Context(), transfer("ada", "bob", 4_00), "k"); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
	expectBalances(t, b, map[string]int64{"ada": 6_00, "bob": 4_00})
}

func TestWritersThatMeetAreAllServed(t *testing.T) {
	t.Parallel()
	b, _, _ := newFile(t)
	mustDo(t, b, open("ada", 0))
	mustDo(t, b, open("bob", 0))
	const crowd = 10
	each := few(5)
	mustDo(t, b, deposit("ada", int64(crowd*each)))
	var writers sync.WaitGroup
	for range crowd {
		writers.Go(func() {
			for range each {
				mustDo(t, b, transfer("ada", "bob", 1))
			}
		})
	}
	writers.Wait()
	expectBalances(t, b, map[string]int64{"ada": 0, "bob": int64(crowd * each)})
	expectRight(t, b)
}

func TestAStatementTellsTheBalanceAfterEachEntry(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b, store := newBank(t)
	old := es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.NoStream}
	for _, e := range []es.Event{
		{Type: "account.opened", Schema: 2, Data: []byte(`{"holder":"Ada","currency":"JPY"}`)},
		{Type: "account.adjusted", Schema: 1, Data: []byte(`{"amount":5000,"fee":20}`)},
		{Type: "account.adjusted", Schema: 1, Data: []byte(`{"amount":0}`)},
	} {
		e.ID = es.NewID()
		old.Events = append(old.Events, e)
	}
	if _, err := store.Append(ctx, old); err != nil {
		t.Fatal(err)
	}
	mustDo(t, b, operation.Request{Kind: operation.Withdraw, Account: "ada", Amount: money.New(980, "JPY")})
	var got []string
	for e, err := range b.Statement(ctx, "ada") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %d/%d %T %v %s", e.Stored.Version, e.Part, e.Parts, e.Event, e.Upcast, e.Balance))
	}
	want := []string{
		"1 1/1 account.Opened true 0 JPY",
		"2 1/2 account.Deposited true 5000 JPY",
		"2 2/2 account.Withdrawn true 4980 JPY",
		"3 0/0 <nil> true 4980 JPY",
		"4 1/1 account.Withdrawn false 4000 JPY",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	for _, err := range b.Statement(ctx, "bob") {
		if !errors.Is(err, account.ErrNotOpen) {
			t.Errorf("of no account: %v, want ErrNotOpen", err)
		}
	}
}

func TestThePastCanBeLookedAt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b, store := newBank(t, open("ada", 0), deposit("ada", 1_00))
	var at time.Time
	for rec, err := range store.Read(ctx, es.ReadQuery{Stream: es.Stream{Category: "account", ID: "ada"}, Backwards: true, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		at = rec.RecordedAt
	}
	time.Sleep(time.Millisecond) // the next event gets a time of its own
	mustDo(t, b, deposit("ada", 2_00))
	if a, err := b.At(ctx, "ada", 1); err != nil || a.Balance != 0 {
		t.Errorf("at version 1: %+v, %v", a, err)
	}
	if a, err := b.AsOf(ctx, "ada", at); err != nil || a.Balance != 1_00 || a.Version() != 2 {
		t.Errorf("as of the deposit: %+v, %v", a, err)
	}
	for name, look := range map[string]func() error{
		"no account at a version":   func() error { _, err := b.At(ctx, "bob", 1); return err },
		"no account at a time":      func() error { _, err := b.AsOf(ctx, "bob", at); return err },
		"a version that is to come": func() error { _, err := b.At(ctx, "ada", 9); return err },
		"before it was opened":      func() error { _, err := b.AsOf(ctx, "ada", at.Add(-time.Hour)); return err },
	} {
		if err := look(); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestAccountsAreListedByPages(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("c", 0), open("a", 0), open("b", 0))
	page := func(after string, limit int) (ids string) {
		for a, err := range b.Accounts(t.Context(), after, limit) {
			if err != nil {
				t.Fatal(err)
			}
			ids += a.ID()
		}
		return ids
	}
	if got := page("", 2) + "|" + page("b", 2) + "|" + page("c", 2) + "|" + page("", 0); got != "ab|c||abc" {
		t.Errorf("the pages are %s", got)
	}
}

func TestAStoreIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	for _, name := range []string{"", "postgres://localhost/bank", "redis:x", filepath.Join(dir, "none.db"), filepath.Join(dir, "none", "bank.db")} {
		if store, err := bank.OpenStore(ctx, name, name == filepath.Join(dir, "none", "bank.db")); err == nil {
			t.Errorf("OpenStore(%q) = %T, want an error", name, store)
		}
	}
	for _, name := range []string{"memory:", filepath.Join(dir, "a:b.db")} {
		store, err := bank.OpenStore(ctx, name, true)
		if err != nil {
			t.Errorf("OpenStore(%q): %v", name, err)
			continue
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// silent stores appends, but every second time its reply gets lost.
type silent struct {
	es.Store
	appends atomic.Int64
}

func (s *silent) Unwrap() es.Store { return s.Store }

func (s *silent) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	receipt, err := s.Store.Append(ctx, writes...)
	if err == nil && s.appends.Add(1)%2 == 1 {
		return es.Receipt{}, fmt.Errorf("%w: connection lost", es.ErrOutcomeUnknown)
	}
	return receipt, err
}

func TestALostReplyChangesNothing(t *testing.T) {
	t.Parallel()
	_, store := newBank(t, open("ada", 0), open("bob", 0), deposit("ada", 10_00))
	b := bank.New(&silent{Store: store}, nil)
	if done := mustDo(t, b, transfer("ada", "bob", 1_00)); done.Before != nil || done.Accounts[0].Balance != 9_00 {
		t.Errorf("without a key: %+v, want it done", done)
	}
	if done, err := b.Do(t.Context(), transfer("ada", "bob", 1_00), "k"); err != nil || done.Accounts[1].Balance != 2_00 {
		t.Errorf("with a key: %+v, %v; want it done", done, err)
	}
	if fate, _, err := b.Settle(t.Context(), "row-1", transfer("ada", "bob", 1_00), false); err != nil || fate != bank.Applied {
		t.Errorf("as an operation: %d, %v; want it applied", fate, err)
	}
	if fate, _, err := b.Settle(t.Context(), "row-2", withdraw("bob", 99_00), false); err != nil || fate != bank.Refused {
		t.Errorf("a refused operation: %d, %v; want it refused", fate, err)
	}
	expectBalances(t, b, map[string]int64{"ada": 7_00, "bob": 3_00})
	expectRight(t, b)
}
