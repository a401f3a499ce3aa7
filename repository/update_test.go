package repository_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// opened is when the accounts of tests were opened.
var opened = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func open(a *account.Account) error { return a.Open("Ann", opened) }

func deposit(amount int64) func(*account.Account) error {
	return func(a *account.Account) error { return a.Deposit(amount) }
}

// withAccount returns a repository with account 1 opened, at version 1.
func withAccount(t *testing.T, store es.Store, opts ...repository.Option) *repository.Repository[account.Account] {
	t.Helper()
	accounts := account.NewRepository(store, opts...)
	noError(t, accounts.Create(t.Context(), "1", open))
	return accounts
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want one that matches %v", err, target)
	}
}

func load(t *testing.T, accounts *repository.Repository[account.Account], id string) *account.Account {
	t.Helper()
	a, err := accounts.Load(t.Context(), id)
	noError(t, err)
	return a
}

// wantAccount checks an account's balance and version as they are stored.
func wantAccount(t *testing.T, accounts *repository.Repository[account.Account], id string, balance int64, version es.Version) {
	t.Helper()
	a := load(t, accounts, id)
	if a.Balance != balance || a.Version() != version {
		t.Fatalf("account %s has %d at version %d, want %d at version %d", id, a.Balance, a.Version(), balance, version)
	}
	noError(t, accounts.Verify(t.Context(), id))
}

func TestUpdateSavesWhatTheCommandRecords(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	noError(t, accounts.Update(t.Context(), "1", deposit(5)))
	wantAccount(t, accounts, "1", 5, 2)
}

func TestUpdateOfAMissingStreamIsNotFound(t *testing.T) {
	t.Parallel()
	err := account.NewRepository(memory.New()).Update(t.Context(), "1", func(*account.Account) error {
		t.Error("the command ran")
		return nil
	})
	wantIs(t, err, es.ErrNotFound)
}

func TestUpdateReturnsTheCommandsErrorAsItIsAndSavesNothing(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	refused := &es.ConflictError{} // even one that looks like the repository's own
	err := accounts.Update(t.Context(), "1", func(a *account.Account) error {
		noError(t, a.Deposit(5))
		return refused
	})
	if err != error(refused) {
		t.Fatalf("got %v", err)
	}
	wantAccount(t, accounts, "1", 0, 1)
}

func TestCreateExpectsNoStream(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	runs := 0
	err := accounts.Create(t.Context(), "1", func(a *account.Account) error { runs++; return open(a) })
	conflict, ok := errors.AsType[*es.ConflictError](err)
	if !ok || conflict.Actual != 1 || conflict.Expected != es.NoStream {
		t.Fatalf("got %v", err)
	}
	if runs != 1 {
		t.Errorf("the command ran %d times: trying again can't help", runs)
	}
}

func TestUpdatesOfOneAggregateByManyWritersAllCount(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New(), repository.MaxRetries(1000), repository.SnapshotEvery(10))
	const writers, each = 16, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := accounts.Update(context.Background(), "1", deposit(1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantAccount(t, accounts, "1", writers*each, writers*each+1)
}
