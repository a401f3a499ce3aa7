package upcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/upcast"
)

// An old event is read as today's, here as two; one that this build doesn't know ends the load.
func Example() {
	ctx := context.Background()
	store := memory.New()
	stored := func(expect es.Expected, typ string, schema int, data string) {
		_, err := store.Append(ctx, es.Write{Stream: es.Stream{Category: "account", ID: "1"}, Expect: expect, Events: []es.Event{
			{ID: es.NewID(), Type: typ, Schema: schema, Data: []byte(data)},
		}})
		if err != nil {
			log.Fatal(err)
		}
	}
	accounts := account.NewRepository(store)

	stored(es.NoStream, "account.opened", 1, `{"owner":"Ann","initial":500}`)
	a, err := accounts.Load(ctx, "1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Owner, a.Currency, a.Balance, "at version", a.Version())

	stored(es.Exactly(1), "account.opened", 3, `{}`)
	_, err = accounts.Load(ctx, "1")
	fmt.Println(errors.Is(err, upcast.ErrUnknownSchema))
	if unread, ok := errors.AsType[*es.EventError](err); ok {
		fmt.Println(unread.Stream, unread.Version, unread.Type, unread.Schema)
	}
	// Output:
	// Ann EUR 500 at version 1
	// true
	// account-1 2 account.opened 3
}
