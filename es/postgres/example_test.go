package postgres_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func ExampleOpen() {
	ctx := context.Background()
	url := pgtest.URL() // such as postgres://app@db1,db2/bank

	store, err := postgres.Open(ctx, url, postgres.Schema("example_open"))
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

// An event and a row of the application's own commit together.
func ExampleStore_AppendTx() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, pgtest.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.New(ctx, pool, postgres.Schema("example_append_tx"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := pool.Exec(ctx, "CREATE TABLE owners (account text PRIMARY KEY, name text)"); err != nil {
		log.Fatal(err)
	}

	account := es.Stream{Category: "account", ID: "1"}
	opened := es.Event{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Ada"}`)}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO owners VALUES ($1, $2)", account.ID, "Ada"); err != nil {
			return err
		}
		// Last, and committed at once: until then the feed waits for it, as do appends to the stream.
		_, err := store.AppendTx(ctx, tx, es.Write{Stream: account, Expect: es.NoStream, Events: []es.Event{opened}})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	store.Notify() // wakes those who watch

	head, err := store.Head(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the feed is at position", head)
	// Output: the feed is at position 1
}

// A reader follows the feed: it reads what there is, and waits for the next signal.
func ExampleStore_Watch() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store, err := postgres.Open(ctx, pgtest.URL(), postgres.Schema("example_watch"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	var writer sync.WaitGroup // may as well be another process
	defer writer.Wait()
	writer.Go(func() {
		for i := range 3 {
			_, err := store.Append(context.Background(), es.Write{Stream: es.Stream{Category: "account", ID: "1"}, Expect: es.Exactly(es.Version(i)),
				Events: []es.Event{{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: fmt.Appendf(nil, `{"amount":%d}`, 100*i)}}})
			if err != nil {
				log.Fatal(err)
			}
		}
	})

	var after es.Position // kept by SaveCheckpoint, or beside what the reader makes
	for range store.Watch(ctx) {
		for rec, err := range store.ReadAll(ctx, es.FeedQuery{After: after, Scanned: &after}) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(rec.Version, string(rec.Data))
			if rec.Version == 3 {
				stop()
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	// Output:
	// 1 {"amount":0}
	// 2 {"amount":100}
	// 3 {"amount":200}
}
