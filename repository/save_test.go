package repository_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/codec"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// pending returns the ids of what an account has recorded and not saved.
func pending(a *account.Account) []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range aggregate.PendingOf(&a.Root) {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestSaveOfANewAggregate(t *testing.T) {
	t.Parallel()
	accounts := account.NewRepository(memory.New())
	a := account.New("1")
	noError(t, a.Open("Ann", opened))
	noError(t, a.Deposit(5))
	receipt, err := accounts.Save(t.Context(), a)
	noError(t, err)
	if w := receipt.Streams[0]; receipt.Duplicate || w.Stream != stream("1") || w.First != 1 || w.Last != 2 || w.Position != 2 {
		t.Errorf("got %+v", receipt)
	}
	if a.Version() != 2 || pending(a) != nil {
		t.Errorf("version %d, pending %v after the save", a.Version(), pending(a))
	}
	noError(t, a.Deposit(5))
	_, err = accounts.Save(t.Context(), a) // goes on from there
	noError(t, err)
	wantAccount(t, accounts, "1", 10, 3)
}

func TestSaveWithNothingPendingAsksNoStore(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store)
	a := load(t, accounts, "1")
	receipt, err := accounts.Save(t.Context(), a)
	noError(t, err)
	if receipt.Streams != nil || store.appends.Load() != 1 {
		t.Errorf("got %+v after %d appends", receipt, store.appends.Load())
	}
}

func TestSaveExpectsWhatWasLoadedAndKeepsWhatIsPending(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store)
	a := load(t, accounts, "1")
	overtake(t, store)
	noError(t, a.Deposit(5))
	_, err := accounts.Save(t.Context(), a)
	conflict, ok := errors.AsType[*es.ConflictError](err)
	if !ok || conflict.Stream != stream("1") || conflict.Expected != es.Exactly(1) || conflict.Actual != 2 {
		t.Fatalf("got %v", err)
	}
	ids := pending(a)
	if len(ids) != 1 || ids[0] == uuid.Nil || a.Version() != 1 {
		t.Errorf("pending %v at version %d", ids, a.Version())
	}
	if _, err := accounts.Save(t.Context(), a); !errors.Is(err, es.ErrConflict) || pending(a)[0] != ids[0] {
		t.Errorf("saved again: %v, with id %v after %v", err, pending(a)[0], ids[0])
	}
	wantAccount(t, accounts, "1", 100, 2)
}

func TestSaveRefusesWhatCanNotBeEncodedAndWritesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event  account.Moved
		field  string
		reason error
	}{
		"invalid UTF-8": {account.Moved{Note: "\xff"}, "note", codec.ErrInvalidUTF8},
		"NaN":           {account.Moved{Rate: math.NaN()}, "rate", codec.ErrNotFinite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			accounts := withAccount(t, store)
			a := load(t, accounts, "1")
			noError(t, a.Deposit(1))
			a.Move(c.event)
			_, err := accounts.Save(t.Context(), a)
			refused, ok := errors.AsType[*es.InvalidError](err)
			if !ok || refused.Stream != stream("1") || refused.Index != 1 || refused.Type != "account.moved" || refused.EventID == uuid.Nil ||
				refused.Field != c.field || !errors.Is(err, c.reason) {
				t.Fatalf("got %#v", err)
			}
			if !strings.HasPrefix(err.Error(), "append to account-1 refused: event 1 (account.moved, id ") || !strings.Contains(err.Error(), "field "+c.field+": ") {
				t.Errorf("got %v", err)
			}
			if n := len(stored(t, store, stream("1"))); n != 1 || len(pending(a)) != 2 {
				t.Errorf("%d stored, %d pending", n, len(pending(a)))
			}
		})
	}
}

func TestSaveRefusesAnEventOfAnUnknownGoType(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	a := load(t, accounts, "1")
	aggregate.Record(&a.Root, &account.Moved{})
	_, err := accounts.Save(t.Context(), a)
	if refused, ok := errors.AsType[*es.InvalidError](err); !ok || refused.Type != "*account.Moved" || !strings.Contains(err.Error(), "as values, not pointers") {
		t.Errorf("got %v", err)
	}
}

