package aggregatetest_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

var opened = account.Opened{Owner: "Ann", Currency: "EUR", At: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)}

func deposit(amount int64) func(*account.Account) error {
	return func(a *account.Account) error { return a.Deposit(amount) }
}

func nothing(*account.Account) error { return nil }

func TestGivenWhenThen(t *testing.T) {
	t.Parallel()
	aggregatetest.Given(t, account.New("1")).
		When(func(a *account.Account) error { return a.Open("Ann", opened.At) }).
		Then(opened)
	aggregatetest.Given(t, account.New("1"), opened, account.Moved{Amount: 5}).
		When(deposit(7)).
		Then(account.Moved{Amount: 7}).
		ThenState(func(t testing.TB, a *account.Account) {
			if a.Balance != 12 || a.Owner != "Ann" || a.Version() != 2 {
				t.Errorf("got %+v", a)
			}
		})
	aggregatetest.Given(t, account.New("1"), opened).When(nothing).ThenNothing()
	aggregatetest.Given(t, account.New("1"), opened).
		When(func(a *account.Account) error { return a.Withdraw(1) }).
		ThenError(account.ErrInsufficient)
	var conflict *es.ConflictError
	aggregatetest.Given(t, account.New("1")).
		When(func(*account.Account) error { return fmt.Errorf("wrapped: %w", &es.ConflictError{Actual: 3}) }).
		ThenErrorAs(&conflict)
	if conflict == nil || conflict.Actual != 3 {
		t.Errorf("ThenErrorAs set %v", conflict)
	}
}

