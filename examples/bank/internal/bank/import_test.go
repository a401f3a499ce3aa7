package bank_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/rows"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

func TestAnOperationIsSettledOnceAndForAll(t *testing.T) {
	t.Parallel()
	b, store := newBank(t, open("ada", 0), open("bob", 0), deposit("ada", 10_00))
	for i, step := range []struct {
		id      string
		request operation.Request
		retry   bool
		want    bank.Fate
		reason  string
	}{
		{"row-1", transfer("ada", "bob", 4_00), false, bank.Applied, ""},
		{"row-1", transfer("ada", "bob", 4_00), false, bank.AlreadyApplied, ""},
		{"row-1", transfer("ada", "bob", 4_00), true, bank.AlreadyApplied, ""},
		{"row-2", withdraw("ada", 7_00), false, bank.Refused, "account ada: cannot withdraw 7.00 EUR: insufficient funds: the balance is 6.00 EUR"},
		{"row-2", withdraw("ada", 7_00), false, bank.RefusedEarlier, "the balance is 6.00 EUR"},
		{"row-2", withdraw("ada", 7_00), true, bank.Refused, "the balance is 6.00 EUR"},
		{"row-3", deposit("ada", 1_00), false, bank.Applied, ""},
		{"row-2", withdraw("ada", 7_00), false, bank.RefusedEarlier, "the balance is 6.00 EUR"},
		{"row-2", withdraw("ada", 7_00), true, bank.Applied, ""},
		{"row-2", withdraw("ada", 7_00), true, bank.AlreadyApplied, ""},
		{"row-4", transfer("bob", "carl", 1_00), false, bank.Refused, "account carl: cannot receive 1.00 EUR from bob: there is no such account"},
	} {
		fate, reason, err := b.Settle(t.Context(), step.id, step.request, step.retry)
		if err != nil || fate != step.want || !strings.Contains(reason, step.reason) {
			t.Errorf("step %d: settling %s (%s, retry %v) = %d, %q, %v; want %d, %q", i+1, step.id, step.request, step.retry, fate, reason, err, step.want, step.reason)
		}
	}
	expectBalances(t, b, map[string]int64{"ada": 0, "bob": 4_00})
	_, _, err := b.Settle(t.Context(), "row-1", transfer("ada", "bob", 5_00), true)
	if other, ok := errors.AsType[*operation.OtherRequestError](err); !ok || other.Stored != transfer("ada", "bob", 4_00) {
		t.Errorf("an id for another request: %v; want an *OtherRequestError", err)
	}
	// Refused twice for the same reason, then accepted: that is two events.
	var types []string
	for rec, err := range store.Read(t.Context(), es.ReadQuery{Stream: es.Stream{Category: "operation", ID: "row-2"}}) {
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, rec.Type)
	}
	if fmt.Sprint(types) != "[operation.refused operation.accepted]" {
		t.Errorf("row-2 has %v", types)
	}
	expectRight(t, b)
}

// rowsOf numbers requests as rows of a file.
func rowsOf(requests []operation.Request) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		for i, r := range requests {
			if !yield(rows.Row{Line: i + 1, ID: fmt.Sprintf("row-%d", i+1), Request: r}, nil) {
				return
			}
		}
	}
}

func importAll(t *testing.T, b *bank.Bank, file iter.Seq2[rows.Row, error], retry bool) map[bank.Fate]int {
	t.Helper()
	fates := map[bank.Fate]int{}
	if err := b.Import(t.Context(), file, retry, func(i bank.Imported) { fates[i.Fate]++ }); err != nil {
		t.Error(err)
	}
	return fates
}

// history is a file of which each row is refused if it comes too early, and its balances.
func history(accounts, rounds int) ([]operation.Request, map[string]int64) {
	var requests []operation.Request
	balances := map[string]int64{}
	id := func(i int) string { return fmt.Sprintf("acc-%d", i%accounts) }
	for i := range accounts {
		requests = append(requests, open(id(i), 0))
		balances[id(i)] = int64(rounds)
	}
	for range rounds {
		for i := range accounts {
			requests = append(requests, deposit(id(i), 6), withdraw(id(i), 5))
		}
		for i := range accounts { // each needs the one before it
			requests = append(requests, transfer(id(i), id(i+1), 1))
		}
	}
	return requests, balances
}

