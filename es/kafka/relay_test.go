package kafka_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/kafka"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
)

var produce = []kmsg.Key{kmsg.Produce}

// trouble is what goes wrong with a cluster, until the context ends. It calls hit each time that it goes wrong.
type trouble func(ctx context.Context, c *kfake.Cluster, hit func())

// answers has a quarter of the produce requests answered with an error.
func answers(err *kerr.Error) trouble {
	return func(ctx context.Context, c *kfake.Cluster, hit func()) {
		h := c.Fault(kfake.Fault{Keys: produce, Err: err, Count: -1, When: func(kmsg.Request) bool {
			wrong := rand.IntN(4) == 0
			if wrong {
				hit()
			}
			return wrong
		}})
		<-ctx.Done()
		h.Remove()
	}
}

// control treats a quarter of the produce requests otherwise.
func control(treat func(c *kfake.Cluster) (handled bool, err error)) trouble {
	return func(ctx context.Context, c *kfake.Cluster, hit func()) {
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			if ctx.Err() != nil {
				return nil, nil, false
			}
			c.KeepControl()
			if rand.IntN(4) > 0 {
				return nil, nil, false
			}
			hit()
			handled, err := treat(c)
			return nil, err, handled
		})
		<-ctx.Done()
	}
}

// sleep has the brokers think before they answer.
func sleep(d time.Duration) trouble {
	return control(func(c *kfake.Cluster) (bool, error) {
		c.SleepControl(func() { time.Sleep(d) })
		return false, nil
	})
}

func TestEveryEventIsPublishedInItsStreamsOrderWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]trouble{
		"another broker leads": func(ctx context.Context, c *kfake.Cluster, hit func()) {
			for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				c.ShufflePartitionLeaders()
				hit()
			}
		},
		"NOT_LEADER_OR_FOLLOWER":            answers(kerr.NotLeaderForPartition),
		"NOT_ENOUGH_REPLICAS":               answers(kerr.NotEnoughReplicas),
		"NOT_ENOUGH_REPLICAS_AFTER_APPEND":  answers(kerr.NotEnoughReplicasAfterAppend),
		"REQUEST_TIMED_OUT, though written": answers(kerr.RequestTimedOut),
		"OUT_OF_ORDER_SEQUENCE_NUMBER":      answers(kerr.OutOfOrderSequenceNumber),
		"UNKNOWN_PRODUCER_ID":               answers(kerr.UnknownProducerID),
		"KAFKA_STORAGE_ERROR":               answers(kerr.KafkaStorageError),
		"UNKNOWN_SERVER_ERROR":              answers(kerr.UnknownServerError),
		"UNKNOWN_TOPIC_OR_PARTITION":        answers(kerr.UnknownTopicOrPartition),
		"CORRUPT_MESSAGE":                   answers(kerr.CorruptMessage),
		"MESSAGE_TOO_LARGE, for a time":     answers(kerr.MessageTooLarge),
		"TOPIC_AUTHORIZATION_FAILED":        answers(kerr.TopicAuthorizationFailed),
		"the connection is dropped": control(func(*kfake.Cluster) (bool, error) {
			return true, errors.New("dropped")
		}),
		"the broker is slow":                 sleep(20 * time.Millisecond),
		"the broker is slower than patience": sleep(250 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 4, "account", "ledger")
			store := memory.New()
			// Many attempts, since here the cluster refuses events that it takes the next time.
			r := start(t, store, publisher(t, seeds(c), kafka.Timeout(200*time.Millisecond)), subscription.BatchSize(50),
				subscription.Retry(subscription.Backoff{Attempts: 1000, First: time.Millisecond, Max: 5 * time.Millisecond}))
			ctx, cancel := context.WithCancel(context.Background())
			var hits atomic.Int64
			over := make(chan struct{})
			go func() {
				defer close(over)
				trouble(ctx, c, func() { hits.Add(1) })
			}()
			stop := writers(t, store)
			eventually(t, "it has gone wrong ten times", func() bool { return hits.Load() >= 10 })
			cancel()
			<-over
			stop()
			caughtUp(t, store)
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}
			all := history(t, store)
			repeated := verify(t, consumed(t, seeds(c), "account", "ledger"), all)
			t.Logf("%d events, %d troubles, %d records were repetitions", len(all), hits.Load(), repeated)
		})
	}
}

