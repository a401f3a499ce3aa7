package account_test

import (
	"math"
	"testing"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/money"
)

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

var opened = account.Opened{Owner: "Ada", Currency: "EUR", Overdraft: 50_00}

type command = func(*account.Account) error

// given returns a case of account ada with a history.
func given(t *testing.T, events ...any) *aggregatetest.Case[account.Account] {
	t.Helper()
	return aggregatetest.Given(t, account.New("ada"), events...)
}

func TestCommandsRecordWhatHappened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given   []any
		when    command
		then    any
		balance int64
	}{
		"an account is opened": {
			nil,
			func(a *account.Account) error { return a.Open("Ada", eur(50_00)) },
			opened, 0,
		},
		"money is paid in": {
			[]any{opened},
			func(a *account.Account) error { return a.Deposit(eur(12_34), "salary") },
			account.Deposited{Amount: 12_34, Note: "salary"}, 12_34,
		},
		"money is paid out": {
			[]any{opened, account.Deposited{Amount: 20_00}},
			func(a *account.Account) error { return a.Withdraw(eur(12_34), "cash") },
			account.Withdrawn{Amount: 12_34, Note: "cash"}, 7_66,
		},
		"a balance may go down to the overdraft limit": {
			[]any{opened, account.Deposited{Amount: 20_00}},
			func(a *account.Account) error { return a.Withdraw(eur(70_00), "") },
			account.Withdrawn{Amount: 70_00}, -50_00,
		},
		"a balance may go up to the largest integer": {
			[]any{opened, account.Deposited{Amount: 7}},
			func(a *account.Account) error { return a.Deposit(eur(math.MaxInt64-7), "") },
			account.Deposited{Amount: math.MaxInt64 - 7}, math.MaxInt64,
		},
		"the largest balance can be paid out": {
			[]any{opened, account.Deposited{Amount: math.MaxInt64}},
			func(a *account.Account) error { return a.Withdraw(eur(math.MaxInt64), "") },
			account.Withdrawn{Amount: math.MaxInt64}, 0,
		},
		"a transfer is sent": {
			[]any{opened, account.Deposited{Amount: 20_00}},
			func(a *account.Account) error { return a.SendTransfer("bob", eur(5_00), "rent") },
			account.TransferSent{To: "bob", Amount: 5_00, Note: "rent"}, 15_00,
		},
		"a transfer is received": {
			[]any{opened},
			func(a *account.Account) error { return a.ReceiveTransfer("bob", eur(5_00), "rent") },
			account.TransferReceived{From: "bob", Amount: 5_00, Note: "rent"}, 5_00,
		},
		"an empty account is closed": {
			[]any{opened, account.Deposited{Amount: 20_00}, account.Withdrawn{Amount: 20_00}},
			(*account.Account).Close,
			account.Closed{}, 0,
		},
		"an account of the first build goes on": {
			[]any{event(t, "account.opened.v1"), event(t, "account.adjusted.v1"), event(t, "account.adjusted.v1.zero")},
			func(a *account.Account) error { return a.Withdraw(eur(100_00), "") },
			account.Withdrawn{Amount: 100_00}, 20_00,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, c.given...).When(c.when).Then(c.then).ThenState(func(t testing.TB, a *account.Account) {
				if a.Balance != c.balance {
					t.Errorf("the balance is %d, want %d", a.Balance, c.balance)
				}
			})
		})
	}
}

