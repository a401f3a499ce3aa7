package projection_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/sqlite"
)

// A read model in the store's own file, which counts the events of each stream.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	counts, err := projection.New(store, projection.Definition[*sql.Tx]{
		Name: "counts", Version: 1,
		Create: func(ctx context.Context, tx *sql.Tx, version int) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf("CREATE TABLE counts_%d (stream TEXT PRIMARY KEY, n INTEGER NOT NULL)", version))
			return err
		},
		Handle: func(ctx context.Context, tx *sql.Tx, version int, events []es.Recorded) error {
			for _, rec := range events {
				if _, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO counts_%d VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1", version), rec.Stream.String()); err != nil {
					return err
				}
			}
			return nil
		},
		Drop: func(ctx context.Context, tx *sql.Tx, version int) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf("DROP TABLE counts_%d", version))
			return err
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- counts.Run(ctx) }()

	receipt, err := store.Append(ctx, es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.NoStream, Events: []es.Event{
		{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{}`)},
		{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: []byte(`{"amount":5}`)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	if err := counts.WaitFor(ctx, receipt.Streams[0].Position); err != nil { // read your own write
		log.Fatal(err)
	}
	err = counts.View(ctx, func(ctx context.Context, tx *sql.Tx, version int) error {
		var n int
		err := tx.QueryRowContext(ctx, fmt.Sprintf("SELECT n FROM counts_%d WHERE stream = 'account-ada'", version)).Scan(&n)
		fmt.Printf("version %d has counted %d events\n", version, n)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output: version 1 has counted 2 events
}
