package process_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/process"
)

// An order that is not paid in time is cancelled.
func Example() {
	store := memory.New()
	order := es.Stream{Category: "order", ID: "42"}
	record := func(ctx context.Context, kind, key string) error { // what a repository's Update does
		_, err := store.Append(ctx, es.Write{Stream: order, Expect: es.Any, Events: []es.Event{
			{ID: es.DeriveID(order, key, 0), Type: kind, Schema: 1, Data: []byte("{}"), Meta: es.MetadataFrom(ctx)},
		}})
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	orders, err := process.New(store, process.Definition{
		Name: "orders", Categories: []string{"order"},
		React: func(_ context.Context, rec es.Recorded, timers *process.Timers) error {
			switch rec.Type {
			case "order.placed":
				timers.Set(rec.Stream.ID, rec.RecordedAt.Add(20*time.Millisecond), nil)
			case "order.paid":
				timers.Clear(rec.Stream.ID)
			case "order.cancelled":
				stop()
			}
			return nil
		},
		Expire: func(ctx context.Context, _ es.Timer) error {
			return record(ctx, "order.cancelled", process.Key(ctx, "cancel")) // once, however often it is called
		},
	})
	if err == nil {
		err = errors.Join(record(ctx, "order.placed", "a client's key"), orders.Run(ctx))
	}
	if err != nil {
		log.Fatal(err)
	}
	for rec, err := range store.Read(context.Background(), es.ReadQuery{Stream: order}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rec.Type)
	}
	// Output:
	// order.placed
	// order.cancelled
}
