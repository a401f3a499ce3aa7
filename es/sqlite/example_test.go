package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/sqlite"
)

var (
	ctx     = context.Background()
	account = es.Stream{Category: "account", ID: "1"}
)

func opened() es.Event {
	return es.Event{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Ada"}`)}
}

// tempDir is for the examples; a program names a file of its own.
func tempDir() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// example opens a store that goes with its directory.
func example() (store *sqlite.Store, end func()) {
	dir, remove := tempDir()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "bank.db"))
	if err != nil {
		log.Fatal(err)
	}
	return store, func() { _ = store.Close(); remove() }
}

func Example() {
	dir, remove := tempDir()
	defer remove()

	store, err := sqlite.Open(ctx, filepath.Join(dir, "bank.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	if _, err := store.Append(ctx, es.Write{Stream: account, Expect: es.NoStream, Events: []es.Event{opened()}}); err != nil {
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

// A backup is a store of its own, taken while the other goes on.
func ExampleStore_Backup() {
	store, end := example()
	defer end()
	if _, err := store.Append(ctx, es.Write{Stream: account, Expect: es.NoStream, Events: []es.Event{opened()}}); err != nil {
		log.Fatal(err)
	}

	backup := filepath.Join(filepath.Dir(store.Path()), "bank-2026-06-30.db")
	if err := store.Backup(ctx, backup); err != nil {
		log.Fatal(err)
	}

	restored, err := sqlite.Open(ctx, backup)
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	fmt.Println(restored.Head(ctx))
	// Output: 1 <nil>
}

// Rows of the program's own are written together with events: both or neither.
func ExampleStore_InTx() {
	store, end := example()
	defer end()
	err := store.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE letters (account TEXT NOT NULL, text TEXT NOT NULL)")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	err = store.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := store.AppendTx(ctx, tx, es.Write{Stream: account, Expect: es.NoStream, Events: []es.Event{opened()}})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO letters VALUES (?, ?)", account.ID, "Welcome")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	err = store.ReadTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var letters, events int
		err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM letters), (SELECT count(*) FROM events)").Scan(&letters, &events)
		fmt.Println(letters, "letter and", events, "event")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 1 letter and 1 event
}

// Tests, and imports that can be repeated, may trade the last moments before a loss of power for speed.
func ExampleWithDurability() {
	dir, remove := tempDir()
	defer remove()
	store, err := sqlite.Open(ctx, filepath.Join(dir, "import.db"), sqlite.WithDurability(sqlite.Relaxed))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

// All events of a store can be copied to another, of any engine. Sent again, they change nothing: so a copy that
// broke off is begun again.
func ExampleStore_ReadAll() {
	store, end := example()
	defer end()
	for i := range 3 {
		if _, err := store.Append(ctx, es.Write{Stream: account, Expect: es.Exactly(es.Version(i)), Events: []es.Event{opened()}}); err != nil {
			log.Fatal(err)
		}
	}

	other := memory.New()
	for rec, err := range store.ReadAll(ctx, es.FeedQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		_, err := other.Append(ctx, es.Write{Stream: rec.Stream, Expect: es.Exactly(rec.Version - 1), Events: []es.Event{rec.Event}})
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(other.Head(ctx))
	// Output: 3 <nil>
}
