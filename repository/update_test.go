package repository_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

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

func TestUpdateDecidesAfreshAfterAConflict(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store)
	store.onAppend = func(n int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
		if n <= 3 { // the first was before
			overtake(t, store.Store)
		}
		return next()
	}
	var seen []*account.Account
	var balances []int64
	noError(t, accounts.Update(t.Context(), "1", func(a *account.Account) error {
		seen, balances = append(seen, a), append(balances, a.Balance)
		return a.Deposit(5)
	}))
	if len(balances) != 3 || balances[0] != 0 || balances[1] != 100 || balances[2] != 200 || seen[0] == seen[1] {
		t.Errorf("it decided on balances %v", balances)
	}
	wantAccount(t, accounts, "1", 205, 4)

	// An aggregate of a run that was given up can't be saved, the last one can go on.
	_, err := accounts.Save(t.Context(), seen[0])
	wantIs(t, err, repository.ErrStale)
	noError(t, seen[2].Deposit(1))
	_, err = accounts.Save(t.Context(), seen[2])
	noError(t, err)
	wantAccount(t, accounts, "1", 206, 5)
}

func TestUpdateGivesUpAfterItsRetriesWithTheLastConflict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forRepository []repository.Option
		forCall       []repository.SaveOption
		runs          int
		want          string
	}{
		"the repository's bound": {[]repository.Option{repository.MaxRetries(3)}, nil, 4, "giving up after 4 tries: appending to account-1"},
		"the call's bound":       {nil, []repository.SaveOption{repository.MaxRetries(1)}, 2, "giving up after 2 tries: appending to account-1"},
		"no retries":             {nil, []repository.SaveOption{repository.MaxRetries(0)}, 1, "appending to account-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			accounts := withAccount(t, store, append(c.forRepository, repository.Backoff(0, 0))...)
			store.onAppend = func(_ int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
				overtake(t, store.Store)
				return next()
			}
			runs := 0
			err := accounts.Update(t.Context(), "1", func(a *account.Account) error { runs++; return a.Deposit(5) }, c.forCall...)
			conflict, ok := errors.AsType[*es.ConflictError](err)
			if !ok || conflict.Actual != es.Version(c.runs+1) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if runs != c.runs {
				t.Errorf("the command ran %d times, want %d", runs, c.runs)
			}
		})
	}
}

func TestUpdateStopsWaitingWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.Backoff(time.Hour, time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	store.onAppend = func(_ int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
		overtake(t, store.Store)
		defer cancel()
		return next()
	}
	err := accounts.Update(ctx, "1", deposit(5))
	wantIs(t, err, context.Canceled)
	wantIs(t, err, es.ErrConflict)
	wantAccount(t, accounts, "1", 100, 2)
}

func TestUpdateSendsTheSameEventsAgainAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			accounts := withAccount(t, store, repository.Backoff(0, 0))
			var ids []uuid.UUID
			store.onAppend = func(n int64, writes []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
				ids = append(ids, writes[0].Events[0].ID)
				switch {
				case n > 3:
					return next()
				case stored:
					return lostReply(next)
				default:
					return lostRequest()
				}
			}
			runs := 0
			var receipt es.Receipt
			noError(t, accounts.Update(t.Context(), "1", func(a *account.Account) error { runs++; return a.Deposit(5) },
				repository.ReceiptTo(&receipt)))
			if runs != 1 || len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
				t.Errorf("%d runs sent %v", runs, ids)
			}
			if receipt.Duplicate != stored || receipt.Streams[0].Last != 2 {
				t.Errorf("got %+v", receipt)
			}
			wantAccount(t, accounts, "1", 5, 2)
		})
	}
}

func TestUpdateBoundsHowOftenItSendsAgain(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.MaxRetries(4), repository.Backoff(0, 0))
	sent := 0
	store.onAppend = func(int64, []es.Write, func() (es.Receipt, error)) (es.Receipt, error) { sent++; return lostRequest() }
	err := accounts.Update(t.Context(), "1", deposit(5))
	wantIs(t, err, es.ErrOutcomeUnknown)
	if sent != 5 {
		t.Errorf("sent %d times", sent)
	}
}

