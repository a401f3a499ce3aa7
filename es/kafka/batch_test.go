package kafka_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/subscription"
)

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
			store := memory.New()
			if err := write(store, es.Stream{Category: "account", ID: "1"}, test.events, test.bytes); err != nil {
				t.Fatal(err)
			}
			r := start(t, store, publisher(t, append(seeds(c), test.client...)), subscription.BatchSize(1_000))
			caughtUp(t, store)
			if err := r.stopped(); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
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
