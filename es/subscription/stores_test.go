package subscription_test

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

// countingFeed counts the events that were read.
type countingFeed struct {
	*memory.Store
	read atomic.Int64
}

func (c *countingFeed) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		for rec, err := range c.Store.ReadAll(ctx, q) {
			c.read.Add(1)
			if !yield(rec, err) {
				return
			}
		}
	}
}
