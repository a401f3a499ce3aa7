package sqlite

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/esgen-go/esgen/es"
)

// retryBusy runs f until no other connection is in its way. SQLite's own busy
// handler is not used: it does not run in every case (a change to WAL mode, the
// recovery after a crash), it gives up after a time, and its long sleeps let a
// process starve.
func retryBusy(ctx context.Context, closing <-chan struct{}, f func() error) error {
	for b := (backoff{}); ; {
		err := f()
		if !isBusy(err) {
			return err
		}
		if err := b.wait(ctx, closing); err != nil {
			return err
		}
	}
}

// backoff waits for another process, a little longer each time, at random.
type backoff struct{ limit time.Duration }

const (
	shortestWait = 100 * time.Microsecond
	longestWait  = 2 * time.Millisecond
)

func (b *backoff) wait(ctx context.Context, closing <-chan struct{}) error {
	b.limit = min(max(2*b.limit, shortestWait), longestWait)
	t := time.NewTimer(b.limit/2 + rand.N(b.limit))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-closing:
		return es.ErrClosed
	}
}
