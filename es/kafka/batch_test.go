package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

// recordBatches notes how many records each record batch holds that the cluster is sent.
func recordBatches(t *testing.T, c *kfake.Cluster) (sizes func() []int) {
	var mu sync.Mutex
	var got []int
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				var batch kmsg.RecordBatch
				if err := batch.ReadFrom(p.Records); err != nil {
					t.Error(err)
				}
				got = append(got, int(batch.NumRecords))
			}
		}
		return nil, nil, false
	})
	return func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	}
}

// What nothing overtaking anything rests on: the broker takes or refuses a record batch whole, and there is one at a time.
func TestWhatIsUnacknowledgedOfAPartitionIsOneRecordBatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events int
		bytes  int // of an event, about
		client []kgo.Opt
		want   []int
	}{
		"a page":                     {10_000, 100, nil, append([]int{1, 999}, slices.Repeat([]int{1_000}, 9)...)},
		"what a record batch holds":  {3_000, 1_000, []kgo.Opt{kgo.ProducerBatchMaxBytes(600_000)}, nil},
		"records as large as it can": {100, 900, []kgo.Opt{kgo.ProducerBatchMaxBytes(2_000)}, slices.Repeat([]int{1}, 100)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 1, "account")
			batches := recordBatches(t, c)
			store := memory.New()
			if err := write(store, es.Stream{Category: "account", ID: "1"}, test.events, test.bytes); err != nil {
				t.Fatal(err)
			}
			r := start(t, store, publisher(t, append(seeds(c), test.client...)), subscription.BatchSize(1_000))
			caughtUp(t, store)
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}
			got := batches()
			if test.want != nil && !slices.Equal(got, test.want) {
				t.Errorf("the record batches hold %v records, not %v", got, test.want)
			}
			if test.want == nil && (len(got) < 3*2 || len(got) > 3*5) { // a page has 1000*1.6 kB
				t.Errorf("the record batches hold %v records", got)
			}
			if n := verify(t, consumed(t, seeds(c), "account"), history(t, store)); n != 0 {
				t.Error(fmt.Sprint(n), "records were repetitions")
			}
		})
	}
}

// A client that was given up has left nothing behind: the next one begins as the first did.
func TestANewClientBeginsWithOneRecordToo(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, "account")
	store := memory.New()
	if err := write(store, es.Stream{Category: "account", ID: "1"}, 100, 10); err != nil {
		t.Fatal(err)
	}
	all := history(t, store)
	p := publisher(t, seeds(c))
	if err := p.Handle(context.Background(), all[:50]); err != nil {
		t.Fatal(err)
	}
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := p.Handle(ctx, all[50:]); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	fault.Remove()
	batches := recordBatches(t, c)
	if err := p.Handle(context.Background(), all[50:]); err != nil {
		t.Fatal(err)
	}
	if got := batches(); !slices.Equal(got, []int{1, 49}) {
		t.Errorf("the record batches hold %v records", got)
	}
	if n := verify(t, consumed(t, seeds(c), "account"), all); n != 0 {
		t.Error(n, "records were repetitions")
	}
}
