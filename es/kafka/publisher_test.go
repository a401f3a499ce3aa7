package kafka_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
	"github.com/esgen-go/esgen/es/memory"
)

func TestWhatThePromisesDontAllowIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source string
		client []kgo.Opt
		opts   []kafka.Option
		says   string
	}{
		"no source":       {"", nil, nil, "source is empty"},
		"source":          {"https://bank\x00", nil, nil, "no URI"},
		"idempotence":     {source, []kgo.Opt{kgo.DisableIdempotentWrite()}, nil, "DisableIdempotentWrite"},
		"acks":            {source, []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())}, nil, "DisableIdempotentWrite"},
		"acks of leaders": {source, []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck())}, nil, "acks"},
		"transactions":    {source, []kgo.Opt{kgo.TransactionalID("relay")}, nil, "TransactionalID"},
		"timeout":         {source, nil, []kafka.Option{kafka.Timeout(0)}, "Timeout"},
		"topics":          {source, nil, []kafka.Option{kafka.TopicBy(nil)}, "TopicBy"},
	} {
		if p, err := kafka.NewPublisher(test.source, test.client, test.opts...); err == nil || !strings.Contains(err.Error(), test.says) || p != nil {
			t.Errorf("%s: error %v doesn't say %q", name, err, test.says)
		}
	}
}

func TestAStreamWithoutATopicStopsTheRelay(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "account")
	store := memory.New()
	for _, category := range []string{"account", "ledger", "account"} {
		if err := write(store, es.Stream{Category: category, ID: "1"}, 2, 0); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, store, publisher(t, seeds(c), kafka.TopicBy(func(s es.Stream) string {
		if s.Category == "ledger" {
			return ""
		}
		return s.Category
	})))
	if err := r.ended(); err == nil || !strings.Contains(err.Error(), "names no topic") {
		t.Errorf("the relay ended with %v", err)
	}
	if n := len(consumed(t, seeds(c), "account")); n != 2 {
		t.Errorf("%d events were published", n)
	}
}

func TestAClosedPublisherPublishesNothing(t *testing.T) {
	t.Parallel()
	p := publisher(t, nil)
	p.Close()
	p.Close()
	if err := p.Handle(context.Background(), []es.Recorded{recorded()}); !errors.Is(err, kafka.ErrClosed) {
		t.Error(err)
	}
}

func TestOneTopicHoldsAllInTheOrderOfTheFeed(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "all")
	store := memory.New()
	stop := writers(t, store)
	time.Sleep(50 * time.Millisecond)
	r := start(t, store, publisher(t, seeds(c), kafka.Topic("all")))
	time.Sleep(50 * time.Millisecond)
	stop()
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	published, last := consumed(t, seeds(c), "all"), es.Position(0)
	for _, rec := range published {
		if rec.Position <= last {
			t.Fatalf("position %d follows %d", rec.Position, last)
		}
		last = rec.Position
	}
	verify(t, published, history(t, store))
}

// A broker of whatever make, such as KAFKA_BROKERS=localhost:9092.
func TestARealClusterHoldsEveryEventInItsStreamsOrder(t *testing.T) {
	t.Parallel()
	brokers := os.Getenv("KAFKA_BROKERS")
	if brokers == "" {
		t.Skip("KAFKA_BROKERS is not set: no real cluster to test with")
	}
	client := []kgo.Opt{kgo.SeedBrokers(strings.Split(brokers, ",")...)}
	admin, err := kgo.NewClient(client...)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx := context.Background()
	name := "esgen-test-" + es.NewID().String()
	create := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 3, 1
	create.Topics = append(create.Topics, topic)
	created, err := create.RequestWith(ctx, admin)
	if err == nil {
		err = kerr.ErrorForCode(created.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		remove := kmsg.NewPtrDeleteTopicsRequest()
		rt := kmsg.NewDeleteTopicsRequestTopic()
		rt.Topic = &name
		remove.TopicNames, remove.Topics = []string{name}, append(remove.Topics, rt)
		if _, err := remove.RequestWith(ctx, admin); err != nil {
			t.Error(err)
		}
	}()
	store := memory.New()
	stop := writers(t, store)
	for range 3 {
		r := start(t, store, publisher(t, client, kafka.Topic(name)))
		time.Sleep(300 * time.Millisecond)
		if err := r.stopped(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	r := start(t, store, publisher(t, client, kafka.Topic(name)))
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	verify(t, consumed(t, client, name), history(t, store))
}

// Two subscriptions share a publisher, whose cluster does not answer one of them: the other one can be stopped.
func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "account")
	asked, release := make(chan struct{}, 100), make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked <- struct{}{}
		c.SleepControl(func() { <-release })
		return nil, nil, false
	})
	store := memory.New()
	if err := write(store, es.Stream{Category: "account", ID: "1"}, 1, 10); err != nil {
		t.Fatal(err)
	}
	events, p := history(t, store), publisher(t, seeds(c), kafka.Timeout(time.Hour))
	first := make(chan error, 1)
	go func() { first <- p.Handle(context.Background(), events) }()
	<-asked
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := p.Handle(ctx, events); !errors.Is(err, context.Canceled) {
		t.Errorf("Handle whose turn does not come: %v, want context.Canceled", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
}
