package repository_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

func TestVerifyShowsInWhatASnapshotLies(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store, repository.SnapshotEvery(1))
	noError(t, accounts.Update(t.Context(), "1", deposit(5)))
	noError(t, accounts.Verify(t.Context(), "1"))

	noError(t, store.SaveSnapshot(t.Context(), es.Snapshot{
		Stream: stream("1"), Version: 2, Fingerprint: account.Type{}.Fingerprint(),
		Data: []byte(`{"Owner":"Ann","Currency":"EUR","Balance":500,"OpenedAt":"2024-02-29T12:00:00Z","Notes":[],"Rates":0}`),
	}))
	err := accounts.Verify(t.Context(), "1")
	diverged, ok := errors.AsType[*aggregate.DivergedError](err)
	if !ok || diverged.Stream != stream("1") {
		t.Fatalf("got %v", err)
	}
	want := `verifying account-1 at version 2: the state of account-1 differs (replayed from the first event → loaded from the snapshot of version 2):
	Balance: 5 → 500
	Notes: null → []`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}

	noError(t, accounts.RebuildSnapshot(t.Context(), "1"))
	noError(t, accounts.Verify(t.Context(), "1"))
	if a := load(t, accounts, "1"); a.Balance != 5 || aggregate.SnapshotOf(&a.Root) != 2 {
		t.Errorf("got %+v after the snapshot was rebuilt", a)
	}
}

// forgetful is a type whose snapshots lose a field.
type forgetful struct{ account.Type }

func (f forgetful) Replay(a *account.Account, row es.Row) error {
	err := f.Type.Replay(a, row)
	if row.Type == "" {
		a.Owner = ""
	}
	return err
}

func TestVerifyFindsAStateThatDoesNotSurviveItsEncoding(t *testing.T) {
	t.Parallel()
	store := memory.New()
	withAccount(t, store)
	err := repository.New(store, forgetful{}).Verify(t.Context(), "1")
	diverged, ok := errors.AsType[*aggregate.DivergedError](err)
	if !ok || !strings.Contains(diverged.Error(), `(replayed from the first event → encoded and decoded again):`+"\n\t"+`Owner: "Ann" → ""`) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyAndRebuildOfAMissingStreamAreNotFound(t *testing.T) {
	t.Parallel()
	wantIs(t, account.NewRepository(memory.New()).Verify(t.Context(), "1"), es.ErrNotFound)
	wantIs(t, account.NewRepository(memory.New()).RebuildSnapshot(t.Context(), "1"), es.ErrNotFound)
}
