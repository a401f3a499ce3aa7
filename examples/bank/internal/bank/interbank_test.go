package bank_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
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
	send(t, b, "t", "ada", 1000, time.Hour)
	awaitState(t, b, "t", interbank.Pending)
	mustDo(t, b, operation.Request{Kind: operation.Close, Account: "ada"})
	if err := b.Answer(t.Context(), "t", false, "no such account"); err != nil { // a short timeout might be over before it is seen pending
		t.Fatal(err)
	}
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

// Each case is what a process manager would leave behind that did a step twice, or half of one.
func TestVerifyNamesTransfersThatDontAgreeWithTheirAccounts(t *testing.T) {
	t.Parallel()
	debit := es.Event{Type: "transfer.debited", Data: []byte("{}")}
	for name, spoil := range map[string]func(t *testing.T, store es.Store) (es.Stream, es.Event){
		"debited, but the account has not paid": func(*testing.T, es.Store) (es.Stream, es.Event) {
			e := debit
			e.Meta.CausationID = "x"
			return es.Stream{Category: "transfer", ID: "open"}, e
		},
		"debited for no reason": func(*testing.T, es.Store) (es.Stream, es.Event) {
			return es.Stream{Category: "transfer", ID: "open"}, debit
		},
		"returned to the account twice": func(t *testing.T, store es.Store) (es.Stream, es.Event) {
			back := es.Event{Type: "account.deposited", Data: []byte(`{"amount":100}`)}
			for rec, err := range store.Read(t.Context(), es.ReadQuery{Stream: es.Stream{Category: "transfer", ID: "late"}}) {
				if err != nil {
					t.Fatal(err)
				}
				back.Meta.CausationID = rec.ID.String()
			}
			return es.Stream{Category: "account", ID: "ada"}, back
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, store := newBank(t, open("ada", 0), deposit("ada", 1000))
			send(t, b, "late", "ada", 100, time.Millisecond)
			awaitState(t, b, "late", interbank.Returned)
			send(t, b, "open", "ada", 100, time.Hour)
			expectRight(t, b)
			stream, e := spoil(t, store)
			e.ID, e.Schema = es.NewID(), 1
			if _, err := store.Append(t.Context(), es.Write{Stream: stream, Expect: es.Any, Events: []es.Event{e}}); err != nil {
				t.Fatal(err)
			}
			books, err := b.Verify(t.Context(), "", nil)
			if err != nil || len(books.Wrong) != 1 || !strings.Contains(books.Wrong[0].String(), "account-ada: it and its transfers to other banks disagree by +100 ") {
				t.Fatalf("verify finds %v, %v", books.Wrong, err)
			}
		})
	}
}