func TestNothingOvertakesARefusedEvent(t *testing.T) {
	t.Parallel()
	// Brokers refuse batches at random, for good: what the client then sends of the same stream must not get past.
	c := cluster(t, 3, "account")
	c.Fault(kfake.Fault{Keys: produce, Err: kerr.InvalidRecord, Count: 400, When: func(kmsg.Request) bool { return rand.IntN(2) == 0 }})
	store := memory.New()
	for i := range 10 {
		if err := write(store, es.Stream{Category: "account", ID: fmt.Sprint(i)}, 30, 20_000*(i%3)); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, store, publisher(t, append(seeds(c), kgo.ProducerBatchMaxBytes(100_000))),
		subscription.Retry(subscription.Backoff{Attempts: 1000, First: time.Millisecond, Max: 2 * time.Millisecond}))
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	verify(t, consumed(t, seeds(c), "account"), history(t, store))
}

func TestTheCheckpointWaitsForTheAcknowledgement(t *testing.T) {
	t.Parallel()
	c := cluster(t, 2, "account")
	written, release := make(chan struct{}, 100), make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		written <- struct{}{}
		c.SleepControl(func() { <-release })
		return nil, nil, false
	})
	store := memory.New()
	if err := write(store, es.Stream{Category: "account", ID: "1"}, 5, 0); err != nil {
		t.Fatal(err)
	}
	r := start(t, store, publisher(t, seeds(c)))
	<-written
	time.Sleep(100 * time.Millisecond)
	if at, err := store.Checkpoint(context.Background(), "kafka"); at != 0 || err != nil {
		t.Fatalf("before anything was acknowledged, the checkpoint is %d (%v)", at, err)
	}
	close(release)
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	verify(t, consumed(t, seeds(c), "account"), history(t, store))
}

func TestAGracefulStopPublishesWhatIsInHandAndLeavesNoRepetition(t *testing.T) {
	t.Parallel()
	c := cluster(t, 4, "account", "ledger")
	store := memory.New()
	stop := writers(t, store)
	for range 5 { // five lives, one after the other
		p, err := kafka.NewPublisher(source, seeds(c))
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, store, p)
		time.Sleep(20 * time.Millisecond)
		if err := r.stopped(); err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	stop()
	r := start(t, store, publisher(t, seeds(c)))
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	if n := verify(t, consumed(t, seeds(c), "account", "ledger"), history(t, store)); n != 0 {
		t.Errorf("%d records were repetitions", n)
	}
}

func TestAStopDoesNotWaitForKafkaForEver(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "account")
	c.Fault(kfake.Fault{Keys: produce, Err: kerr.NotEnoughReplicas, Count: -1})
	store := memory.New()
	if err := write(store, es.Stream{Category: "account", ID: "1"}, 1, 0); err != nil {
		t.Fatal(err)
	}
	r := start(t, store, publisher(t, seeds(c)), subscription.Grace(50*time.Millisecond))
	time.Sleep(50 * time.Millisecond)
	if err := r.stopped(); err != nil {
		t.Log(err) // the work in hand was cut short
	}
	if at, err := store.Checkpoint(context.Background(), "kafka"); at != 0 || err != nil {
		t.Fatalf("the checkpoint is %d (%v), and nothing was published", at, err)
	}
}