func TestSaveRefusesWhatNewDidNotMake(t *testing.T) {
	t.Parallel()
	accounts := account.NewRepository(memory.New())
	for name, c := range map[string]struct {
		a    *account.Account
		want string
	}{
		"nil":            {nil, "saving: nil *account.Account"},
		"the zero value": {&account.Account{}, "saving: this account.Account was not made by its generated New"},
		"an empty id":    {account.New(""), "stream id of category \"account\" is empty"},
	} {
		if c.a != nil {
			noError(t, c.a.Deposit(5))
		}
		if _, err := accounts.Save(t.Context(), c.a); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestSaveTakesMetadataFromTheContext(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := account.NewRepository(store)
	ctx := es.WithMetadata(t.Context(), es.Metadata{Actor: "ann", CorrelationID: "c1", Keys: map[string]string{"ip": "::1"}})
	a := account.New("1")
	noError(t, a.Open("Ann", opened))
	noError(t, a.Deposit(5))
	_, err := accounts.Save(ctx, a)
	noError(t, err)
	for _, rec := range stored(t, store, stream("1")) {
		if rec.Meta.Actor != "ann" || rec.Meta.CorrelationID != "c1" || !maps.Equal(rec.Meta.Keys, map[string]string{"ip": "::1"}) {
			t.Errorf("version %d has %+v", rec.Version, rec.Meta)
		}
	}
}

func TestSaveSettlesALostReply(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(func() (es.Receipt, error)) (es.Receipt, error){
		"stored":     lostReply,
		"not stored": func(func() (es.Receipt, error)) (es.Receipt, error) { return lostRequest() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			accounts := withAccount(t, store, repository.Backoff(0, 0))
			store.onAppend = func(n int64, _ []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
				if n < 5 { // of which the first was before
					return lose(store)
				}
				return store()
			}
			a := load(t, accounts, "1")
			noError(t, a.Deposit(5))
			receipt, err := accounts.Save(t.Context(), a)
			noError(t, err)
			if receipt.Duplicate != (name == "stored") || a.Version() != 2 {
				t.Errorf("got %+v, version %d", receipt, a.Version())
			}
			noError(t, a.Deposit(5)) // it equals what is stored, so it can go on
			_, err = accounts.Save(t.Context(), a)
			noError(t, err)
			wantAccount(t, accounts, "1", 10, 3)
		})
	}
}

func TestASaveThatFailedCanBeTriedAgainLater(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.MaxRetries(2), repository.Backoff(0, 0))
	store.onAppend = func(_ int64, _ []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
		return lostReply(store)
	}
	a := load(t, accounts, "1")
	noError(t, a.Deposit(5))
	before := store.appends.Load()
	_, err := accounts.Save(t.Context(), a)
	wantIs(t, err, es.ErrOutcomeUnknown)
	if n := store.appends.Load() - before; n != 3 || len(pending(a)) != 1 {
		t.Errorf("%d appends with MaxRetries(2), %d pending", n, len(pending(a)))
	}
	store.onAppend = nil
	receipt, err := accounts.Save(t.Context(), a)
	noError(t, err)
	if !receipt.Duplicate {
		t.Error("the first save's event was not recognized")
	}
	wantAccount(t, accounts, "1", 5, 2)
}

func TestAnUnknownOutcomeStaysSoUntilATrySettlesIt(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	for name, c := range map[string]struct {
		second func(cancel func()) error
		is     error // beside es.ErrOutcomeUnknown
	}{
		"an error that is not about it": {func(func()) error { return refused }, refused},
		"the context's end": {func(cancel func()) error {
			cancel()
			return context.Canceled
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFaulty()
			accounts := withAccount(t, store, repository.Backoff(0, 0))
			a := load(t, accounts, "1")
			noError(t, a.Deposit(5))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			before := store.appends.Load()
			store.onAppend = func(n int64, _ []es.Write, append func() (es.Receipt, error)) (es.Receipt, error) {
				if n == before+1 {
					return lostReply(append)
				}
				return es.Receipt{}, c.second(cancel)
			}
			_, err := accounts.Save(ctx, a)
			wantIs(t, err, c.is)
			wantIs(t, err, es.ErrOutcomeUnknown)
			if n := store.appends.Load() - before; n != 2 {
				t.Errorf("%d appends", n)
			}
		})
	}
}