func TestGivenTakesEventsAsTheyAreStored(t *testing.T) {
	t.Parallel()
	old := es.Event{Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Old","initial":40}`)}
	aggregatetest.Given(t, account.New("1"), old).
		When(func(a *account.Account) error { return a.Withdraw(30) }).
		Then(account.Moved{Amount: -30})
}

// versions notes which versions were replayed.
type versions struct {
	aggregate.Type[account.Account]
	replayed *[]es.Version
}

func (v versions) Replay(a *account.Account, row es.Row) error {
	*v.replayed = append(*v.replayed, row.Version)
	return v.Type.Replay(a, row)
}

func TestWhatIsRecordedIsReplayedWithTheVersionsItWillHave(t *testing.T) {
	t.Parallel()
	a, replayed := account.New("1"), []es.Version{}
	typ, _ := aggregate.TypeOf(a)
	aggregate.Init(typ.Root(a), "1", versions{typ, &replayed})
	given := aggregatetest.Given(t, a, opened, account.Moved{Amount: 5})
	replayed = nil
	given.When(deposit(7)).Then(account.Moved{Amount: 7})
	if !slices.Equal(replayed, []es.Version{1, 2, 3}) {
		t.Errorf("replayed versions %d", replayed)
	}
}

// recorder is a test whose failures are expected.
type recorder struct {
	testing.TB
	log      strings.Builder
	failed   bool
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Failed() bool     { return r.failed }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	fmt.Fprintf(&r.log, format+"\n", args...)
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// record runs a test and returns what it printed when it failed.
func record(t *testing.T, test func(t testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	for _, f := range r.cleanups {
		f()
	}
	return r.log.String()
}

func TestFailuresTellTheWholeCase(t *testing.T) {
	t.Parallel()
	given := func(t testing.TB, events ...any) *aggregatetest.Case[account.Account] {
		return aggregatetest.Given(t, account.New("1"), append([]any{opened}, events...)...)
	}
	for name, c := range map[string]struct {
		test func(t testing.TB)
		want []string
	}{
		"another value": {
			func(t testing.TB) { given(t).When(deposit(50)).Then(account.Moved{Amount: 500}) },
			[]string{
				"event 1, account.moved, amount: 500 → 50",
				"given account-1 with\n\t1. account.opened (version 2) {\"owner\":\"Ann\"",
				"when the command ran, it recorded\n\t1. account.moved (version 1) {\"amount\":50}",
				"want\n\t1. account.moved (version 1) {\"amount\":500}",
			},
		},
		"another event": {
			func(t testing.TB) { given(t).When(deposit(50)).Then(opened) },
			[]string{"event 1: account.opened → account.moved"},
		},
		"an event too few": {
			func(t testing.TB) { given(t).When(nothing).Then(opened) },
			[]string{"event 1: account.opened → none", "it recorded\n\tnothing"},
		},
		"an event too many": {
			func(t testing.TB) { given(t).When(deposit(50)).Then() },
			[]string{"event 1: none → account.moved"},
		},
		"something instead of nothing": {
			func(t testing.TB) { given(t).When(deposit(50)).ThenNothing() },
			[]string{"recorded something", `{"amount":50}`},
		},
		"an error instead of events": {
			func(t testing.TB) { given(t).When(deposit(-1)).Then(account.Moved{Amount: -1}) },
			[]string{"Then: the command failed", "depositing -1: not a positive amount"},
		},
		"an error instead of nothing": {
			func(t testing.TB) { given(t).When(deposit(-1)).ThenNothing() },
			[]string{"ThenNothing: the command failed", "depositing -1: not a positive amount"},
		},
		"no error": {
			func(t testing.TB) { given(t).When(deposit(1)).ThenError(account.ErrInsufficient) },
			[]string{`ThenError: want an error that matches "insufficient funds"`, `{"amount":1}`},
		},
		"another error": {
			func(t testing.TB) { given(t).When(deposit(-1)).ThenError(account.ErrInsufficient) },
			[]string{`ThenError: want an error that matches "insufficient funds"`, "returned the error\n\tdepositing -1"},
		},
		"an error of another type": {
			func(t testing.TB) {
				var conflict *es.ConflictError
				given(t).When(deposit(-1)).ThenErrorAs(&conflict)
			},
			[]string{"ThenErrorAs: want an error that is a *es.ConflictError", "depositing -1"},
		},
		"a state that was changed without an event": {
			func(t testing.TB) {
				given(t).When(func(a *account.Account) error { a.Balance++; return nil }).ThenNothing()
			},
			[]string{"account-1 differs (after the command → replayed from the stored events)", "Balance: 1 → 0", "without an event"},
		},
		"an empty slice that is nil when replayed": {
			func(t testing.TB) {
				given(t).When(func(a *account.Account) error { a.Notes = []string{}; return nil }).ThenNothing()
			},
			[]string{"Notes: [] → null"},
		},
		"an apply body that keeps what is not stored": {
			func(t testing.TB) {
				given(t).When(func(a *account.Account) error { a.Move(account.Moved{Lost: "x"}); return nil }).Then(account.Moved{})
			},
			[]string{`Notes: ["x"] → null`},
		},
		"a recorded event that can't be stored": {
			func(t testing.TB) {
				given(t).When(func(a *account.Account) error { a.Move(account.Moved{Rate: math.NaN()}); return nil }).Then()
			},
			[]string{"recorded event 1, account.Moved, can't be stored", "NaN"},
		},
		"a pointer given": {
			func(t testing.TB) { given(t, &account.Moved{Amount: 1}) },
			[]string{"Given event 2 is a pointer, *account.Moved: events are values: write account.Moved{…} without the &"},
		},
		"a pointer expected": {
			func(t testing.TB) { given(t).When(deposit(1)).Then(&account.Moved{Amount: 1}) },
			[]string{"Then event 1 is a pointer, *account.Moved: events are values"},
		},
		"what is no event": {
			func(t testing.TB) { given(t, 7) },
			[]string{"Given event 2, int, can't be stored: encoding int as an event of an Account"},
		},
		"a stored event that can't be read": {
			func(t testing.TB) { given(t, es.Event{Type: "account.vanished", Schema: 1, Data: []byte("{}")}) },
			[]string{"replaying event 2 of account-1, account.vanished (version 1) {}: unknown event type"},
		},
		"an aggregate that was not made by New": {
			func(t testing.TB) { aggregatetest.Given(t, new(account.Account)) },
			[]string{"account.Account was not made by its generated New"},
		},
		"an aggregate that is not new": {
			func(t testing.TB) {
				a := account.New("1")
				if err := a.Deposit(1); err != nil {
					t.Error(err)
				}
				aggregatetest.Given(t, a)
			},
			[]string{"account-1 is not new"},
		},
		"a When without a Then": {
			func(t testing.TB) { given(t).When(nothing) },
			[]string{"When has no Then"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := record(t, c.test)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the failure does not tell %q:\n%s", want, got)
				}
			}
		})
	}
}
