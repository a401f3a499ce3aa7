package account_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/examples/bank/account"
)

// Every file in testdata/stored holds an event as some build of the bank wrote it, named by type, schema version
// and, where there are several, what is special. They are never changed: the bank must read them for ever.

type stored struct {
	file string
	want []account.AccountEvent
}

var storedEvents = []stored{
	{"account.opened.v1", []account.AccountEvent{account.Opened{Owner: "Ada Lovelace", Currency: "EUR"}}},
	{"account.opened.v2", []account.AccountEvent{account.Opened{Owner: "Ada Lovelace", Currency: "GBP"}}},
	{"account.opened.v3", []account.AccountEvent{account.Opened{Owner: "Ada Lovelace", Currency: "GBP", Overdraft: 50000}}},
	{"account.adjusted.v1", []account.AccountEvent{account.Deposited{Amount: 12000}}},
	{"account.adjusted.v1.negative", []account.AccountEvent{account.Withdrawn{Amount: 2500}}},
	{"account.adjusted.v1.zero", nil},
	{"account.adjusted.v1.fee", []account.AccountEvent{account.Withdrawn{Amount: 4000}, account.Withdrawn{Amount: 150, Note: "fee"}}},
	{"account.deposited.v1", []account.AccountEvent{account.Deposited{Amount: 1234}}},
	{"account.deposited.v1.note", []account.AccountEvent{account.Deposited{Amount: 1234, Note: "salary <June> – über"}}},
	{"account.withdrawn.v1", []account.AccountEvent{account.Withdrawn{Amount: 500, Note: "cash"}}},
	{"account.transfer_sent.v1", []account.AccountEvent{account.TransferSent{To: "bob", Amount: 250, Note: "rent"}}},
	{"account.transfer_received.v1", []account.AccountEvent{account.TransferReceived{From: "bob", Amount: 250}}},
	{"account.closed.v1", []account.AccountEvent{account.Closed{}}},
}

// event returns the stored event in a file.
func event(t *testing.T, file string) es.Event {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "stored", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(file, ".")
	schema, err := strconv.Atoi(strings.TrimPrefix(parts[2], "v"))
	if err != nil {
		t.Fatal(err)
	}
	return es.Event{ID: es.NewID(), Type: parts[0] + "." + parts[1], Schema: schema, Data: data}
}

func TestEveryStoredEventIsReadAsTheLatest(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stored/*.json")
	if err != nil || len(files) != len(storedEvents) {
		t.Errorf("testdata/stored has %d files (%v), and %d are tested", len(files), err, len(storedEvents))
	}
	for _, s := range storedEvents {
		got, err := account.Decode(es.Recorded{Event: event(t, s.file), Stream: es.Stream{Category: "account", ID: "ada"}, Version: 1})
		if err != nil {
			t.Errorf("%s: %v", s.file, err)
			continue
		}
		if len(got) != len(s.want) || len(got) > 0 && !reflect.DeepEqual(got, s.want) {
			t.Errorf("%s is read as %#v, want %#v", s.file, got, s.want)
		}
	}
}

func TestAccountsOfOldBuildsFoldToTheirState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files []string
		want  account.Account // but for the Root
	}{
		"when the bank knew euros only": {
			[]string{"account.opened.v1", "account.adjusted.v1", "account.adjusted.v1.negative", "account.adjusted.v1.zero"},
			account.Account{Owner: "Ada Lovelace", Currency: "EUR", Balance: 9500},
		},
		"when there was no overdraft": {
			[]string{"account.opened.v2", "account.adjusted.v1", "account.adjusted.v1.fee", "account.deposited.v1"},
			account.Account{Owner: "Ada Lovelace", Currency: "GBP", Balance: 9084},
		},
		"today": {
			[]string{"account.opened.v3", "account.deposited.v1.note", "account.withdrawn.v1", "account.transfer_sent.v1", "account.transfer_received.v1", "account.closed.v1"},
			account.Account{Owner: "Ada Lovelace", Currency: "GBP", Balance: 734, Overdraft: 50000, Closed: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, store := context.Background(), memory.New()
			w := es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.NoStream}
			for _, file := range c.files {
				w.Events = append(w.Events, event(t, file))
			}
			if _, err := store.Append(ctx, w); err != nil {
				t.Fatal(err)
			}
			got, err := account.NewRepository(store).Load(ctx, "ada")
			if err != nil {
				t.Fatal(err)
			}
			if int(got.Version()) != len(c.files) {
				t.Errorf("it is at version %d, want that of the last stored event, %d", got.Version(), len(c.files))
			}
			c.want.Root = got.Root
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got %+v, want %+v", *got, c.want)
			}
		})
	}
}
