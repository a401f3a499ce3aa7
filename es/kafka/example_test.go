package kafka_test

import (
	"context"
	"fmt"
	"log"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// The relay is a subscription with a publisher as its handler; a consumer handles each event once by the versions
// of its stream.
func Example() {
	cluster := kfake.MustCluster(kfake.SeedTopics(3, "bank.account")) // yours: its addresses
	defer cluster.Close()
	brokers := kgo.SeedBrokers(cluster.ListenAddrs()...)

	ctx, cancel := context.WithCancel(context.Background())
	store := memory.New()
	_, err := store.Append(ctx, es.Write{Stream: es.Stream{Category: "account", ID: "ada"}, Expect: es.NoStream, Events: []es.Event{
		{ID: es.NewID(), Type: "account.opened", Schema: 1, Data: []byte(`{"owner":"Ada"}`)},
		{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: []byte(`{"amount":500}`)},
	}})
	if err != nil {
		log.Fatal(err)
	}

	publisher, err := kafka.NewPublisher("https://bank.example/ledger", []kgo.Opt{brokers},
		kafka.TopicPerCategory("bank."), kafka.Catalogue("https://bank.example/events"))
	if err != nil {
		log.Fatal(err)
	}
	defer publisher.Close()
	relay, err := subscription.New(store, "kafka", publisher)
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- relay.Run(ctx) }()

	consumer, err := kgo.NewClient(brokers, kgo.ConsumeTopics("bank.account"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	defer consumer.Close()
	handled := map[es.Stream]es.Version{} // kept with the effect, in the consumer's database
	for handled[es.Stream{Category: "account", ID: "ada"}] < 2 {
		for record := range consumer.PollFetches(ctx).RecordsAll() {
			rec, err := kafka.Parse(record)
			if err != nil {
				log.Fatal(err)
			}
			if rec.Version <= handled[rec.Stream] {
				continue // it came before
			}
			fmt.Printf("%s %s at version %d: %s\n", record.Key, rec.Type, rec.Version, rec.Data)
			handled[rec.Stream] = rec.Version
		}
	}
	cancel()
	fmt.Println(<-done)
	// Output:
	// account-ada account.opened at version 1: {"owner":"Ada"}
	// account-ada account.deposited at version 2: {"amount":500}
	// <nil>
}
