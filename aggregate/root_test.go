package aggregate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

func TestRootPromotesItsTwoMethodsAlone(t *testing.T) {
	t.Parallel()
	type state struct {
		aggregate.Root
		N int
	}
	var methods []string
	for m := range reflect.TypeFor[*state]().Methods() {
		methods = append(methods, m.Name)
	}
	if fmt.Sprint(methods) != "[ID Version]" {
		t.Errorf("an aggregate gets %v", methods)
	}
	if data, err := json.Marshal(state{}); err != nil || string(data) != `{"N":0}` {
		t.Errorf("it marshals to %s, %v", data, err)
	}
}

func TestTypeOfIsThatOfTheGeneratedNew(t *testing.T) {
	t.Parallel()
	if typ, made := aggregate.TypeOf(account.New("1")); !made || typ.Category() != "account" {
		t.Errorf("got %v, %v", typ, made)
	}
	if typ, made := aggregate.TypeOf(new(account.Account)); made {
		t.Errorf("the zero value has %v", typ)
	}
	if typ, made := aggregate.TypeOf(new(int)); made {
		t.Errorf("an int has %v", typ)
	}
}

func TestRecordedEventsArePendingUntilTheyAreSaved(t *testing.T) {
	t.Parallel()
	a := account.New("1")
	a.Move(account.Moved{Amount: 1})
	a.Move(account.Moved{Amount: 2})
	pending := aggregate.PendingOf(&a.Root)
	if a.Version() != 0 || len(pending) != 2 || pending[1].Event != (account.Moved{Amount: 2}) {
		t.Errorf("got %+v at version %d", pending, a.Version())
	}
	aggregate.Saved(&a.Root, 2)
	if a.Version() != 2 || len(aggregate.PendingOf(&a.Root)) != 0 {
		t.Errorf("got %+v at version %d", aggregate.PendingOf(&a.Root), a.Version())
	}
}

func TestAFrozenAggregateKeepsItsFirstReasonUntilItIsLoaded(t *testing.T) {
	t.Parallel()
	a, first := account.New("1"), errors.New("first")
	aggregate.Freeze(&a.Root, first)
	aggregate.Freeze(&a.Root, errors.New("second"))
	if aggregate.Frozen(&a.Root) != first {
		t.Errorf("got %v", aggregate.Frozen(&a.Root))
	}
	aggregate.Loaded(&a.Root, 5, 3)
	if aggregate.Frozen(&a.Root) != nil || a.Version() != 5 || aggregate.SnapshotOf(&a.Root) != 3 {
		t.Errorf("got %+v", a.Root)
	}
}

func TestCompareShowsBothStates(t *testing.T) {
	t.Parallel()
	ways := [2]string{"live", "replayed"}
	a, b := account.New("1"), account.New("1")
	if err := aggregate.Compare(account.Type{}, ways, a, b); err != nil {
		t.Errorf("equal ones: %v", err)
	}
	b.Balance, b.Notes = 5, []string{"x"}
	err := aggregate.Compare(account.Type{}, ways, a, b)
	diverged, ok := errors.AsType[*aggregate.DivergedError](err)
	if !ok || diverged.Ways != ways || len(diverged.States[0]) == 0 || len(diverged.States[1]) == 0 {
		t.Fatalf("got %#v", err)
	}
	want := "the state of account-1 differs (live → replayed):\n\tBalance: 0 → 5\n\tNotes: null → [\"x\"]"
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCompareOfAStateThatCanNotBeEncoded(t *testing.T) {
	t.Parallel()
	a, b := account.New("1"), account.New("1")
	b.Owner = "\xff"
	err := aggregate.Compare(account.Type{}, [2]string{"live", "replayed"}, a, b)
	if want := "encoding the state of account-1 replayed: encode Owner: invalid UTF-8"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
