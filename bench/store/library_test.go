package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// library is one way to save and to load accounts, on a database of its own.
type library struct {
	name  string
	alone bool                       // several writers at once may fail
	open  func(id uuid.UUID) account // a new account
	load  func(ctx context.Context, id uuid.UUID) (account, error)
}

// account is an aggregate in the hands of a library.
type account interface {
	// deposit records an event, to be saved.
	deposit(Deposited) error
	// save stores what was recorded since the last save or load, if the stored account is as it was then.
	save(context.Context) error
	tally() Tally
}

var note = strings.Repeat("paid in ", 15)

// deposited is a new event.
func deposited(account uuid.UUID, amount int64) Deposited {
	return Deposited{
		Account: account.String(), Amount: amount, Currency: "EUR", Note: note,
		Reference: "0192f0c1-7b1e-7c2f-9a3b-0123456789ab", At: time.Now().UTC(),
	}
}

// save records so many events and saves them together.
func save(ctx context.Context, a account, id uuid.UUID, events int) error {
	for range events {
		if err := a.deposit(deposited(id, rand.Int64N(1_000_000))); err != nil {
			return err
		}
	}
	return a.save(ctx)
}

// engines are the databases, with the libraries that can use them, esgen first.
var engines = []struct {
	name string
	open func(testing.TB) []library
}{
	{"postgres", onPostgres},
	{"sqlite", onSQLite},
}

// No library may win by leaving something out. They are opened once, since that takes most of the time.
func TestLibraries(t *testing.T) {
	for _, e := range engines {
		for _, l := range e.open(t) {
			t.Run(e.name+"/"+l.name, func(t *testing.T) {
				t.Run("what is saved is loaded", func(t *testing.T) { savedIsLoaded(t, l) })
				t.Run("the save of a stale account fails", func(t *testing.T) { staleSaveFails(t, l) })
				t.Run("of concurrent saves one wins", func(t *testing.T) { oneSaveWins(t, l) })
			})
		}
	}
}

func savedIsLoaded(t *testing.T, l library) {
	ctx, id := t.Context(), uuid.Must(uuid.NewV7())
	a := l.open(id)
	for _, events := range []int{1, 1, 5, 100} {
		if err := save(ctx, a, id, events); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := l.load(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := loaded.tally(), a.tally(); got != want || want.Count != 107 {
		t.Fatalf("loaded\n%+v\nsaved\n%+v", got, want)
	}
	if err := save(ctx, loaded, id, 1); err != nil {
		t.Fatalf("saving what was loaded: %v", err)
	}
}

func staleSaveFails(t *testing.T, l library) {
	ctx, id := t.Context(), uuid.Must(uuid.NewV7())
	if err := save(ctx, l.open(id), id, 1); err != nil {
		t.Fatal(err)
	}
	load := func() account {
		a, err := l.load(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first, second := load(), load()
	if err := save(ctx, first, id, 1); err != nil {
		t.Fatal(err)
	}
	err := save(ctx, second, id, 1)
	if err == nil {
		t.Fatal("both were saved")
	}
	t.Logf("%T: %v", err, err)
	if got := load().tally(); got != first.tally() {
		t.Fatalf("stored is %+v, want %+v", got, first.tally())
	}
}

func oneSaveWins(t *testing.T, l library) {
	ctx, id := t.Context(), uuid.Must(uuid.NewV7())
	if err := save(ctx, l.open(id), id, 1); err != nil {
		t.Fatal(err)
	}
	const savers = 4
	accounts := make([]account, savers)
	for i := range accounts {
		accounts[i] = must(l.load(ctx, id))
	}
	errs := make([]error, savers)
	var running sync.WaitGroup
	for i, a := range accounts {
		running.Go(func() { errs[i] = save(ctx, a, id, 1) })
	}
	running.Wait()
	won := 0
	for i, err := range errs {
		if err != nil {
			t.Logf("%T: %v", err, err)
			continue
		}
		won++
		if got := must(l.load(ctx, id)).tally(); got != accounts[i].tally() {
			t.Errorf("stored is %+v, want %+v", got, accounts[i].tally())
		}
	}
	if won != 1 {
		t.Fatalf("%d have won", won)
	}
}

// The libraries are measured on their own encodings of the same event.
func TestDepositedHas300Bytes(t *testing.T) {
	data, err := encode(deposited(uuid.Must(uuid.NewV7()), 500_000))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 290 || len(data) > 310 {
		t.Fatalf("%d bytes: %s", len(data), data)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("opening: %v", err))
	}
	return v
}