func TestCommandsAreRefused(t *testing.T) {
	t.Parallel()
	var (
		deposit  = func(m money.Amount) command { return func(a *account.Account) error { return a.Deposit(m, "") } }
		withdraw = func(m money.Amount) command { return func(a *account.Account) error { return a.Withdraw(m, "") } }
		send     = func(to string, m money.Amount) command {
			return func(a *account.Account) error { return a.SendTransfer(to, m, "") }
		}
		receive = func(from string, m money.Amount) command {
			return func(a *account.Account) error { return a.ReceiveTransfer(from, m, "") }
		}
		open = func(owner string, m money.Amount) command {
			return func(a *account.Account) error { return a.Open(owner, m) }
		}
		unopened = []any{}
		empty    = []any{opened}
		rich     = []any{opened, account.Deposited{Amount: math.MaxInt64}}
		closed   = []any{opened, account.Closed{}}
	)
	for name, c := range map[string]struct {
		given []any
		when  command
		want  error
		text  string
	}{
		"double open":               {empty, open("Ada", eur(0)), account.ErrAlreadyOpen, "account ada: cannot open: it is already open: choose another id"},
		"open after close":          {closed, open("Ada", eur(0)), account.ErrAlreadyOpen, ""},
		"open without owner":        {unopened, open("", eur(0)), account.ErrNoOwner, ""},
		"open in unknown currency":  {unopened, open("Ada", money.New(0, "XXX")), account.ErrUnknownCurrency, ""},
		"open with negative limit":  {unopened, open("Ada", eur(-1)), account.ErrNegativeOverdraft, ""},
		"deposit to no account":     {unopened, deposit(eur(1)), account.ErrNotOpen, "account ada: cannot deposit 0.01 EUR: there is no such account: open it first"},
		"withdraw from no account":  {unopened, withdraw(eur(1)), account.ErrNotOpen, ""},
		"send from no account":      {unopened, send("bob", eur(1)), account.ErrNotOpen, ""},
		"receive on no account":     {unopened, receive("bob", eur(1)), account.ErrNotOpen, ""},
		"close no account":          {unopened, (*account.Account).Close, account.ErrNotOpen, ""},
		"deposit nothing":           {empty, deposit(eur(0)), account.ErrNotPositive, "account ada: cannot deposit 0.00 EUR: the amount must be more than zero"},
		"deposit less than nothing": {empty, deposit(eur(-1)), account.ErrNotPositive, ""},
		"withdraw nothing":          {empty, withdraw(eur(0)), account.ErrNotPositive, ""},
		"withdraw less than that":   {empty, withdraw(eur(math.MinInt64)), account.ErrNotPositive, ""},
		"send less than nothing":    {empty, send("bob", eur(-1)), account.ErrNotPositive, ""},
		"receive less than nothing": {empty, receive("bob", eur(-1)), account.ErrNotPositive, ""},
		"deposit dollars":           {empty, deposit(money.New(1, "USD")), account.ErrOtherCurrency, "account ada: cannot deposit 0.01 USD: the account is in EUR, the amount in USD, and the bank does not exchange"},
		"withdraw dollars":          {empty, withdraw(money.New(1, "USD")), account.ErrOtherCurrency, ""},
		"send dollars":              {empty, send("bob", money.New(1, "USD")), account.ErrOtherCurrency, ""},
		"receive dollars":           {empty, receive("bob", money.New(1, "USD")), account.ErrOtherCurrency, ""},
		"deposit too much":          {rich, deposit(eur(1)), account.ErrOverflow, "account ada: cannot deposit 0.01 EUR: the balance of 92233720368547758.07 EUR would become more than the bank can count (92233720368547758.07 EUR)"},
		"receive too much":          {rich, receive("bob", eur(1)), account.ErrOverflow, ""},
		"withdraw too much":         {empty, withdraw(eur(50_01)), account.ErrInsufficientFunds, "account ada: cannot withdraw 50.01 EUR: insufficient funds: the balance is 0.00 EUR and the overdraft limit 50.00 EUR, so 50.00 EUR can be paid out"},
		"send too much":             {empty, send("bob", eur(50_01)), account.ErrInsufficientFunds, ""},
		"send to itself":            {rich, send("ada", eur(1)), account.ErrSameAccount, ""},
		"receive from itself":       {empty, receive("ada", eur(1)), account.ErrSameAccount, ""},
		"deposit after close":       {closed, deposit(eur(1)), account.ErrClosed, ""},
		"withdraw after close":      {closed, withdraw(eur(1)), account.ErrClosed, ""},
		"send after close":          {closed, send("bob", eur(1)), account.ErrClosed, ""},
		"receive after close":       {closed, receive("bob", eur(1)), account.ErrClosed, ""},
		"close twice":               {closed, (*account.Account).Close, account.ErrClosed, "account ada: cannot close: the account is closed"},
		"close with money":          {rich, (*account.Account).Close, account.ErrNotEmpty, "account ada: cannot close: the balance is 92233720368547758.07 EUR: pay it out first"},
		"close with debts":          {[]any{opened, account.Withdrawn{Amount: 1}}, (*account.Account).Close, account.ErrNotEmpty, "account ada: cannot close: the balance is -0.01 EUR: pay it in first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refusal *account.Error
			given(t, c.given...).When(c.when).ThenError(c.want).ThenErrorAs(&refusal)
			if refusal != nil && refusal.Account != "ada" {
				t.Errorf("the error names account %q", refusal.Account)
			}
			if refusal != nil && c.text != "" && refusal.Error() != c.text {
				t.Errorf("it reads\n\t%v\nwant\n\t%s", refusal, c.text)
			}
		})
	}
}

func TestInsufficientFundsTellsTheAmounts(t *testing.T) {
	t.Parallel()
	var funds *account.FundsError
	given(t, opened, account.Deposited{Amount: 20_00}).
		When(func(a *account.Account) error { return a.Withdraw(eur(70_01), "") }).
		ThenErrorAs(&funds)
	want := account.FundsError{Amount: eur(70_01), Balance: eur(20_00), Overdraft: eur(50_00), Available: eur(70_00)}
	if funds != nil && *funds != want {
		t.Errorf("got %+v, want %+v", funds, want)
	}
}

func TestWhatIsAvailableNeverOverflows(t *testing.T) {
	t.Parallel()
	a := account.New("ada")
	a.Currency, a.Overdraft = "EUR", math.MaxInt64
	for balance, want := range map[int64]int64{
		0: math.MaxInt64, 1: math.MaxInt64, math.MaxInt64: math.MaxInt64, -1: math.MaxInt64 - 1, -math.MaxInt64: 0,
	} {
		a.Balance = balance
		if got := a.Available(); got != eur(want) {
			t.Errorf("with a balance of %d %v is available, want %v", balance, got, eur(want))
		}
	}
}
