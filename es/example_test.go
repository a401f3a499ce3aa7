package es_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

func happened(typ, data string) es.Event {
	return es.Event{ID: es.NewID(), Type: typ, Schema: 1, Data: []byte(data)}
}

// An append says which version it expects its streams to have; several streams are one append. Who comes late is told
// so, and who sends the same events again is told where they are.
func ExampleStore() {
	ctx := context.Background()
	var store es.Store = memory.New() // or any other
	ada, bob := es.Stream{Category: "account", ID: "ada"}, es.Stream{Category: "account", ID: "bob"}
	writes := []es.Write{
		{Stream: ada, Expect: es.NoStream, Events: []es.Event{happened("account.opened", `{}`), happened("account.debited", `{"amount":5}`)}},
		{Stream: bob, Expect: es.NoStream, Events: []es.Event{happened("account.opened", `{}`), happened("account.credited", `{"amount":5}`)}},
	}
	receipt, err := store.Append(ctx, writes...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Streams[0].Stream, "is at version", receipt.Streams[0].Last)

	again, err := store.Append(ctx, writes...)
	fmt.Println(again.Duplicate, again.Streams[0].Last, err)

	_, err = store.Append(ctx, es.Write{Stream: ada, Expect: es.Exactly(1), Events: []es.Event{happened("account.closed", `{}`)}})
	if conflict, ok := errors.AsType[*es.ConflictError](err); ok {
		fmt.Println("expected", conflict.Expected, "and found version", conflict.Actual)
	}

	for rec, err := range store.Read(ctx, es.ReadQuery{Stream: ada, Backwards: true, Limit: 1}) {
		if err != nil { // take both values: an error ends the loop
			log.Fatal(err)
		}
		fmt.Println(rec.Version, rec.Type, string(rec.Data))
	}
	// Output:
	// account-ada is at version 2
	// true 2 <nil>
	// expected version 1 and found version 2
	// 2 account.debited {"amount":5}
}

// What the context carries, repositories put on the events that they save.
func ExampleWithMetadata() {
	ctx := es.WithMetadata(context.Background(), es.Metadata{Actor: "clerk-7", CorrelationID: "request-1"})
	ctx = es.WithMetadata(ctx, es.Metadata{Keys: map[string]string{"ip": "192.0.2.1"}}) // adds to it

	m := es.MetadataFrom(ctx)
	fmt.Println(m.Actor, m.CorrelationID, m.Keys["ip"])
	// Output: clerk-7 request-1 192.0.2.1
}

// A handler's context names the event as the cause of what it saves.
func ExampleCausedBy() {
	rec := es.Recorded{Event: happened("order.placed", `{}`)}
	rec.Meta.CorrelationID = "request-1"

	m := es.MetadataFrom(es.CausedBy(context.Background(), rec))
	fmt.Println(m.CorrelationID, m.CausationID == rec.ID.String())
	// Output: request-1 true
}

// A command that is sent again makes the same ids, so that its events are stored once.
func ExampleDeriveID() {
	ada := es.Stream{Category: "account", ID: "ada"}
	fmt.Println(es.DeriveID(ada, "request-1", 0))
	fmt.Println(es.DeriveID(ada, "request-1", 0) == es.DeriveID(ada, "request-1", 1))
	// Output:
	// 57451730-ced9-8cb1-9b5b-b535616d4a68
	// false
}

// counting is a decorator. It says what it decorates, so that the store's optional interfaces are found behind it.
type counting struct {
	es.Store
	appends int
}

func (c *counting) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	c.appends++
	return c.Store.Append(ctx, writes...)
}

func (c *counting) Unwrap() es.Store { return c.Store }

func ExampleCapability() {
	ctx := context.Background()
	var store es.Store = &counting{Store: memory.New()}
	_, err := store.Append(ctx, es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.NoStream, Events: []es.Event{happened("account.opened", `{}`)}})
	if err != nil {
		log.Fatal(err)
	}
	lister, ok := es.Capability[es.Lister](store)
	if !ok {
		log.Fatal("the store lists no streams")
	}
	for info, err := range lister.Streams(ctx, es.ListQuery{Category: "account", Limit: 100}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Stream, info.Version)
	}
	// Output: account-ada 1
}

func ExampleParseStream() {
	s, err := es.ParseStream("account-0192-7")
	fmt.Println(s.Category, s.ID, err)
	_, err = es.ParseStream("account-a/b")
	fmt.Println(errors.Is(err, es.ErrInvalidStream), err)
	// Output:
	// account 0192-7 <nil>
	// true stream id "a/b" has "/" at byte 1, allowed are letters, digits and - _ : @ = +: invalid stream name
}

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
