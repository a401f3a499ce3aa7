package aggregatetest_test

import (
	"testing"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

func Example() {
	t := new(testing.T) // that of the test

	aggregatetest.Given(t, account.New("1"), account.Opened{Owner: "Ann", Currency: "EUR"}).
		When(func(a *account.Account) error { return a.Deposit(500) }).
		Then(account.Moved{Amount: 500})

	aggregatetest.Given(t, account.New("1"), account.Opened{Owner: "Ann", Currency: "EUR"}).
		When(func(a *account.Account) error { return a.Withdraw(1) }).
		ThenError(account.ErrInsufficient)
}
