package bank_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// write appends an event past the bank's rules.
func write(t *testing.T, store es.Store, id, typ string, schema int, data string) {
	t.Helper()
	_, err := store.Append(t.Context(), es.Write{Stream: es.Stream{Category: "account", ID: id}, Expect: es.Any,
		Events: []es.Event{{ID: es.NewID(), Type: typ, Schema: schema, Data: []byte(data)}}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	typ, _ := aggregate.TypeOf(account.New("ada"))
	saveSnapshot := func(data string) func(*testing.T, es.Store) {
		return func(t *testing.T, store es.Store) {
			err := store.SaveSnapshot(t.Context(), es.Snapshot{
				Stream: es.Stream{Category: "account", ID: "ada"}, Version: 2, Fingerprint: typ.Fingerprint(), Data: []byte(data),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(*testing.T, es.Store)
		want  []string
		alone bool // nothing else is found
	}{
		"a snapshot with another balance": {
			saveSnapshot(`{"Owner":"Owner of ada","Currency":"EUR","Balance":999,"Overdraft":0,"Closed":false}`),
			[]string{"account-ada", "Balance: 800 → 799"}, true,
		},
		"a snapshot that can't be read": {
			saveSnapshot(`{"Owner":7}`),
			[]string{"account-ada", "snapshot", "version 2"}, true,
		},
		"an event of an unknown type": {
			func(t *testing.T, store es.Store) { write(t, store, "ada", "account.frozen", 1, `{}`) },
			[]string{"account-ada", "version 4", "account.frozen"}, true,
		},
		"an event that can't be read": {
			func(t *testing.T, store es.Store) { write(t, store, "ada", "account.deposited", 1, `{"amount":"1"}`) },
			[]string{"account-ada", "version 4", "amount"}, true,
		},
		"a transfer that nobody received": {
			func(t *testing.T, store es.Store) {
				write(t, store, "ada", "account.transfer_sent", 1, `{"to":"bob","amount":100}`)
			},
			[]string{"3.00 EUR were sent, but 2.00 EUR received", "the balances add up to 9.00 EUR"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, store := newBank(t, open("ada", 0), deposit("ada", 10_00), open("bob", 0), transfer("ada", "bob", 2_00))
			expectRight(t, b)
			c.spoil(t, store)
			books, err := b.Verify(t.Context(), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(books.Wrong) == 0 || c.alone && len(books.Wrong) > 1 {
				t.Errorf("verify has %d findings", len(books.Wrong))
			}
			var text strings.Builder
			for _, finding := range books.Wrong {
				text.WriteString(finding.String() + "\n")
			}
			for _, want := range c.want {
				if !strings.Contains(text.String(), want) {
					t.Errorf("verify finds\n\t%swant it to have %q", text.String(), want)
				}
			}
		})
	}
}

func TestVerifyCountsWhatItSaw(t *testing.T) {
	t.Parallel()
	b, _ := newBank(t, open("ada", 0), open("bob", 0), operation.Request{Kind: operation.Open, Account: "kenji", Owner: "Kenji", Overdraft: yen(0)},
		operation.Request{Kind: operation.Deposit, Account: "kenji", Amount: yen(7)})
	for range bank.SnapshotEvery {
		mustDo(t, b, deposit("ada", 3))
	}
	mustDo(t, b, transfer("ada", "bob", 100))
	mustDo(t, b, withdraw("bob", 50))
	if _, _, err := b.Settle(t.Context(), "row-1", deposit("ada", 1), false); err != nil {
		t.Fatal(err)
	}
	last := 0
	books, err := b.Verify(t.Context(), "", func(read, of int) { last = max(last, read) })
	if err != nil {
		t.Fatal(err)
	}
	const events = 4 + bank.SnapshotEvery + 2 + 1 + 2
	if books.Accounts != 3 || books.Operations != 1 || books.Events != events || books.Snapshots != 1 || last != events || len(books.Currencies) != 2 {
		t.Errorf("the books are %+v (progress %d), want 3 accounts, 1 operation, %d events, 1 snapshot, 2 currencies", books, last, events)
	}
	for i, want := range []string{
		"2 accounts, 3.01 EUR deposited, 0.50 EUR withdrawn, 2.51 EUR left, 1.00 EUR sent, 1.00 EUR received",
		"1 accounts, 7 JPY deposited, 0 JPY withdrawn, 7 JPY left, 0 JPY sent, 0 JPY received",
	} {
		c := books.Currencies[i]
		if got := sprintTurnover(c); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	if books, err := b.Verify(t.Context(), "b", nil); err != nil || books.Accounts != 1 || books.Operations != 0 {
		t.Errorf("with a prefix: %+v, %v; want bob alone", books, err)
	}
}

// failing is a store of which one kind of read fails.
type failing struct {
	es.Store
	read, load error
}

func (f failing) Unwrap() es.Store { return f.Store }

func (f failing) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	if f.read != nil {
		return func(yield func(es.Recorded, error) bool) { yield(es.Recorded{}, f.read) }
	}
	return f.Store.Read(ctx, q)
}

func (f failing) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	if f.load != nil {
		return func(yield func(es.Row, error) bool) { yield(es.Row{}, f.load) }
	}
	return f.Store.Load(ctx, q)
}

func TestAStoreThatCannotBeReadIsNoFinding(t *testing.T) {
	t.Parallel()
	_, store := newBank(t, open("ada", 0))
	broken := errors.New("disk gone")
	for _, f := range []failing{{Store: store, read: broken}, {Store: store, load: broken}} {
		if books, err := bank.New(f, nil).Verify(t.Context(), "", nil); !errors.Is(err, broken) {
			t.Errorf("verify returns %+v, %v; want %v", books, err, broken)
		}
	}
}