func TestRowsThatDependOnEachOtherKeepTheirOrder(t *testing.T) {
	t.Parallel()
	b, _, _ := newFile(t)
	requests, balances := history(8, few(12))
	if fates := importAll(t, b, rowsOf(requests), false); fates[bank.Applied] != len(requests) {
		t.Errorf("the fates are %v, want all %d applied", fates, len(requests))
	}
	expectBalances(t, b, balances)
	if books := expectRight(t, b); books.Operations != len(requests) {
		t.Errorf("%d operations are remembered, want %d", books.Operations, len(requests))
	}
	if fates := importAll(t, b, rowsOf(requests), true); fates[bank.AlreadyApplied] != len(requests) {
		t.Errorf("the second time the fates are %v, want all already applied", fates)
	}
	expectBalances(t, b, balances)
}

func TestAFileThatIsImportedTwiceAtOnceIsAppliedOnce(t *testing.T) {
	t.Parallel()
	b, _, path := newFile(t)
	other, _ := openFile(t, path)
	requests, balances := history(5, few(6))
	var sum [bank.OtherID + 1]int
	var mu sync.Mutex
	var imports sync.WaitGroup
	for _, importer := range []*bank.Bank{b, other} {
		imports.Go(func() {
			fates := importAll(t, importer, rowsOf(requests), true)
			mu.Lock()
			defer mu.Unlock()
			for fate, n := range fates {
				sum[fate] += n
			}
		})
	}
	imports.Wait()
	if sum[bank.Applied] != len(requests) || sum[bank.AlreadyApplied] != len(requests) {
		t.Errorf("together the fates are %v, want each of %d rows applied by one and found applied by the other", sum, len(requests))
	}
	expectBalances(t, b, balances)
	expectRight(t, b)
}

func TestAnIdThatComesTwiceInAFile(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0))
	file := func(yield func(rows.Row, error) bool) {
		for i, r := range []operation.Request{deposit("ada", 1), deposit("ada", 1), deposit("ada", 2)} {
			if !yield(rows.Row{Line: i + 1, ID: "same", Request: r}, nil) {
				return
			}
		}
	}
	var got []string
	if err := b.Import(t.Context(), file, false, func(i bank.Imported) {
		got = append(got, fmt.Sprintf("%d:%d", i.Line, i.Fate))
	}); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("[1:%d 2:%d 3:%d]", bank.Applied, bank.AlreadyApplied, bank.OtherID); fmt.Sprint(got) != want {
		t.Errorf("the fates by line are %v, want %s", got, want)
	}
	expectBalances(t, b, map[string]int64{"ada": 1})
}

func TestAnImportEndsWithItsContextAndWithItsFile(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0))
	ctx, stop := context.WithCancel(t.Context())
	endless := func(yield func(rows.Row, error) bool) {
		for i := 1; yield(rows.Row{Line: i, ID: fmt.Sprintf("row-%d", i), Request: deposit("ada", 1)}, nil); i++ {
			if i == 50 {
				stop()
			}
		}
	}
	if err := b.Import(ctx, endless, false, func(bank.Imported) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v, want context.Canceled", err)
	}
	broken := errors.New("disk gone")
	file := func(yield func(rows.Row, error) bool) {
		_ = yield(rows.Row{Line: 1, ID: "last", Request: deposit("ada", 1)}, nil) && yield(rows.Row{}, broken)
	}
	applied := 0
	if err := b.Import(t.Context(), file, false, func(bank.Imported) { applied++ }); !errors.Is(err, broken) || applied != 1 {
		t.Errorf("a file that fails: %v after %d rows, want %v after one", err, applied, broken)
	}
}

func TestWhatAnImportDidPointsToItsOperation(t *testing.T) {
	t.Parallel()
	b, store := newBank(t)
	importAll(t, b, rowsOf([]operation.Request{open("ada", 0)}), false)
	for rec, err := range store.Read(t.Context(), es.ReadQuery{Stream: es.Stream{Category: "account", ID: "ada"}}) {
		if err != nil || rec.Meta.CausationID != "operation-row-1" {
			t.Errorf("caused by %q, %v; want operation-row-1", rec.Meta.CausationID, err)
		}
	}
	if _, err := b.Account(t.Context(), "bob"); !errors.Is(err, account.ErrNotOpen) {
		t.Errorf("bob: %v", err)
	}
}