func TestWhatIsRecordedAfterASaveThatWasStoredAfterAllIsStale(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.MaxRetries(0))
	store.onAppend = func(_ int64, _ []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
		return lostReply(store)
	}
	a := load(t, accounts, "1")
	noError(t, a.Deposit(5))
	_, err := accounts.Save(t.Context(), a)
	wantIs(t, err, es.ErrOutcomeUnknown)
	store.onAppend = nil
	noError(t, a.Deposit(7))
	for range 2 {
		_, err = accounts.Save(t.Context(), a)
		wantIs(t, err, repository.ErrStale)
		if len(pending(a)) != 2 {
			t.Errorf("%d events pending", len(pending(a)))
		}
	}
	wantAccount(t, accounts, "1", 5, 2)
}

func TestSaveLeavesTheMemoryItGaveToTheStoreAlone(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store, repository.Backoff(0, 0))
	type lent struct {
		data []byte
		copy string
	}
	var all []lent
	store.onAppend = func(_ int64, writes []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
		for _, e := range writes[0].Events {
			all = append(all, lent{e.Data, string(e.Data)})
			_ = append(e.Data, "overwritten"...) // a store that appends must not reach the next event
		}
		for _, l := range all {
			if string(l.data) != l.copy {
				t.Errorf("%s was %s", l.data, l.copy)
			}
		}
		if len(all) < 8 {
			return lostRequest()
		}
		return store()
	}
	a := load(t, accounts, "1")
	noError(t, a.Deposit(1))
	noError(t, a.Deposit(23))
	_, err := accounts.Save(t.Context(), a)
	noError(t, err)
	wantAccount(t, accounts, "1", 24, 3)
}

func TestSaveStopsWithItsContextAndKeepsWhatIsPending(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	accounts := withAccount(t, store)
	a := load(t, accounts, "1")
	noError(t, a.Deposit(5))
	ctx, cancel := context.WithCancel(t.Context())
	store.onAppend = func(int64, []es.Write, func() (es.Receipt, error)) (es.Receipt, error) {
		cancel()
		return lostRequest()
	}
	_, err := accounts.Save(ctx, a)
	wantIs(t, err, context.Canceled)
	wantIs(t, err, es.ErrOutcomeUnknown)
	if len(pending(a)) != 1 {
		t.Error("the pending event is gone")
	}
}

func TestSaveWithAKeyThatWasUsedBefore(t *testing.T) {
	t.Parallel()
	key := repository.IdempotencyKey("k")
	store := memory.New()
	accounts := withAccount(t, store)
	before := load(t, accounts, "1")
	noError(t, accounts.Update(t.Context(), "1", deposit(5), key))

	// What was loaded before the key was used equals what is stored after the duplicate.
	noError(t, before.Deposit(5))
	receipt, err := accounts.Save(t.Context(), before, key)
	noError(t, err)
	if !receipt.Duplicate || before.Version() != 2 || before.Balance != 5 {
		t.Errorf("got %+v, %+v", receipt, before)
	}
	noError(t, before.Deposit(1))
	_, err = accounts.Save(t.Context(), before)
	noError(t, err)

	// What was loaded after it counts the deposit twice.
	after := load(t, accounts, "1")
	noError(t, after.Deposit(5))
	receipt, err = accounts.Save(t.Context(), after, key)
	noError(t, err)
	if !receipt.Duplicate {
		t.Errorf("got %+v", receipt)
	}
	noError(t, after.Deposit(1))
	_, err = accounts.Save(t.Context(), after)
	wantIs(t, err, repository.ErrStale)

	// Other events under the key are refused.
	other := load(t, accounts, "1")
	noError(t, other.Deposit(7))
	_, err = accounts.Save(t.Context(), other, key)
	wantIs(t, err, es.ErrIdempotency)
	wantAccount(t, accounts, "1", 6, 3)
}

func TestPendingEventsKeepTheKeyOfTheirFirstSave(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store)
	a := load(t, accounts, "1")
	overtake(t, store)
	noError(t, a.Deposit(5))
	_, err := accounts.Save(t.Context(), a, repository.IdempotencyKey("k"))
	wantIs(t, err, es.ErrConflict)
	if got, want := pending(a)[0], es.DeriveID(stream("1"), "k", 0); got != want {
		t.Errorf("the id is %v, want %v", got, want)
	}
	_, err = accounts.Save(t.Context(), a, repository.IdempotencyKey("other"))
	if err == nil || !strings.Contains(err.Error(), `with idempotency key "other"`) {
		t.Errorf("got %v", err)
	}
}

