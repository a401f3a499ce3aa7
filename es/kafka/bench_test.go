package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// BenchmarkPublish compares the relay, from the store to the acknowledgement, with franz-go alone, which produces the
// same records, ready made, with its defaults: without stopping for anything. Both into the same fake cluster.
func BenchmarkPublish(b *testing.B) {
	const events = 20_000
	store := memory.New()
	for i := 0; i < events; i += 100 {
		w := es.Write{Stream: es.Stream{Category: "account", ID: fmt.Sprint(i / 100 % 50)}, Expect: es.Any}
		for j := range 100 {
			w.Events = append(w.Events, event(i+j, 280))
		}
		if _, err := store.Append(context.Background(), w); err != nil {
			b.Fatal(err)
		}
	}
	all := history(b, store)
	fresh := func(b *testing.B) []kgo.Opt {
		c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(12, "account"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.Close)
		return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
	}
	b.Run("by=franz-go", func(b *testing.B) {
		client := fresh(b)
		p := publisher(b, client)
		for b.Loop() {
			b.StopTimer()
			records := make([]*kgo.Record, len(all))
			for i, rec := range all {
				records[i] = p.Record(rec)
			}
			cl, err := kgo.NewClient(client...)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if err := cl.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			cl.Close()
			b.StartTimer()
		}
		rate(b)
	})
	for _, batch := range []int{500, 2_000} {
		b.Run(fmt.Sprintf("by=relay/batch=%d", batch), func(b *testing.B) {
			client := fresh(b)
			for i := 0; b.Loop(); i++ {
				p, err := kafka.NewPublisher(source, client)
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				left := len(all)
				count := subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
					err := p.Handle(ctx, events)
					if left -= len(events); left == 0 {
						cancel()
					}
					return err
				})
				sub, err := subscription.New(store, fmt.Sprintf("relay-%d-%d-%d", batch, b.N, i)+time.Now().Format("150405.000000"), count, subscription.BatchSize(batch))
				if err != nil {
					b.Fatal(err)
				}
				if err := sub.Run(ctx); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				p.Close()
				b.StartTimer()
			}
			rate(b)
		})
	}
}
