package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

// opened is an account's first event.
func opened(owner string) es.Write {
	return es.Write{Stream: es.Stream{Category: "account", ID: owner}, Expect: es.NoStream, Events: []es.Event{{
		ID: es.NewID(), Type: "account.opened", Schema: 2, Data: fmt.Appendf(nil, `{"owner":%q,"currency":"EUR","at":"2026-01-01T00:00:00Z"}`, owner),
	}}}
}

// A handler gets typed events, of whatever version they were stored, with their metadata. It runs
// until the context ends; then the work in hand is finished and recorded.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	store := memory.New()
	for _, owner := range []string{"ada", "grace"} {
		if _, err := store.Append(ctx, opened(owner)); err != nil {
			fmt.Println(err)
		}
	}
	sub, err := subscription.New(store, "greeter", subscription.Router{
		"account": subscription.Typed(account.Decode, func(ctx context.Context, event account.AccountEvent, m subscription.Message) error {
			switch e := event.(type) {
			case account.Opened:
				fmt.Printf("welcome, %s (%s, version %d)\n", e.Owner, m.Stream, m.Version)
			}
			if m.Position == 2 {
				cancel() // enough for an example
			}
			return nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sub.Run(ctx))
	position, _ := store.Checkpoint(context.Background(), "greeter")
	fmt.Println("handled up to position", position)
	// Output:
	// welcome, ada (account-ada, version 1)
	// welcome, grace (account-grace, version 1)
	// <nil>
	// handled up to position 2
}

// A parked event is looked at, mended and retried; its stream's later events come after it.
func ExamplePark() {
	ctx, cancel := context.WithCancel(context.Background())
	store := memory.New()
	if _, err := store.Append(ctx, opened("ada")); err != nil {
		fmt.Println(err)
	}
	var mended atomic.Bool
	handler := subscription.Each(func(ctx context.Context, rec es.Recorded) error {
		if !mended.Load() {
			return errors.New("no template for accounts in EUR")
		}
		cancel()
		return nil
	})
	sub, err := subscription.New(store, "mailer", handler, subscription.Park(100),
		subscription.Poll(10*time.Millisecond), // how soon a verdict is noticed
		subscription.Retry(subscription.Backoff{Attempts: 1, First: time.Millisecond, Max: time.Millisecond}),
		subscription.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() { done <- sub.Run(ctx) }()

	// Somebody, perhaps in another process, looks at what is parked.
	var parked []es.Parked
	for len(parked) == 0 {
		parked, _ = store.Parked(ctx, es.ParkedQuery{Name: "mailer"})
	}
	for _, p := range parked {
		fmt.Printf("%s at version %d, after %d attempt: %s\n", p.Stream, p.Version, p.Attempts, p.Error)
		mended.Store(true)
		if err := store.Decide(ctx, "mailer", p.Stream, p.Version, es.Retry); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(<-done)
	parked, _ = store.Parked(context.Background(), es.ParkedQuery{Name: "mailer"})
	fmt.Println(len(parked), "parked")
	// Output:
	// account-ada at version 1, after 1 attempt: no template for accounts in EUR
	// <nil>
	// 0 parked
}

// Processes that run the same subscription as a group share its streams.
func ExampleGroup() {
	store := memory.New()
	sub, err := subscription.New(store, "indexer", subscription.Each(func(context.Context, es.Recorded) error { return nil }),
		subscription.Group(32))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- sub.Run(ctx) }()
	for {
		if status, _ := sub.Status(ctx); len(status.Partitions) > 0 {
			fmt.Println("this process, the only one so far, owns", len(status.Partitions), "partitions")
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel() // others would take over at once
	fmt.Println(<-done)
	// Output:
	// this process, the only one so far, owns 32 partitions
	// <nil>
}
