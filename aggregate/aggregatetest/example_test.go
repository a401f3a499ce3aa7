package aggregatetest_test

import (
	"fmt"
	"testing"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/es"
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
	fmt.Println("failed:", t.Failed())
	// Output: failed: false
}

// History can be given as it was stored, such as in an older schema version.
func ExampleGiven() {
	t := new(testing.T) // that of the test

	old := es.Event{Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Ann","initial":500}`)}
	aggregatetest.Given(t, account.New("1"), old).
		When(func(a *account.Account) error { return a.Withdraw(200) }).
		Then(account.Moved{Amount: -200}).
		ThenState(func(t testing.TB, a *account.Account) {
			if a.Balance != 300 {
				t.Errorf("the balance is %d", a.Balance)
			}
		})
	fmt.Println("failed:", t.Failed())
	// Output: failed: false
}
