package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

func TestMain(m *testing.M) {
	if os.Getenv(relayProgram) != "" {
		if err := runRelay(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	slog.SetLogLoggerLevel(slog.LevelError + 1) // failures are these tests' business
	os.Exit(m.Run())
}

const source = "https://bank.example/ledger"

// cluster starts a fake of three brokers, with topics of the given number of partitions.
func cluster(t testing.TB, partitions int, topics ...string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(int32(partitions), topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// seeds are options for a client of the cluster that comes back to it soon.
func seeds(c *kfake.Cluster) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond })}
}

func publisher(t testing.TB, client []kgo.Opt, opts ...kafka.Option) *kafka.Publisher {
	t.Helper()
	p, err := kafka.NewPublisher(source, client, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// relay is a subscription that runs.
type relay struct {
	*subscription.Subscription
	t    testing.TB
	stop context.CancelFunc
	done chan error
}

func start(t testing.TB, store es.Store, p *kafka.Publisher, opts ...subscription.Option) *relay {
	t.Helper()
	opts = append([]subscription.Option{subscription.Poll(20 * time.Millisecond), subscription.CheckpointEvery(100, 10*time.Millisecond),
		subscription.Retry(subscription.Backoff{Attempts: 3, First: 5 * time.Millisecond, Max: 20 * time.Millisecond})}, opts...)
	sub, err := subscription.New(store, "kafka", p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{sub, t, cancel, make(chan error, 1)}
	go func() { r.done <- sub.Run(ctx) }()
	t.Cleanup(cancel)
	return r
}

// stopped stops the relay and returns what Run returned.
func (r *relay) stopped() error {
	r.t.Helper()
	r.stop()
	return r.ended()
}

func (r *relay) ended() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatal("the relay doesn't end")
		return nil
	}
}

// status waits until the relay's status is as wanted.
func (r *relay) status(what string, wanted func(subscription.Status) bool) subscription.Status {
	r.t.Helper()
	var status subscription.Status
	eventually(r.t, what, func() bool {
		var err error
		if status, err = r.Status(context.Background()); err != nil {
			r.t.Fatal(err)
		}
		return wanted(status)
	})
	return status
}

// patience is how long something is waited for: a crowded machine takes its time.
const patience = 4 * time.Minute

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// event makes an event of some size.
func event(n, bytes int) es.Event {
	return es.Event{ID: es.NewID(), Type: "account.deposited", Schema: 1, Data: fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", bytes))}
}

// write appends n events to a stream, one by one.
func write(store es.Store, s es.Stream, n, bytes int) error {
	for i := range n {
		if _, err := store.Append(context.Background(), es.Write{Stream: s, Expect: es.Any, Events: []es.Event{event(i, bytes)}}); err != nil {
			return err
		}
	}
	return nil
}

// writers has 16 goroutines append events, each to its own stream and to a common one by turns, until they are stopped.
func writers(t testing.TB, store es.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				s := es.Stream{Category: "account", ID: fmt.Sprint(w)}
				if i%4 == 3 {
					s = es.Stream{Category: "ledger", ID: "all"}
				}
				if err := write(store, s, 1, 100*(i%8)); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// history returns all events of a store, in the order of its feed.
func history(t testing.TB, store es.Store) (all []es.Recorded) {
	t.Helper()
	feed, ok := es.Capability[es.Feed](store)
	if !ok {
		t.Fatal("the store has no feed")
	}
	for rec, err := range feed.ReadAll(context.Background(), es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return all
}

// consumed reads what topics hold, up to their present end, as events.
func consumed(t testing.TB, client []kgo.Opt, topics ...string) (all []es.Recorded) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cl, err := kgo.NewClient(append(client[:len(client):len(client)], kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	left := 0
	for _, topic := range topics {
		left += ends(t, cl, topic)
	}
	for left > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			rec, err := kafka.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if string(r.Key) != rec.Stream.String() {
				t.Fatalf("the key of an event of %s is %s", rec.Stream, r.Key)
			}
			all = append(all, rec)
			left--
		}
	}
	return all
}

// verify compares what was consumed with the store's history: by the consumer's rule of the guide, every event is
// handled once and in the order of its stream. It returns how many records were repetitions.
func verify(t testing.TB, published, stored []es.Recorded) (repeated int) {
	t.Helper()
	want := map[es.Stream][]es.Recorded{}
	for _, rec := range stored {
		want[rec.Stream] = append(want[rec.Stream], rec)
	}
	ids, highest, handled := map[uuid.UUID]bool{}, map[es.Stream]es.Version{}, 0
	for _, rec := range published {
		if fresh := rec.Version > highest[rec.Stream]; fresh == ids[rec.ID] {
			t.Fatalf("%s at version %d, after version %d of its stream: by its id it was seen: %v", rec.Stream, rec.Version, highest[rec.Stream], ids[rec.ID])
		} else if !fresh {
			repeated++
			continue
		}
		ids[rec.ID] = true
		n := int(rec.Version) - 1
		if n >= len(want[rec.Stream]) || rec.Version != highest[rec.Stream]+1 {
			t.Fatalf("%s at version %d follows version %d, of %d", rec.Stream, rec.Version, highest[rec.Stream], len(want[rec.Stream]))
		}
		if w := want[rec.Stream][n]; w.ID != rec.ID || string(w.Data) != string(rec.Data) || w.Type != rec.Type || w.Position != rec.Position {
			t.Fatalf("%s at version %d was published as %+v, and is %+v", rec.Stream, rec.Version, rec, w)
		}
		highest[rec.Stream] = rec.Version
		handled++
	}
	if handled != len(stored) {
		t.Fatalf("%d of %d events were published", handled, len(stored))
	}
	return repeated
}

// caughtUp waits until a checkpoint is at the end of the store.
func caughtUp(t testing.TB, store *memory.Store) {
	t.Helper()
	eventually(t, "the checkpoint is at the head", func() bool {
		at, err := store.Checkpoint(context.Background(), "kafka")
		head, err2 := store.Head(context.Background())
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return at == head
	})
}
