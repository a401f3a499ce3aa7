package aggregate_test

import (
	"fmt"
	"log"

	"github.com/esgen-go/esgen/internal/fixture/account"
)

// An aggregate is made with its generated New, which gives it its id. Its version counts what is stored, and not what was
// recorded since.
func ExampleRoot() {
	a := account.New("0192") // type Account struct { aggregate.Root; … }
	if err := a.Deposit(500); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.ID(), a.Version(), a.Balance)
	// Output: 0192 0 500
}
