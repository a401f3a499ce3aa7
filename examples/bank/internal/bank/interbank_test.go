package bank_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// awaitState runs the process manager until a transfer is in a state.
func awaitState(t *testing.T, b *bank.Bank, id string, want interbank.State) {
	t.Helper()
	m, err := b.Interbank(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for {
		tr, err := b.Transfer(ctx, id)
		if err != nil {
			t.Fatalf("waiting until transfer %s is %s: %v", id, want, err)
		}
		if tr.State == want {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func wantBalance(t *testing.T, b *bank.Bank, id string, minor int64) {
	t.Helper()
	if a, err := b.Account(t.Context(), id); err != nil || a.Balance != minor {
		t.Fatalf("account %s: %+v, %v, want a balance of %d", id, a, err, minor)
	}
}

func send(t *testing.T, b *bank.Bank, id, from string, minor int64, timeout time.Duration) {
	t.Helper()
	if err := b.Send(t.Context(), id, from, "DE-1", eur(minor), timeout); err != nil {
		t.Fatal(err)
	}
}

func TestATransferToAnotherBankEndsInOneWay(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), deposit("ada", 1000))
	for _, c := range []struct {
		id      string
		minor   int64
		timeout time.Duration
		answer  func(id string) error
		state   interbank.State
		balance int64
	}{
		{"refused", 5000, time.Hour, nil, interbank.Refused, 1000},
		{"completed", 100, time.Hour, func(id string) error { return b.Answer(t.Context(), id, true, "") }, interbank.Completed, 900},
		{"rejected", 100, time.Hour, func(id string) error { return b.Answer(t.Context(), id, false, "no") }, interbank.Returned, 900},
		{"late", 100, time.Millisecond, nil, interbank.Returned, 900},
	} {
		send(t, b, c.id, "ada", c.minor, c.timeout)
		if c.answer != nil {
			awaitState(t, b, c.id, interbank.Pending)
			if err := c.answer(c.id); err != nil {
				t.Fatal(err)
			}
		}
		awaitState(t, b, c.id, c.state)
		wantBalance(t, b, "ada", c.balance)
		if err := b.Answer(t.Context(), c.id, true, ""); !errors.Is(err, interbank.ErrNotPending) {
			t.Fatalf("an answer to a transfer that is %s: %v, want ErrNotPending", c.state, err)
		}
	}
	if books := expectRight(t, b); books.Transfers != 4 {
		t.Fatalf("%d transfers were looked at", books.Transfers)
	}
}

func TestMoneyThatCantBeReturnedIsNotForgotten(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), deposit("ada", 1000))
	send(t, b, "t", "ada", 1000, 300*time.Millisecond)
	awaitState(t, b, "t", interbank.Pending)
	mustDo(t, b, operation.Request{Kind: operation.Close, Account: "ada"})
	awaitState(t, b, "t", interbank.Stuck)
	if tr, err := b.Transfer(t.Context(), "t"); err != nil || tr.Reason == "" {
		t.Fatalf("the transfer does not say why: %+v, %v", tr, err)
	}
	expectRight(t, b)
}

func TestATransferOfAnUnknownAccountIsRefused(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t)
	if err := b.Send(t.Context(), "t", "nobody", "DE-1", eur(1), time.Hour); err == nil {
		t.Fatal("it is requested")
	}
	if err := b.Answer(t.Context(), "t", true, ""); !errors.Is(err, interbank.ErrNotRequested) {
		t.Fatalf("Answer: %v, want ErrNotRequested", err)
	}
}
