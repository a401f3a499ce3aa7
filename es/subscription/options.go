package subscription

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
)

type options struct {
	categories, types []string
	start             Start
	batch             int
	checkpointEvents  int
	checkpointAfter   time.Duration
	poll              time.Duration
	grace             time.Duration
	backoff           Backoff
	logger            *slog.Logger
}

// Option changes how a subscription works.
type Option func(*options)

func defaults() options {
	return options{
		start:            Beginning,
		batch:            500,
		checkpointEvents: 10_000,
		checkpointAfter:  time.Second,
		poll:             time.Second,
		grace:            10 * time.Second,
		backoff:          Backoff{Attempts: 5, First: 100 * time.Millisecond, Max: 5 * time.Second},
		logger:           slog.Default(),
	}
}

func (o *options) validate() error {
	for name, n := range map[string]int64{
		"BatchSize": int64(o.batch), "CheckpointEvery's number": int64(o.checkpointEvents), "CheckpointEvery's interval": int64(o.checkpointAfter),
		"Poll": int64(o.poll), "Retry's attempts": int64(o.backoff.Attempts), "Retry's first wait": int64(o.backoff.First),
	} {
		if n <= 0 {
			return fmt.Errorf("option %s is %d: it must be above 0", name, n)
		}
	}
	switch {
	case o.grace < 0:
		return fmt.Errorf("option Grace is %v: it must not be below 0", o.grace)
	case o.backoff.Max < o.backoff.First:
		return fmt.Errorf("option Retry: the longest wait %v is below the first, %v", o.backoff.Max, o.backoff.First)
	case o.start == nil:
		return errors.New("option StartAt is nil")
	}
	return nil
}

// Categories delivers events of these categories alone. The store leaves out the others. Given
// again, it adds to them. The default is all.
func Categories(names ...string) Option {
	return func(o *options) { o.categories = append(slices.Clip(o.categories), names...) }
}

// Types delivers events of these types alone, by their stored names. The store leaves out the others. Given
// again, it adds to them. The default is all.
func Types(names ...string) Option {
	return func(o *options) { o.types = append(slices.Clip(o.types), names...) }
}

// Start says where a subscription begins that has no checkpoint yet: [Beginning], [Now] or
// [After].
type Start func(ctx context.Context, feed es.Feed) (es.Position, error)

// Beginning starts with the first event of the store.
func Beginning(context.Context, es.Feed) (es.Position, error) { return 0, nil }

// Now starts with what is appended after the subscription's first run.
func Now(ctx context.Context, feed es.Feed) (es.Position, error) { return feed.Head(ctx) }

// After starts with the first event after a position.
func After(p es.Position) Start {
	return func(context.Context, es.Feed) (es.Position, error) { return p, p.Validate() }
}

// StartAt says where the subscription begins if it has no checkpoint yet. The default is
// [Beginning].
func StartAt(start Start) Option { return func(o *options) { o.start = start } }

// BatchSize sets how many events a handler or sink gets at most at once. The default is 500. A batch is
// never waited for: in live delivery it holds what there is. At most three batches are in memory.
func BatchSize(n int) Option { return func(o *options) { o.batch = n } }

// CheckpointEvery sets how many events are handled, or how much time passes, whichever comes first,
// before the position is recorded: what was handled since comes again after a crash. The default
// is 10,000 events or one second. A sink records every batch that has events; for it this sets how often a
// position without events is recorded.
func CheckpointEvery(events int, interval time.Duration) Option {
	return func(o *options) { o.checkpointEvents, o.checkpointAfter = events, interval }
}

// Poll sets how often the feed is read without a signal of the store, as a safety net. The default is
// one second.
func Poll(d time.Duration) Option { return func(o *options) { o.poll = d } }

// Grace sets how long the work in hand may go on after Run's context has ended, before the
// handler's context ends too. The default is 10 seconds.
func Grace(d time.Duration) Option { return func(o *options) { o.grace = d } }

// Retry sets what happens when a handler fails. See [Backoff] for the default.
func Retry(b Backoff) Option { return func(o *options) { o.backoff = b } }

// Logger sets where the subscription reports failures that it gets over. The default is
// [slog.Default].
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }
