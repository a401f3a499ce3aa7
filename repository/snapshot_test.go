package repository_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// snapshots has the versions of the snapshots that are saved collected.
func snapshots(store *faulty) *[]es.Version {
	var versions []es.Version
	store.onSnapshot = func(_ context.Context, s es.Snapshot) error {
		versions = append(versions, s.Version)
		return nil
	}
	return &versions
}

func TestSnapshotPolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []repository.Option
		want []es.Version
	}{
		"never by default":  {nil, nil},
		"every 0 is never":  {[]repository.Option{repository.SnapshotEvery(0)}, nil},
		"every event":       {[]repository.Option{repository.SnapshotEvery(1)}, []es.Version{1, 2, 3, 5, 7, 9, 10}},
		"every 3 events":    {[]repository.Option{repository.SnapshotEvery(3)}, []es.Version{3, 7, 10}},
		"the last one wins": {[]repository.Option{repository.SnapshotEvery(1), repository.SnapshotEvery(0)}, nil},
		"when the user says so": {
			[]repository.Option{repository.SnapshotWhen(func(v es.Version, since int, a *account.Account) bool {
				return v > 2 && since >= 2 && a.Balance != 4
			})},
			[]es.Version{3, 7, 9},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			got := snapshots(store)
			accounts := withAccount(t, store, c.opts...) // version 1
			for _, events := range []int{1, 1, 2, 2, 2, 1} {
				noError(t, accounts.Update(t.Context(), "1", func(a *account.Account) error {
					for range events {
						a.Move(account.Moved{Amount: 1, Note: "x"})
					}
					return nil
				}))
			}
			if !slices.Equal(*got, c.want) {
				t.Fatalf("snapshots at %v, want %v", *got, c.want)
			}
			wantAccount(t, accounts, "1", 9, 10)
		})
	}
}

func TestLoadWithASnapshotReadsItAndTheEventsAfterItInOneRoundTrip(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.SnapshotWhen(func(v es.Version, _ int, _ *account.Account) bool { return v == 9 }))
	for range 10 {
		noError(t, accounts.Update(t.Context(), "1", deposit(1)))
	}
	store.loads.Store(0)
	store.rows.Store(0)
	a := load(t, accounts, "1")
	if loads, rows := store.loads.Load(), store.rows.Load(); loads != 1 || rows != 3 {
		t.Errorf("%d round trips for %d rows, want 1 for the snapshot and 2 events", loads, rows)
	}
	if a.Balance != 10 || a.Version() != 11 || aggregate.SnapshotOf(&a.Root) != 9 {
		t.Errorf("got %+v", a)
	}
}

func TestSnapshotWhenForAnotherAggregateIsAnErrorOfEveryCall(t *testing.T) {
	t.Parallel()
	accounts := account.NewRepository(newFaulty(), repository.SnapshotWhen(func(es.Version, int, *time.Time) bool { return true }))
	err := accounts.Create(t.Context(), "1", open)
	if err == nil || !strings.Contains(err.Error(), "SnapshotWhen") || !strings.Contains(err.Error(), "*account.Account") {
		t.Errorf("Create: got %v", err)
	}
	if _, loadErr := accounts.Load(t.Context(), "1"); loadErr == nil || errors.Is(loadErr, es.ErrNotFound) {
		t.Errorf("Load: got %v", loadErr)
	}
}

// hook collects what it is told.
func hook(told *[]error) repository.Option {
	return repository.OnSnapshotError(func(_ context.Context, s es.Stream, err error) {
		if s != stream("1") {
			err = errors.Join(err, errors.New("another stream: "+s.String()))
		}
		*told = append(*told, err)
	})
}

func TestAFailedSnapshotNeverFailsTheSave(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	for name, c := range map[string]struct {
		rates      int
		onSnapshot func(context.Context, es.Snapshot) error
		want       string
	}{
		"the store refuses it":          {0, func(context.Context, es.Snapshot) error { return broken }, "snapshot of account-1 at version 1: disk full"},
		"the state can't be encoded":    {2, nil, "snapshot of account-1 at version 3: encode Rates: NaN and infinities have no JSON form"},
		"nobody listens: no hook given": {2, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			store.onSnapshot = c.onSnapshot
			var told []error
			opts := []repository.Option{repository.SnapshotEvery(1)}
			if c.want != "" {
				opts = append(opts, hook(&told))
			}
			accounts := account.NewRepository(store, opts...)
			a := account.New("1")
			noError(t, a.Open("Ann", opened))
			for range c.rates {
				a.Move(account.Moved{Rate: math.MaxFloat64})
			}
			_, err := accounts.Save(t.Context(), a)
			noError(t, err)
			if n := 1 + c.rates; a.Version() != es.Version(n) || len(stored(t, store, stream("1"))) != n {
				t.Errorf("the save did not happen: %+v", a)
			}
			if c.want != "" && (len(told) != 1 || told[0].Error() != c.want) {
				t.Errorf("the hook was told %v, want %s", told, c.want)
			}
		})
	}
}

func TestAFailedSnapshotIsTriedAgainByTheNextSave(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	store.onSnapshot = func(_ context.Context, s es.Snapshot) error {
		if s.Version == 3 {
			return errors.New("disk full")
		}
		return nil
	}
	accounts := withAccount(t, store, repository.SnapshotEvery(3))
	for range 3 {
		noError(t, accounts.Update(t.Context(), "1", deposit(1)))
	}
	if a := load(t, accounts, "1"); aggregate.SnapshotOf(&a.Root) != 4 {
		t.Errorf("the snapshot is of version %d, want 4", aggregate.SnapshotOf(&a.Root))
	}
}

func TestASnapshotOutlivesTheContextOfItsSave(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	ctx, cancel := context.WithCancel(t.Context())
	store.onAppend = func(_ int64, _ []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
		defer cancel() // the request ends as soon as the events are stored
		return store()
	}
	store.onSnapshot = func(ctx context.Context, _ es.Snapshot) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the snapshot may take for ever")
		}
		return ctx.Err()
	}
	var told []error
	accounts := account.NewRepository(store, repository.SnapshotEvery(1), hook(&told))
	noError(t, accounts.Create(ctx, "1", open))
	if a := load(t, accounts, "1"); len(told) > 0 || aggregate.SnapshotOf(&a.Root) != 1 {
		t.Errorf("told %v, snapshot of version %d", told, aggregate.SnapshotOf(&a.Root))
	}
}

func TestASnapshotOfAnotherShapeIsIgnoredAndRewritten(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	old := repository.New(store, account.Type{Shape: "account-0"}, repository.SnapshotEvery(1))
	noError(t, old.Create(t.Context(), "1", open))
	noError(t, old.Update(t.Context(), "1", deposit(5)))

	var told []error
	accounts := account.NewRepository(store, repository.SnapshotEvery(3), hook(&told))
	if a := load(t, accounts, "1"); a.Balance != 5 || aggregate.SnapshotOf(&a.Root) != 0 {
		t.Errorf("got %+v: the old snapshot was used", a)
	}
	noError(t, accounts.Update(t.Context(), "1", deposit(5)))
	if a := load(t, accounts, "1"); aggregate.SnapshotOf(&a.Root) != 3 {
		t.Errorf("the snapshot is of version %d, want 3", aggregate.SnapshotOf(&a.Root))
	}
	a, err := old.Load(t.Context(), "1")
	noError(t, err)
	if aggregate.SnapshotOf(&a.Root) != 2 {
		t.Error("the old build's snapshot is gone")
	}
	if len(told) > 0 {
		t.Errorf("the hook was told %v: another shape is no error", told)
	}
}

func TestASnapshotThatCanNotBeReadIsReportedAndTheEventsAreUsed(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	var told []error
	accounts := withAccount(t, store, repository.SnapshotEvery(3), hook(&told))
	noError(t, accounts.Update(t.Context(), "1", deposit(5)))
	noError(t, store.SaveSnapshot(t.Context(), es.Snapshot{
		Stream: stream("1"), Version: 2, Fingerprint: account.Type{}.Fingerprint(), Data: []byte(`{"Owner":"Eve","Balance":"oops"}`),
	}))

	a := load(t, accounts, "1")
	if a.Owner != "Ann" || a.Balance != 5 || a.Version() != 2 {
		t.Errorf("got %+v", a)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0].Error(), "reading the snapshot of account-1 at version 2: decode Balance") {
		t.Errorf("the hook was told %v", told)
	}
	if err := accounts.Verify(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "reading the snapshot of account-1") {
		t.Errorf("Verify: got %v", err)
	}

	noError(t, accounts.Update(t.Context(), "1", deposit(5))) // reports it once more, and replaces it
	if a := load(t, accounts, "1"); aggregate.SnapshotOf(&a.Root) != 3 || len(told) != 2 {
		t.Errorf("the snapshot is of version %d, the hook was told %v", aggregate.SnapshotOf(&a.Root), told)
	}
}

func TestAnAggregateThatIsSavedAgainAndAgainKnowsItsLastSnapshot(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	got := snapshots(store)
	accounts := account.NewRepository(store, repository.SnapshotEvery(3))
	a := account.New("1")
	for range 7 {
		noError(t, a.Deposit(1))
		_, err := accounts.Save(t.Context(), a)
		noError(t, err)
	}
	if !slices.Equal(*got, []es.Version{3, 6}) {
		t.Errorf("snapshots at %v, want 3 and 6", *got)
	}
}

func TestAPredicateThatPanicsDoesSoAfterTheSave(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := account.NewRepository(store, repository.SnapshotWhen(func(es.Version, int, *account.Account) bool { panic("boom") }))
	a, b := account.New("1"), account.New("2")
	noError(t, open(a))
	noError(t, open(b))
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = repository.SaveAll(t.Context(), []repository.Staged{accounts.Stage(a), accounts.Stage(b)})
	}()
	if a.Version() != 1 || b.Version() != 1 || pending(b) != nil {
		t.Errorf("versions %d and %d, %v pending", a.Version(), b.Version(), pending(b))
	}
}