func TestAnOutageIsShownAndWaitedFor(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		begin func(c *kfake.Cluster) (end func())
		shown string
	}{
		"no acknowledgement": {func(c *kfake.Cluster) func() {
			return c.Fault(kfake.Fault{Keys: produce, Err: kerr.NotEnoughReplicas, Count: -1}).Remove
		}, "has not acknowledged"},
		"a missing permission": {func(c *kfake.Cluster) func() {
			return c.Fault(kfake.Fault{Keys: produce, Err: kerr.TopicAuthorizationFailed, Count: -1}).Remove
		}, "TOPIC_AUTHORIZATION_FAILED"},
		"a missing topic": {func(c *kfake.Cluster) func() {
			return func() {
				cl, err := kgo.NewClient(seeds(c)...)
				if err != nil {
					t.Error(err)
					return
				}
				defer cl.Close()
				req := kmsg.NewPtrCreateTopicsRequest()
				topic := kmsg.NewCreateTopicsRequestTopic()
				topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "late", 2, 1
				req.Topics = append(req.Topics, topic)
				if _, err := req.RequestWith(context.Background(), cl); err != nil {
					t.Error(err)
				}
			}
		}, "UNKNOWN_TOPIC_OR_PARTITION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic, patience := "account", 200*time.Millisecond
			if name == "a missing topic" {
				topic, patience = "late", time.Minute // the client's own limit comes first
			}
			c := cluster(t, 2, "account")
			end := fault.begin(c)
			store := memory.New()
			if err := write(store, es.Stream{Category: "account", ID: "1"}, 10, 0); err != nil {
				t.Fatal(err)
			}
			r := start(t, store, publisher(t, seeds(c), kafka.Topic(topic), kafka.Timeout(patience)), subscription.Park(1))
			status := r.status("a failure is shown", func(s subscription.Status) bool { return s.State == subscription.Retrying && s.Err != nil })
			if !strings.Contains(status.Err.Error(), fault.shown) || status.Parked != 0 {
				t.Errorf("the status says %v, and not %q; %d streams are parked", status.Err, fault.shown, status.Parked)
			}
			end()
			caughtUp(t, store)
			r.status("the failure is over", func(s subscription.Status) bool { return s.State == subscription.Live && s.Err == nil })
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}
			verify(t, consumed(t, seeds(c), topic), history(t, store))
		})
	}
}

func TestAnEventThatIsTooLargeStopsTheRelay(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "account")
	store := memory.New()
	account := es.Stream{Category: "account", ID: "1"}
	for _, bytes := range []int{10, 2_000, 10} {
		if err := write(store, account, 1, bytes); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, store, publisher(t, append(seeds(c), kgo.ProducerBatchMaxBytes(1_500))))
	err := r.ended()
	failed, ok := errors.AsType[*subscription.EventError](err)
	if !ok || failed.Event.Version != 2 || !errors.Is(err, es.ErrTooLarge) || !errors.Is(err, kerr.MessageTooLarge) {
		t.Fatalf("the relay ends with %v", err)
	}
	published := consumed(t, seeds(c), "account")
	verify(t, published, history(t, store)[:1])

	r = start(t, store, publisher(t, seeds(c))) // the remedy
	caughtUp(t, store)
	if err := r.stopped(); err != nil {
		t.Fatal(err)
	}
	verify(t, consumed(t, seeds(c), "account"), history(t, store))
}

func TestAnEventThatIsTooLargeIsParkedWithItsStreamAndComesInOrderAfterwards(t *testing.T) {
	t.Parallel()
	for name, small := range map[string]struct {
		client []kgo.Opt
		broker bool
	}{
		"for the client":  {[]kgo.Opt{kgo.ProducerBatchMaxBytes(3_000)}, false},
		"for the brokers": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 3, "account")
			var strict atomic.Bool
			strict.Store(small.broker)
			c.Fault(kfake.Fault{Keys: produce, Err: kerr.MessageTooLarge, Count: -1, When: func(req kmsg.Request) bool {
				for _, topic := range req.(*kmsg.ProduceRequest).Topics {
					for _, p := range topic.Partitions {
						if strict.Load() && len(p.Records) > 3_000 {
							return true
						}
					}
				}
				return false
			}})
			store := memory.New()
			for i := range 50 {
				s := es.Stream{Category: "account", ID: fmt.Sprint(i % 5)}
				e := event(i, 10)
				if i == 17 { // of stream 2; it doesn't compress
					pad := make([]byte, 5_000)
					for j := range pad {
						pad[j] = byte('a' + rand.IntN(26))
					}
					e.Data = fmt.Appendf(nil, "%q", pad)
				}
				if _, err := store.Append(context.Background(), es.Write{Stream: s, Expect: es.Any, Events: []es.Event{e}}); err != nil {
					t.Fatal(err)
				}
			}
			r := start(t, store, publisher(t, append(seeds(c), small.client...)), subscription.Park(3))
			caughtUp(t, store)
			r.status("the stream is parked", func(s subscription.Status) bool { return s.Parked == 1 })
			var parked []es.Parked
			eventually(t, "all attempts are made", func() bool {
				var err error
				if parked, err = store.Parked(context.Background(), es.ParkedQuery{Name: "kafka"}); err != nil {
					t.Fatal(err)
				}
				return len(parked) == 1 && parked[0].Attempts >= 3
			})
			if p := parked[0]; p.Stream.ID != "2" || p.Version != 4 || !strings.Contains(p.Error, "MESSAGE_TOO_LARGE") {
				t.Errorf("parked is %+v", p)
			}
			var others []es.Recorded
			for _, rec := range history(t, store) {
				if rec.Stream.ID != "2" || rec.Version < 4 {
					others = append(others, rec)
				}
			}
			if n := verify(t, consumed(t, seeds(c), "account"), others); n != 0 {
				t.Errorf("%d records were repetitions", n)
			}
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}

			strict.Store(false) // the remedy
			r = start(t, store, publisher(t, seeds(c)), subscription.Park(3))
			if err := store.Decide(context.Background(), "kafka", parked[0].Stream, parked[0].Version, es.Retry); err != nil {
				t.Fatal(err)
			}
			r.status("nothing is parked", func(s subscription.Status) bool { return s.Parked == 0 && s.State == subscription.Live })
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}
			verify(t, consumed(t, seeds(c), "account"), history(t, store))
		})
	}
}

