package repository

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// retryPolicy is how often a call tries again, and how long it waits before.
type retryPolicy struct {
	max           int
	base, ceiling time.Duration
}

var defaultRetry = retryPolicy{max: 16, base: time.Millisecond, ceiling: 200 * time.Millisecond}

// longest is the upper bound of the pause before the n-th retry, from 1.
func (p retryPolicy) longest(n int) time.Duration {
	d := p.base
	for range n - 1 {
		if d >= p.ceiling/2 {
			return p.ceiling
		}
		d *= 2
	}
	return min(d, p.ceiling)
}

// retries counts the retries of one call.
type retries struct {
	policy retryPolicy
	done   int
}

// next waits until the call may try again after cause. It returns an error that
// wraps cause when it may not: the retries are used up or the context has ended.
func (r *retries) next(ctx context.Context, cause error) error {
	if r.done >= r.policy.max {
		if r.done == 0 {
			return cause
		}
		return fmt.Errorf("giving up after %d tries: %w", r.done+1, cause)
	}
	r.done++
	// Full jitter: writers that collided must not meet again.
	pause := time.Duration(rand.Int64N(int64(max(r.policy.longest(r.done), 1))))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped before retry %d: %w, after: %w", r.done, err, cause)
	}
	return nil
}
