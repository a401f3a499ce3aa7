package memory_test

import (
	"context"
	"fmt"
	"log"

	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

// A repository does not notice which store it has, so that tests do without a file.
func Example() {
	ctx := context.Background()
	accounts := account.NewRepository(memory.New())
	if err := accounts.Create(ctx, "1", func(a *account.Account) error { return a.Deposit(500) }); err != nil {
		log.Fatal(err)
	}
	a, err := accounts.Load(ctx, "1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Balance)
	// Output: 500
}
