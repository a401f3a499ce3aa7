package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

var (
	ctx     = context.Background()
	newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// annAndBen has them open an account each and pay in.
func annAndBen(accounts *repository.Repository[account.Account]) {
	for _, owner := range []string{"ann", "ben"} {
		err := accounts.Create(ctx, owner, func(a *account.Account) error {
			if err := a.Open(owner, newYear); err != nil {
				return err
			}
			return a.Deposit(100)
		})
		if err != nil {
			log.Fatal(err)
		}
	}
}

// Create, Update and Load are most of what a program needs. NewRepository is
// generated.
func Example() {
	accounts := account.NewRepository(memory.New(), repository.SnapshotEvery(100))

	err := accounts.Create(ctx, "0192", func(a *account.Account) error {
		return a.Open("Ann", time.Now())
	})
	if err != nil {
		log.Fatal(err)
	}
	err = accounts.Update(ctx, "0192", func(a *account.Account) error {
		return a.Deposit(500)
	})
	if err != nil {
		log.Fatal(err)
	}
	a, err := accounts.Load(ctx, "0192")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Owner, "has", a.Balance, "at version", a.Version())

	_, err = accounts.Load(ctx, "0193")
	fmt.Println(errors.Is(err, es.ErrNotFound), err)
	// Output:
	// Ann has 500 at version 2
	// true loading account-0193: not found
}

// Save is for those who load, decide and try again themselves.
func ExampleRepository_Save() {
	accounts := account.NewRepository(memory.New())
	annAndBen(accounts)

	a, err := accounts.Load(ctx, "ann")
	if err != nil {
		log.Fatal(err)
	}
	// Someone else is faster:
	if err := accounts.Update(ctx, "ann", func(a *account.Account) error { return a.Withdraw(100) }); err != nil {
		log.Fatal(err)
	}

	if err := a.Withdraw(100); err != nil {
		log.Fatal(err)
	}
	_, err = accounts.Save(ctx, a)
	if conflict, ok := errors.AsType[*es.ConflictError](err); ok {
		fmt.Println("expected", conflict.Expected, "and found version", conflict.Actual)
	}
	// Output: expected version 2 and found version 3
}

// The past can be looked at, by version or by time.
func ExampleAtVersion() {
	accounts := account.NewRepository(memory.New())
	annAndBen(accounts)

	a, err := accounts.Load(ctx, "ann", repository.AtVersion(1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at version", a.Version(), "the balance was", a.Balance)
	// Output: at version 1 the balance was 0
}

// As of a time means with what was recorded up to then, by the store's clock.
func ExampleAsOf() {
	store := memory.New()
	accounts := account.NewRepository(store)
	annAndBen(accounts)

	var last es.Recorded
	for rec, err := range store.Read(ctx, es.ReadQuery{Stream: es.Stream{Category: "account", ID: "ann"}}) {
		if err != nil {
			log.Fatal(err)
		}
		last = rec
	}
	a, err := accounts.Load(ctx, "ann", repository.AsOf(last.RecordedAt))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at version", a.Version(), "the balance was", a.Balance)

	_, err = accounts.Load(ctx, "ann", repository.AsOf(newYear))
	fmt.Println(errors.Is(err, es.ErrNotFound), err)
	// Output:
	// at version 2 the balance was 100
	// true loading account-ann as of 2026-01-01T00:00:00Z: not found
}

// Snapshots shorten the loads of long streams. They are a cache: one that can't be
// saved or read is told to the hook and fails nothing.
func ExampleSnapshotEvery() {
	accounts := account.NewRepository(memory.New(),
		repository.SnapshotEvery(100),
		repository.OnSnapshotError(func(_ context.Context, stream es.Stream, err error) {
			log.Printf("%s goes on without a snapshot: %v", stream, err)
		}))
	annAndBen(accounts)
	for range 150 {
		if err := accounts.Update(ctx, "ann", func(a *account.Account) error { return a.Deposit(1) }); err != nil {
			log.Fatal(err)
		}
	}
	a, err := accounts.Load(ctx, "ann") // from the snapshot of version 100 and 52 events
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at version", a.Version(), "the balance is", a.Balance)
	// Output: at version 152 the balance is 250
}

// A request that comes twice under one key is done once.
func ExampleIdempotencyKey() {
	accounts := account.NewRepository(memory.New())
	annAndBen(accounts)

	for range 2 {
		var receipt es.Receipt
		err := accounts.Update(ctx, "ann", func(a *account.Account) error { return a.Withdraw(60) },
			repository.IdempotencyKey("request 7"), repository.ReceiptTo(&receipt))
		fmt.Println(err, receipt.Duplicate)
	}
	// Output:
	// <nil> false
	// <nil> true
}

// A transfer changes two accounts in one append, or none.
func ExampleAtomically() {
	store := memory.New()
	accounts := account.NewRepository(store)
	annAndBen(accounts)

	transfer := func(from, to string, amount int64) error {
		return repository.Atomically(ctx, store, func(u *repository.Unit) error {
			a, err := accounts.LoadIn(u, from)
			if err != nil {
				return err
			}
			b, err := accounts.LoadIn(u, to)
			if err != nil {
				return err
			}
			if err := a.Withdraw(amount); err != nil {
				return err
			}
			return b.Deposit(amount)
		})
	}
	fmt.Println(transfer("ann", "ben", 30))
	fmt.Println(transfer("ann", "ben", 80))
	for _, id := range []string{"ann", "ben"} {
		a, err := accounts.Load(ctx, id)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(id, "has", a.Balance)
	}
	// Output:
	// <nil>
	// withdrawing 80 of 70: insufficient funds
	// ann has 70
	// ben has 130
}

// SaveAll is Save for several aggregates.
func ExampleSaveAll() {
	accounts := account.NewRepository(memory.New())
	ann, ben := account.New("ann"), account.New("ben")
	for _, a := range []*account.Account{ann, ben} {
		if err := a.Open(a.ID(), newYear); err != nil {
			log.Fatal(err)
		}
	}
	receipt, err := repository.SaveAll(ctx, []repository.Staged{accounts.Stage(ann), accounts.Stage(ben)})
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range receipt.Streams {
		fmt.Println(w.Stream, "is at version", w.Last)
	}
	// Output:
	// account-ann is at version 1
	// account-ben is at version 1
}

// Verify is for a check that runs now and then, or after a deployment.
func ExampleRepository_Verify() {
	store := memory.New()
	accounts := account.NewRepository(store, repository.SnapshotEvery(1))
	annAndBen(accounts)
	fmt.Println(accounts.Verify(ctx, "ann"))

	err := store.SaveSnapshot(ctx, es.Snapshot{ // as an apply body would have made it that was changed since
		Stream: es.Stream{Category: "account", ID: "ann"}, Version: 2, Fingerprint: account.Type{}.Fingerprint(),
		Data: []byte(`{"Owner":"ann","Currency":"EUR","Balance":99,"OpenedAt":"2026-01-01T00:00:00Z","Notes":null,"Rates":0}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(accounts.Verify(ctx, "ann"))
	// Output:
	// <nil>
	// verifying account-ann at version 2: the state of account-ann differs (replayed from the first event → loaded from the snapshot of version 2):
	// 	Balance: 100 → 99
}
