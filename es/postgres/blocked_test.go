package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
)

// Callers that give up soon, and come again, must not let the lane meet the same stream anew.
func TestABlockedStreamHoldsUpTheLaneOnce(t *testing.T) {
	t.Parallel()
	var counts flushCounts
	w := newWorld(t, postgres.MeterProvider(&counts))
	tx := w.begin()
	const streams = 20
	for i := range streams {
		w.appendTx(tx, fmt.Sprint("blocked-", i))
	}
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	var blocked sync.WaitGroup
	for i := range streams {
		for range 2 {
			blocked.Go(func() {
				for ctx.Err() == nil {
					impatient, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
					_, err := w.store.Append(impatient, write(stream(fmt.Sprint("blocked-", i)), es.Any, 1))
					cancel()
					if !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
						t.Errorf("Append to a blocked stream: %v, want the end of its context", err)
					}
				}
			})
		}
	}
	var free sync.WaitGroup
	for i := range 8 {
		free.Go(func() {
			for range 100 {
				w.append(fmt.Sprint("free-", i))
			}
		})
	}
	free.Wait()
	stop()
	blocked.Wait()
	if n := counts.blocked.Load(); n == 0 || n > streams {
		t.Errorf("%d flushes of the lane were held up, want at least one, and at most one for each of the %d streams", n, streams)
	}
	w.commit(tx)
	for i := range streams { // each goes back to the lane with its next append
		w.append(fmt.Sprint("blocked-", i))
	}
	before := counts.apart.Load()
	for i := range streams {
		w.append(fmt.Sprint("blocked-", i))
	}
	if n := counts.apart.Load() - before; n != 0 {
		t.Errorf("%d appends were sent apart after their streams were free again", n)
	}
}

// flushCounts is a MeterProvider that counts statements of appends.
type flushCounts struct {
	noop.MeterProvider
	blocked, apart atomic.Int64
}

func (c *flushCounts) Meter(string, ...metric.MeterOption) metric.Meter { return &flushMeter{c: c} }

type flushMeter struct {
	noop.Meter
	c *flushCounts
}

func (m *flushMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	if name == "esgen.flush.blocked" {
		return &flushCounter{c: m.c}, nil
	}
	return noop.Int64Counter{}, nil
}

func (m *flushMeter) Int64Histogram(string, ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	return &flushHistogram{c: m.c}, nil
}

type flushCounter struct {
	noop.Int64Counter
	c *flushCounts
}

func (f *flushCounter) Add(_ context.Context, n int64, _ ...metric.AddOption) { f.c.blocked.Add(n) }

type flushHistogram struct {
	noop.Int64Histogram
	c *flushCounts
}

func (*flushHistogram) Enabled(context.Context) bool { return true }

func (h *flushHistogram) Record(_ context.Context, _ int64, opts ...metric.RecordOption) {
	attributes := metric.NewRecordConfig(opts).Attributes()
	if v, ok := attributes.Value(attribute.Key("apart")); ok && v.AsBool() {
		h.c.apart.Add(1)
	}
}
