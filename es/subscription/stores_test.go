package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/google/uuid"

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

// crashing fails for good after some records.
type crashing struct {
	*memory.Store
	left atomic.Int64
}

var errCrash = fmt.Errorf("crash: %w", es.ErrClosed)

func (c *crashing) Record(ctx context.Context, p es.Progress) error {
	if c.left.Add(-1) < 0 {
		return errCrash
	}
	return c.Store.Record(ctx, p)
}

// forgetful records, and loses every third answer.
type forgetful struct {
	*memory.Store
	calls atomic.Int64
}

var errLost = errors.New("the answer was lost")

func (f *forgetful) Record(ctx context.Context, p es.Progress) error {
	err := f.Store.Record(ctx, p)
	if f.calls.Add(1)%3 == 1 {
		return errors.Join(err, errLost)
	}
	return err
}

// deaf loses the answer to every second claim.
type deaf struct {
	*memory.Store
	claims atomic.Int64
}

func (d *deaf) Claim(ctx context.Context, group string, c es.Claim, member uuid.UUID) (es.Partition, error) {
	p, err := d.Store.Claim(ctx, group, c, member)
	if err == nil && d.claims.Add(1)%2 == 0 {
		return es.Partition{}, errLost
	}
	return p, err
}