func TestAnEmptyIdempotencyKeyIsRefused(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	empty := repository.IdempotencyKey("")
	_, saveErr := accounts.Save(t.Context(), load(t, accounts, "1"), empty)
	for name, err := range map[string]error{
		"Save":   saveErr,
		"Update": accounts.Update(t.Context(), "1", deposit(5), empty),
		"Create": accounts.Create(t.Context(), "2", open, empty),
	} {
		if err == nil || !strings.Contains(err.Error(), "idempotency key is empty") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSaveAllIsAtomicOverAggregatesOfSeveralTypes(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts, counters := withAccount(t, store), newCounters(store)
	a, c := load(t, accounts, "1"), newCounter("n")
	idle := account.New("idle")
	noError(t, a.Deposit(5))
	c.add(3)
	all := []repository.Staged{accounts.Stage(a), accounts.Stage(idle), counters.Stage(c)}
	receipt, err := repository.SaveAll(t.Context(), all)
	noError(t, err)
	if len(receipt.Streams) != 2 || receipt.Streams[1].Stream.Category != "counter" || a.Version() != 2 || c.Version() != 1 || idle.Version() != 0 {
		t.Errorf("got %+v", receipt)
	}

	overtake(t, store)
	noError(t, a.Deposit(5))
	c.add(3)
	_, err = repository.SaveAll(t.Context(), all)
	wantIs(t, err, es.ErrConflict)
	if len(pending(a)) != 1 || len(aggregate.PendingOf(&c.Root)) != 1 {
		t.Error("what was pending is gone")
	}
	if stored, err := counters.Load(t.Context(), "n"); err != nil || stored.N != 3 {
		t.Errorf("the counter has %+v, %v: half of the append was stored", stored, err)
	}
	wantAccount(t, accounts, "1", 105, 3)
}

func TestSaveAllRefusesWhatCanNotBeAtomic(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts, elsewhere := withAccount(t, store), withAccount(t, memory.New())
	a, b := load(t, accounts, "1"), load(t, elsewhere, "1")
	noError(t, a.Deposit(5))
	noError(t, b.Deposit(5))
	for name, c := range map[string]struct {
		all  []repository.Staged
		want string
	}{
		"two stores":    {[]repository.Staged{accounts.Stage(a), elsewhere.Stage(b)}, "saving account-1 together with account-1: their stores are not the same"},
		"one twice":     {[]repository.Staged{accounts.Stage(a), accounts.Stage(a)}, es.ErrDuplicateStream.Error()},
		"nothing to it": {[]repository.Staged{accounts.Stage(a), nil}, "one of them is nil"},
	} {
		if _, err := repository.SaveAll(t.Context(), c.all); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if receipt, err := repository.SaveAll(t.Context(), nil); err != nil || receipt.Streams != nil {
		t.Errorf("none at all: got %+v, %v", receipt, err)
	}
	wantAccount(t, accounts, "1", 0, 1)
}

func TestSaveIsStaleWhereItsEventsWereStoredBeforeWhateverTheReceiptSays(t *testing.T) {
	t.Parallel()
	key := repository.IdempotencyKey("k")
	store := newFaulty()
	accounts := withAccount(t, store, repository.SnapshotEvery(1))
	noError(t, accounts.Update(t.Context(), "1", deposit(5), key))
	store.onAppend = func(_ int64, _ []es.Write, store func() (es.Receipt, error)) (es.Receipt, error) {
		receipt, err := store()
		receipt.Duplicate = false // as a store may say that had to send the append twice
		return receipt, err
	}
	a := load(t, accounts, "1")
	noError(t, a.Deposit(5))
	_, err := accounts.Save(t.Context(), a, key)
	noError(t, err)
	noError(t, a.Deposit(1))
	_, err = accounts.Save(t.Context(), a)
	wantIs(t, err, repository.ErrStale)
	wantAccount(t, accounts, "1", 5, 2) // and no snapshot counts the deposit twice
}
