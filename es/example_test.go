package es_test

import (
	"context"
	"fmt"
	"log"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

// A reader of the feed goes on where its checkpoint says, and stores how far it has
// scanned: also past the events that its filter leaves out.
func ExampleFeed() {
	ctx := context.Background()
	store := memory.New() // or any other
	feed, ok := es.Capability[es.Feed](store)
	if !ok {
		log.Fatal("the store has no feed")
	}
	checkpoints, ok := es.Capability[es.Checkpoints](store)
	if !ok {
		log.Fatal("the store keeps no checkpoints")
	}
	appendEvent := func(category, typ string) {
		_, err := store.Append(ctx, es.Write{
			Stream: es.Stream{Category: category, ID: "1"}, Expect: es.Any,
			Events: []es.Event{{ID: es.NewID(), Type: typ, Schema: 1, Data: []byte(`{}`)}},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	catchUp := func() error {
		after, err := checkpoints.Checkpoint(ctx, "mailer")
		if err != nil {
			return err
		}
		var scanned es.Position
		for rec, err := range feed.ReadAll(ctx, es.FeedQuery{After: after, Categories: []string{"account"}, Scanned: &scanned}) {
			if err != nil { // take both values: an error ends the loop
				return err
			}
			fmt.Println(rec.Position, rec.Stream, rec.Type)
		}
		return checkpoints.SaveCheckpoint(ctx, "mailer", scanned)
	}

	appendEvent("account", "account.opened")
	appendEvent("order", "order.placed")
	if err := catchUp(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(checkpoints.Checkpoint(ctx, "mailer"))

	appendEvent("account", "account.closed")
	if err := catchUp(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 account-1 account.opened
	// 2 <nil>
	// 3 account-1 account.closed
}

// A reader waits for news with the store's signals, and reads the feed after each.
func ExampleWatcher() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := memory.New()
	go func() {
		for range 3 {
			_, err := store.Append(ctx, es.Write{
				Stream: es.Stream{Category: "account", ID: "1"}, Expect: es.Any,
				Events: []es.Event{{ID: es.NewID(), Type: "account.credited", Schema: 1, Data: []byte(`{}`)}},
			})
			if err != nil {
				log.Fatal(err)
			}
		}
	}()

	var scanned es.Position
	for range store.Watch(ctx) { // ends with the context
		for rec, err := range store.ReadAll(ctx, es.FeedQuery{After: scanned, Scanned: &scanned}) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("version", rec.Version)
			if rec.Version == 3 {
				return
			}
		}
	}
	// Output:
	// version 1
	// version 2
	// version 3
}
