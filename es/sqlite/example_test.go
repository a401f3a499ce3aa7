package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlite.Open(ctx, filepath.Join(dir, "bank.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	account := es.Stream{Category: "account", ID: "1"}
	opened := es.Event{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Ada"}`)}
	if _, err := store.Append(ctx, es.Write{Stream: account, Expect: es.NoStream, Events: []es.Event{opened}}); err != nil {
		log.Fatal(err)
	}
	for rec, err := range store.Read(ctx, es.ReadQuery{Stream: account}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rec.Version, rec.Type, string(rec.Data))
	}
	// Output: 1 account.opened {"owner":"Ada"}
}