func TestUpdateDecidesAfreshWhenAnUnknownOutcomeTurnsOutAsAConflict(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.Backoff(0, 0))
	store.onAppend = func(n int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
		if n == 2 {
			overtake(t, store.Store)
			return lostRequest()
		}
		return next()
	}
	runs := 0
	noError(t, accounts.Update(t.Context(), "1", func(a *account.Account) error { runs++; return a.Deposit(5) }))
	if runs != 2 {
		t.Errorf("the command ran %d times", runs)
	}
	wantAccount(t, accounts, "1", 105, 3)
}

func TestUpdateWithAKeyThatWasUsedDoesNotRunTheCommand(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.SnapshotEvery(1))
	noError(t, accounts.Update(t.Context(), "1", deposit(5), repository.IdempotencyKey("k")))
	store.loads.Store(0)
	var receipt es.Receipt
	noError(t, accounts.Update(t.Context(), "1", func(*account.Account) error {
		t.Error("the command ran")
		return errors.New("it is closed")
	}, repository.IdempotencyKey("k"), repository.ReceiptTo(&receipt)))
	if !receipt.Duplicate || receipt.Streams != nil || store.loads.Load() != 1 {
		t.Errorf("got %+v after %d loads", receipt, store.loads.Load())
	}
	noError(t, accounts.Update(t.Context(), "1", deposit(5), repository.IdempotencyKey("another")))
	wantAccount(t, accounts, "1", 10, 3)
}

func TestCreateWithAKey(t *testing.T) {
	t.Parallel()
	accounts := account.NewRepository(memory.New())
	noError(t, accounts.Create(t.Context(), "1", open, repository.IdempotencyKey("k")))
	noError(t, accounts.Create(t.Context(), "1", func(*account.Account) error {
		t.Error("the command ran again under its key")
		return nil
	}, repository.IdempotencyKey("k")))
	err := accounts.Create(t.Context(), "1", open, repository.IdempotencyKey("another"))
	wantIs(t, err, es.ErrConflict)
	wantAccount(t, accounts, "1", 0, 1)
}

func TestARaceOfOneKeyIsSettledByLoadingAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run  func(accounts *repository.Repository[account.Account], amount int64) error
		want int64
	}{
		"Update": {func(accounts *repository.Repository[account.Account], amount int64) error {
			return accounts.Update(context.Background(), "1", deposit(amount), repository.IdempotencyKey("k"))
		}, 7},
		"Create": {func(accounts *repository.Repository[account.Account], amount int64) error {
			return accounts.Create(context.Background(), "2", deposit(amount), repository.IdempotencyKey("k"))
		}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			accounts := withAccount(t, store, repository.Backoff(0, 0))
			store.onAppend = func(n int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
				if n == 2 { // the other decides otherwise, and is faster
					noError(t, c.run(account.NewRepository(store.Store), 7))
				}
				return next()
			}
			noError(t, c.run(accounts, 5))
			total := int64(0)
			for _, id := range []string{"1", "2"} {
				if a, err := accounts.Load(t.Context(), id); err == nil {
					total += a.Balance
				}
			}
			if total != c.want || store.appends.Load() != 2 {
				t.Errorf("%d was deposited after %d appends, want the other's 7 alone after 2", total, store.appends.Load())
			}
		})
	}
}

func TestACommandThatPanicsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	var leaked *account.Account
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic was swallowed")
			}
		}()
		_ = accounts.Update(t.Context(), "1", func(a *account.Account) error {
			leaked = a
			noError(t, a.Deposit(5))
			panic("boom")
		})
	}()
	_, err := accounts.Save(t.Context(), leaked)
	wantIs(t, err, repository.ErrStale)
	noError(t, accounts.Update(t.Context(), "1", deposit(1)))
	wantAccount(t, accounts, "1", 1, 2)
}

func TestACommandThatRecordsNothingAppendsNothing(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store)
	idle := func(*account.Account) error { return nil }
	noError(t, accounts.Update(t.Context(), "1", idle))
	noError(t, accounts.Create(t.Context(), "2", idle))
	if store.appends.Load() != 1 {
		t.Errorf("%d appends", store.appends.Load())
	}
}