func TestRelaysOfAGroupKeepTheOrderWhileTheyComeAndGo(t *testing.T) {
	t.Parallel()
	c := cluster(t, 4, "account", "ledger")
	store := memory.New()
	member := func() *relay {
		return start(t, store, publisher(t, seeds(c)), subscription.Group(8), subscription.Lease(300*time.Millisecond), subscription.BatchSize(20), subscription.Grace(time.Millisecond))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go sleep(30*time.Millisecond)(ctx, c, func() {})
	members := []*relay{member(), member(), member()}
	stop := writers(t, store)
	for i := range 6 {
		time.Sleep(50 * time.Millisecond)
		members[i%3].stop() // with so little grace that work in hand is cut short
		if err := members[i%3].ended(); err != nil {
			t.Log(err)
		}
		members[i%3] = member()
	}
	stop()
	head, err := store.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all partitions are at the head", func() bool {
		state, err := store.Group(context.Background(), "kafka")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range state.Partitions {
			if p.Position < head {
				return false
			}
		}
		return true
	})
	for _, m := range members {
		if err := m.stopped(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(verify(t, consumed(t, seeds(c), "account", "ledger"), history(t, store)), "records were repetitions")
}

// The variables that make this test binary a relay.
const (
	relayProgram = "ESGEN_KAFKA_RELAY" // the file of the store
	relaySeeds   = "ESGEN_KAFKA_SEEDS"
)

// runRelay relays until it is killed, or its parent is gone.
func runRelay() error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		}
	}()
	store, err := sqlite.Open(ctx, os.Getenv(relayProgram))
	if err != nil {
		return err
	}
	defer store.Close()
	p, err := kafka.NewPublisher(source, []kgo.Opt{kgo.SeedBrokers(strings.Split(os.Getenv(relaySeeds), ",")...)})
	if err != nil {
		return err
	}
	defer p.Close()
	sub, err := subscription.New(store, "kafka", p, subscription.BatchSize(20), subscription.CheckpointEvery(50, time.Second))
	if err != nil {
		return err
	}
	return sub.Run(ctx)
}

func TestARelayThatIsKilledGoesOnWhereKafkaHasAcknowledged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := cluster(t, 4, "account", "ledger")
	path := filepath.Join(t.TempDir(), "events.db")
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	stop := writers(t, store)
	var child *exec.Cmd
	life := func() {
		child = exec.Command(os.Args[0])
		child.Env = append(os.Environ(), relayProgram+"="+path, relaySeeds+"="+strings.Join(c.ListenAddrs(), ","))
		child.Stderr = os.Stderr
		if _, err := child.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		child.Process.Kill()
		child.Wait()
	}
	h := c.Fault(kfake.Fault{Keys: produce, Observe: true, Count: -1})
	for range 5 {
		seen := h.Hits()
		life()
		eventually(t, "the relay publishes", func() bool { return h.Hits() > seen+rand.IntN(20) })
		kill()
	}
	stop()
	life()
	defer kill()
	eventually(t, "the checkpoint is at the head", func() bool {
		at, err := store.Checkpoint(ctx, "kafka")
		head, err2 := store.Head(ctx)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return at == head
	})
	t.Log(verify(t, consumed(t, seeds(c), "account", "ledger"), history(t, store)), "records were repetitions")
}
