package repository_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// withAccounts returns a repository with accounts 1 and 2 opened, of which 1 has 100.
func withAccounts(t *testing.T, store es.Store, opts ...repository.Option) *repository.Repository[account.Account] {
	t.Helper()
	accounts := withAccount(t, store, opts...)
	noError(t, accounts.Create(t.Context(), "2", open))
	noError(t, accounts.Update(t.Context(), "1", deposit(100)))
	return accounts
}

// transfer moves money between accounts, to a new one if there is none.
func transfer(accounts *repository.Repository[account.Account], from, to string, amount int64) func(*repository.Unit) error {
	return func(u *repository.Unit) error {
		a, err := accounts.LoadIn(u, from)
		if err != nil {
			return err
		}
		b, err := accounts.LoadIn(u, to)
		if errors.Is(err, es.ErrNotFound) {
			if b, err = accounts.CreateIn(u, to); err == nil {
				err = open(b)
			}
		}
		if err != nil {
			return err
		}
		if err := a.Withdraw(amount); err != nil {
			return err
		}
		return b.Deposit(amount)
	}
}

func TestAtomicallySavesAllOrNothing(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccounts(t, store)
	var receipt es.Receipt
	noError(t, repository.Atomically(t.Context(), store, transfer(accounts, "1", "2", 30), repository.ReceiptTo(&receipt)))
	if len(receipt.Streams) != 2 || receipt.Streams[0].Stream != stream("1") || receipt.Streams[1].Stream != stream("2") {
		t.Errorf("got %+v", receipt)
	}
	err := repository.Atomically(t.Context(), store, transfer(accounts, "2", "1", 31))
	wantIs(t, err, account.ErrInsufficient)
	wantAccount(t, accounts, "1", 70, 3)
	wantAccount(t, accounts, "2", 30, 2)
}

func TestAtomicallyChecksEachAggregateAndDecidesAfresh(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccounts(t, store)
	store.onAppend = func(n int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
		switch n {
		case 4: // the first three were before
			noError(t, account.NewRepository(store.Store).Update(context.Background(), "2", deposit(1)))
		case 5:
			noError(t, account.NewRepository(store.Store).Update(context.Background(), "1", deposit(1)))
		}
		return next()
	}
	noError(t, repository.Atomically(t.Context(), store, transfer(accounts, "1", "2", 30), repository.Backoff(0, 0)))
	wantAccount(t, accounts, "1", 71, 4)
	wantAccount(t, accounts, "2", 31, 3)
}

func TestAUnitReturnsTheSameAggregateAgain(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store)
	loads := store.loads.Load()
	noError(t, repository.Atomically(t.Context(), store, func(u *repository.Unit) error {
		first, err := accounts.LoadIn(u, "1")
		noError(t, err)
		noError(t, first.Deposit(5))
		second, err := account.NewRepository(store).LoadIn(u, "1") // through another repository, too
		noError(t, err)
		if first != second {
			t.Error("one aggregate twice")
		}
		created, err := accounts.CreateIn(u, "2")
		noError(t, err)
		noError(t, open(created))
		again, err := accounts.LoadIn(u, "2")
		noError(t, err)
		if created != again {
			t.Error("one new aggregate twice")
		}
		if _, err := accounts.CreateIn(u, "1"); err == nil || !strings.Contains(err.Error(), "the unit of work has it already") {
			t.Errorf("got %v", err)
		}
		return nil
	}))
	if n := store.loads.Load() - loads; n != 1 {
		t.Errorf("%d round trips", n)
	}
	wantAccount(t, accounts, "1", 5, 2)
	wantAccount(t, accounts, "2", 0, 1)
}

func TestLoadOrElseCreateSurvivesARace(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccounts(t, store)
	store.onAppend = func(n int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
		if n == 4 {
			noError(t, account.NewRepository(store.Store).Create(context.Background(), "3", open))
		}
		return next()
	}
	noError(t, repository.Atomically(t.Context(), store, transfer(accounts, "1", "3", 30)))
	wantAccount(t, accounts, "1", 70, 3)
	wantAccount(t, accounts, "3", 30, 2)
}

func TestCreateInOfAnExistingStreamIsAConflictAtOnce(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store)
	runs := 0
	err := repository.Atomically(t.Context(), store, func(u *repository.Unit) error {
		runs++
		a, err := accounts.CreateIn(u, "1")
		noError(t, err)
		return open(a)
	})
	wantIs(t, err, es.ErrConflict)
	if runs != 1 {
		t.Errorf("it ran %d times", runs)
	}
}

