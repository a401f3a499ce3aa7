package repository_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
	"github.com/esgen-go/esgen/upcast"
)

func TestLoadOfAMissingStreamIsNotFoundAndNamesIt(t *testing.T) {
	t.Parallel()
	_, err := account.NewRepository(memory.New()).Load(t.Context(), "7")
	wantIs(t, err, es.ErrNotFound)
	if !strings.Contains(err.Error(), "loading account-7") {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefusesAnIDThatNoStoreTakes(t *testing.T) {
	t.Parallel()
	_, err := account.NewRepository(memory.New()).Load(t.Context(), "")
	wantIs(t, err, es.ErrInvalidStream)
}

func TestARepositoryWithoutAStoreSaysSo(t *testing.T) {
	t.Parallel()
	accounts := account.NewRepository(nil)
	_, loadErr := accounts.Load(t.Context(), "1")
	a := account.New("1")
	noError(t, a.Open("Ann", opened))
	_, saveErr := accounts.Save(t.Context(), a)
	for name, err := range map[string]error{
		"Load": loadErr, "Save": saveErr, "Create": accounts.Create(t.Context(), "1", open), "Verify": accounts.Verify(t.Context(), "1"),
	} {
		if err == nil || !strings.Contains(err.Error(), "store is nil") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := accounts.Load(ctx, "1")
	wantIs(t, err, context.Canceled)
}

func TestLoadAtVersionAndAsOfShowThePast(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store, repository.SnapshotEvery(2))
	for range 4 {
		noError(t, accounts.Update(t.Context(), "1", deposit(10)))
		time.Sleep(time.Millisecond) // so that the store's clock moves on
	}
	at := func(v es.Version) time.Time { return stored(t, store, stream("1"))[v-1].RecordedAt }
	for name, c := range map[string]struct {
		opts    []repository.LoadOption
		version es.Version // 0: not found
	}{
		"the first version":             {[]repository.LoadOption{repository.AtVersion(1)}, 1},
		"a version before the snapshot": {[]repository.LoadOption{repository.AtVersion(3)}, 3},
		"the latest version":            {[]repository.LoadOption{repository.AtVersion(5)}, 5},
		"a version to come":             {[]repository.LoadOption{repository.AtVersion(6)}, 0},
		"the time of an event":          {[]repository.LoadOption{repository.AsOf(at(3))}, 3},
		"a time between events":         {[]repository.LoadOption{repository.AsOf(at(4).Add(-time.Microsecond))}, 3},
		"a time after all":              {[]repository.LoadOption{repository.AsOf(at(5).Add(time.Hour))}, 5},
		"a time before the first":       {[]repository.LoadOption{repository.AsOf(at(1).Add(-time.Microsecond))}, 0},
		"both, the version first":       {[]repository.LoadOption{repository.AtVersion(2), repository.AsOf(at(4))}, 2},
		"both, the time first":          {[]repository.LoadOption{repository.AtVersion(4), repository.AsOf(at(2))}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := accounts.Load(t.Context(), "1", c.opts...)
			if c.version == 0 {
				wantIs(t, err, es.ErrNotFound)
				return
			}
			noError(t, err)
			if a.Version() != c.version || a.Balance != 10*int64(c.version-1) {
				t.Errorf("got %d at version %d, want version %d", a.Balance, a.Version(), c.version)
			}
		})
	}
}

func TestLoadRefusesAPastThatIsNotGiven(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	for name, opt := range map[string]repository.LoadOption{
		"version 0":     repository.AtVersion(0),
		"the zero time": repository.AsOf(time.Time{}),
	} {
		if _, err := accounts.Load(t.Context(), "1", opt); err == nil || errors.Is(err, es.ErrNotFound) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnAggregateOfThePastCanNotBeSaved(t *testing.T) {
	t.Parallel()
	accounts := withAccount(t, memory.New())
	for name, opt := range map[string]repository.LoadOption{
		"at version": repository.AtVersion(1),
		"as of":      repository.AsOf(time.Now().Add(time.Hour)),
	} {
		a, err := accounts.Load(t.Context(), "1", opt)
		noError(t, err)
		_, err = accounts.Save(t.Context(), a)
		noError(t, err) // nothing to be saved
		noError(t, a.Deposit(5))
		_, err = accounts.Save(t.Context(), a)
		wantIs(t, err, repository.ErrHistorical)
		if !strings.Contains(err.Error(), "account-1") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	wantAccount(t, accounts, "1", 0, 1)
}

func TestLoadTakesOldVersionsThroughTheirUpcasters(t *testing.T) {
	t.Parallel()
	store := memory.New()
	appendStored(t, store, es.NoStream,
		es.Event{Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Old","initial":40}`)},
		es.Event{Type: "account.moved", Schema: 1, Data: []byte(`{"amount":2}`)})
	a := load(t, account.NewRepository(store), "1")
	if a.Owner != "Old" || a.Currency != "EUR" || a.Balance != 42 || a.Version() != 2 {
		t.Errorf("got %+v: a split event counts as one version", a)
	}
}

func TestAnEventThatCanNotBeReadIsNeverSkipped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event  es.Event
		reason error
		want   string
	}{
		"unknown type": {
			es.Event{Type: "account.vanished", Schema: 1, Data: []byte(`{}`)}, upcast.ErrUnknownType,
			`reading account-1 at version 2 (account.vanished, schema version 1): unknown event type "account.vanished"`,
		},
		"newer schema version": {
			es.Event{Type: "account.moved", Schema: 9, Data: []byte(`{}`)}, upcast.ErrUnknownSchema,
			"reading account-1 at version 2 (account.moved, schema version 9): unknown schema version 9",
		},
		"data that does not decode": {
			es.Event{Type: "account.moved", Schema: 1, Data: []byte(`[]`)}, nil,
			"reading account-1 at version 2 (account.moved, schema version 1): decode at byte 0: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			var told []error
			accounts := withAccount(t, store, repository.SnapshotEvery(1), hook(&told))
			appendStored(t, store, es.Exactly(1), c.event, es.Event{Type: "account.moved", Schema: 1, Data: []byte(`{"amount":2}`)})
			_, err := accounts.Load(t.Context(), "1")
			failed, ok := errors.AsType[*es.EventError](err)
			if !ok || failed.Stream != stream("1") || failed.Version != 2 || failed.Type != c.event.Type || failed.Schema != c.event.Schema {
				t.Fatalf("got %#v", err)
			}
			if c.reason != nil {
				wantIs(t, err, c.reason)
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s…", err, c.want)
			}
			if err := accounts.Update(t.Context(), "1", deposit(1)); !errors.As(err, &failed) {
				t.Errorf("Update: got %v", err)
			}
			if len(told) > 0 {
				t.Errorf("it was taken for a failed snapshot: %v", told)
			}
		})
	}
}

// gappy loses the second row of a load.
type gappy struct{ es.Store }

func (g gappy) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return func(yield func(es.Row, error) bool) {
		for row, err := range g.Store.Load(ctx, q) {
			if row.Version != 2 && !yield(row, err) {
				return
			}
		}
	}
}

func TestLoadRefusesAStreamWithAGap(t *testing.T) {
	t.Parallel()
	store := memory.New()
	accounts := withAccount(t, store)
	noError(t, accounts.Update(t.Context(), "1", deposit(1)))
	noError(t, accounts.Update(t.Context(), "1", deposit(1)))
	_, err := account.NewRepository(gappy{store}).Load(t.Context(), "1")
	if err == nil || !strings.Contains(err.Error(), "version 3 after version 1") {
		t.Errorf("got %v", err)
	}
}
