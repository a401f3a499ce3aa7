package bank_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/money"
)

func yen(minor int64) money.Amount { return money.New(minor, "JPY") }

func sprintTurnover(c *bank.Turnover) string {
	return fmt.Sprintf("%d accounts, %s deposited, %s withdrawn, %s left, %s sent, %s received",
		c.Accounts, &c.Deposited, &c.Withdrawn, &c.Balance, &c.Sent, &c.Received)
}

func TestASimulationConservesTheMoney(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t)
	var progress atomic.Int64
	s := bank.Simulation{Name: "a", Accounts: 3, Operations: 2000, Writers: 16, Seed: 7}
	done, err := b.Simulate(t.Context(), s, func(int) { progress.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range done.Books.Wrong {
		t.Error(finding)
	}
	if done.Operations() != 2000 || progress.Load() != 2000 || done.Transfers == 0 || done.Deposits == 0 || done.Withdrawals == 0 || done.Books.Snapshots != 3 {
		t.Errorf("it did %+v (progress %d), want 2000 operations of all kinds and a snapshot of each account", done, progress.Load())
	}
}

// A person may well send a simulated account some money, or get some.
func TestMoneyFromAndToOtherAccountsMakesNoSimulationWrong(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), deposit("ada", 10_00), open("sim-shared-0001", 0), open("sim-shared-0002", 100_00),
		transfer("ada", "sim-shared-0001", 5_00), transfer("sim-shared-0002", "ada", 2_00))
	done, err := b.Simulate(t.Context(), bank.Simulation{Name: "a", Accounts: 2, Shared: 2, Operations: 100, Writers: 4, Seed: 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range done.Books.Wrong {
		t.Error(finding)
	}
	expectRight(t, b)
}

func TestSimulationsShareAccounts(t *testing.T) {
	t.Parallel()
	b, _, path := newFile(t)
	other, _ := openFile(t, path)
	var runs sync.WaitGroup
	for i, b := range []*bank.Bank{b, other} {
		runs.Go(func() {
			done, err := b.Simulate(t.Context(), bank.Simulation{Name: string(rune('a' + i)), Accounts: 2, Shared: 2, Operations: few(150), Writers: 8, Seed: uint64(i)}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for _, finding := range done.Books.Wrong {
				t.Error(finding)
			}
		})
	}
	runs.Wait()
	if books := expectRight(t, b); books.Accounts != 6 {
		t.Errorf("there are %d accounts, want two of each run and two shared", books.Accounts)
	}
}

// forgetful acknowledges an append that it has not stored.
type forgetful struct {
	es.Store
	appends atomic.Int64
}

func (f *forgetful) Unwrap() es.Store { return f.Store }

func (f *forgetful) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	if f.appends.Add(1) != 20 {
		return f.Store.Append(ctx, writes...)
	}
	var receipt es.Receipt
	for _, w := range writes {
		v, _ := w.Expect.Exact()
		receipt.Streams = append(receipt.Streams, es.Written{Stream: w.Stream, First: v + 1, Last: v + es.Version(len(w.Events))})
	}
	return receipt, nil
}

func TestASimulationNoticesWhatTheStoreLost(t *testing.T) {
	t.Parallel()
	_, store := newBank(t)
	done, err := bank.New(&forgetful{Store: store}, nil).Simulate(t.Context(), bank.Simulation{Name: "a", Accounts: 4, Operations: 50, Writers: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Books.Wrong) == 0 {
		t.Error("the books are right, though an acknowledged operation is not stored")
	}
}

// hesitant holds back half of what it has stored for a while, as a store does while somebody's transaction may yet take a
// place in between.
type hesitant struct {
	es.Store
	es.Feed
	asked atomic.Int64
}

func (h *hesitant) Unwrap() es.Store { return h.Store }

func (h *hesitant) Head(ctx context.Context) (es.Position, error) {
	head, err := h.Feed.Head(ctx)
	if h.asked.Add(1) < 10 {
		head /= 2
	}
	return head, err
}

func (h *hesitant) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	head, err := h.Head(ctx)
	if err == nil {
		q.UpTo = max(head, 1)
	}
	return h.Feed.ReadAll(ctx, q)
}

func TestASimulationWaitsForWhatTheStoreHoldsBack(t *testing.T) {
	t.Parallel()
	_, store := newBank(t)
	feed, _ := es.Capability[es.Feed](store)
	done, err := bank.New(&hesitant{Store: store, Feed: feed}, nil).Simulate(t.Context(), bank.Simulation{Name: "a", Accounts: 4, Operations: 50, Writers: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Books.Wrong) > 0 {
		t.Errorf("the books are wrong, though everything is stored: %v", done.Books.Wrong)
	}
}

func TestASimulationStopsWithItsContext(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t)
	ctx, stop := context.WithCancel(t.Context())
	sum, err := b.Simulate(ctx, bank.Simulation{Name: "a", Accounts: 2, Operations: 1_000_000_000, Writers: 4}, func(done int) {
		if done == 100 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v, want context.Canceled", err)
	}
	if sum == nil || sum.Operations() < 100 || sum.Elapsed == 0 || sum.Books != nil {
		t.Errorf("it did %+v, want the 100 operations or more that were done, and no books", sum)
	}
	expectRight(t, b)
}