func TestAKeyFoundInAnyStreamMeansThatAllWasDone(t *testing.T) {
	t.Parallel()
	key := repository.IdempotencyKey("k")
	store := memory.New()
	accounts := withAccounts(t, store)
	noError(t, repository.Atomically(t.Context(), store, transfer(accounts, "1", "2", 30), key))
	for name, again := range map[string]func(*repository.Unit) error{
		"the same":           transfer(accounts, "1", "2", 30),
		"that can't succeed": transfer(accounts, "1", "2", 1000),
		"from another":       transfer(accounts, "3", "2", 30),
		"that swallows it": func(u *repository.Unit) error {
			_, err := accounts.LoadIn(u, "2")
			wantIs(t, err, es.ErrAlreadyAppended)
			a, err := accounts.CreateIn(u, "4")
			noError(t, err)
			return open(a)
		},
	} {
		if name == "from another" {
			noError(t, accounts.Create(t.Context(), "3", open))
		}
		var receipt es.Receipt
		if err := repository.Atomically(t.Context(), store, again, key, repository.ReceiptTo(&receipt)); err != nil || !receipt.Duplicate {
			t.Errorf("%s: got %+v, %v", name, receipt, err)
		}
	}
	wantAccount(t, accounts, "1", 70, 3)
	wantAccount(t, accounts, "2", 30, 2)
	if _, err := accounts.Load(t.Context(), "4"); !errors.Is(err, es.ErrNotFound) {
		t.Errorf("got %v: a duplicate created something", err)
	}
}

func TestAUnitTakesAggregatesOfSeveralTypes(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts, counters := withAccount(t, store), newCounters(store)
	noError(t, repository.Atomically(t.Context(), store, func(u *repository.Unit) error {
		a, err := accounts.LoadIn(u, "1")
		noError(t, err)
		c, err := counters.CreateIn(u, "1")
		noError(t, err)
		c.add(3)
		return a.Deposit(5)
	}))
	c, err := counters.Load(t.Context(), "1")
	noError(t, err)
	if c.N != 3 {
		t.Errorf("got %+v", c)
	}
	wantAccount(t, accounts, "1", 5, 2)
}

// disguised is a counter with the account's category.
type disguised struct{ counterType }

func (disguised) Category() string { return "account" }

func TestAUnitRefusesWhatDoesNotBelongToIt(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts, elsewhere := withAccount(t, store), withAccount(t, memory.New())
	var leaked *repository.Unit
	refused := func(t *testing.T, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	noError(t, repository.Atomically(t.Context(), store, func(u *repository.Unit) error {
		leaked = u
		_, err := elsewhere.LoadIn(u, "1")
		refused(t, "loading account-1: their stores are not the same", err)
		_, err = elsewhere.CreateIn(u, "2")
		refused(t, "creating account-2: their stores are not the same", err)
		_, err = accounts.LoadIn(u, "")
		refused(t, "is empty", err)
		_, err = accounts.LoadIn(u, "1")
		noError(t, err)
		_, err = repository.New[counter](store, disguised{}).LoadIn(u, "1")
		refused(t, "as an aggregate of another type", err)
		return nil
	}))
	_, err := accounts.LoadIn(leaked, "1")
	refused(t, "the unit of work is over", err)
}

// byValue is a decorator that can't be compared.
type byValue struct {
	es.Store
	_ func()
}

func TestAStoreThatCanNotBeComparedWorksForOneRepository(t *testing.T) {
	t.Parallel()
	store := byValue{Store: memory.New()}
	accounts := withAccount(t, store)
	noError(t, accounts.Update(t.Context(), "1", deposit(5)))
	a := load(t, accounts, "1")
	noError(t, a.Deposit(5))
	_, err := accounts.Save(t.Context(), a)
	noError(t, err)
	wantAccount(t, accounts, "1", 10, 3)
	err = repository.Atomically(t.Context(), store, transfer(accounts, "1", "2", 1))
	if err == nil || !strings.Contains(err.Error(), "by pointer") {
		t.Errorf("got %v", err)
	}
}

func TestTransfersOfManyWritersConserveTheMoney(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccounts(t, store, repository.SnapshotEvery(7))
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				from, to := "1", "2"
				if (w+i)%2 == 0 {
					from, to = to, from
				}
				key := repository.IdempotencyKey(fmt.Sprint(w, "/", i))
				for range 2 { // each of them twice
					err := repository.Atomically(context.Background(), store, transfer(accounts, from, to, 1),
						key, repository.MaxRetries(1000))
					if err != nil && !errors.Is(err, account.ErrInsufficient) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	one, two := load(t, accounts, "1"), load(t, accounts, "2")
	if one.Balance+two.Balance != 100 {
		t.Errorf("%d and %d are left of 100", one.Balance, two.Balance)
	}
	// Opened, and for account 1 paid in; what came on top came in pairs, each at most once.
	if in, out := one.Version()-2, two.Version()-1; in != out || in > writers*each || in < 1 {
		t.Errorf("%d transfers on one side, %d on the other", in, out)
	}
	noError(t, accounts.Verify(t.Context(), "1"))
	noError(t, accounts.Verify(t.Context(), "2"))
}
