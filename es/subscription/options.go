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
	parkLimit         int // 0: failures stop the subscription
	partitions        int // of the group; 0: there is none
	lease             time.Duration
	await             func(ctx context.Context, p es.Position) error // nil: nothing is waited for
	onChange          func(Status)
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
		backoff:          Backoff{}.orDefaults(),
		lease:            3 * time.Second,
		logger:           slog.Default(),
	}
}

func (o *options) validate() error {
	for name, n := range map[string]int64{
		"BatchSize": int64(o.batch), "CheckpointEvery's number": int64(o.checkpointEvents), "CheckpointEvery's interval": int64(o.checkpointAfter),
		"Lease": int64(o.lease), "Poll": int64(o.poll), "Retry's attempts": int64(o.backoff.Attempts), "Retry's first wait": int64(o.backoff.First),
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
	case o.parkLimit < 0:
		return fmt.Errorf("option Park: %d streams: it must be above 0", o.parkLimit)
	case o.partitions < 0 || o.partitions > es.MaxPartitions:
		return fmt.Errorf("option Group: %d partitions, 1 to %d are allowed", o.partitions, es.MaxPartitions)
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

// Retry sets what happens when a handler fails. See [Backoff] for the defaults.
func Retry(b Backoff) Option { return func(o *options) { o.backoff = b.orDefaults() } }

// Park sets aside the stream of an event that its handler fails, instead of stopping the subscription: later
// events of that stream wait behind it, others go on at once. The event is tried again as [Retry]
// says, and after the last attempt waits for somebody to look at it: [es.Parking], which the store
// implements, lists what is parked with its errors, and takes the verdict to retry or to skip. The
// running subscription follows it within seconds, also in another process.
//
// When so many streams are parked, the subscription stops with [ErrParked] rather than parks more: then it is not
// the events' fault. See [Passing] for that.
func Park(limit int) Option {
	return func(o *options) {
		if o.parkLimit = limit; limit == 0 {
			o.parkLimit = -1 // refused
		}
	}
}

// Group makes the subscription a member of a group that goes by its name: each process that runs it gets a share
// of the group's partitions, and each stream belongs to one (see [es.Stream.Partition]). The number of
// partitions bounds how many members can work at once. It is fixed when the group is created, and a member that comes
// with another is refused with [es.ErrPartitions].
func Group(partitions int) Option {
	return func(o *options) {
		if o.partitions = partitions; partitions == 0 {
			o.partitions = -1 // refused
		}
	}
}

// Lease sets how long a member of a group may give no sign of life before the others take its partitions. It
// gives one about six times as often. The default is 3 seconds. All members should have the same.
func Lease(d time.Duration) Option { return func(o *options) { o.lease = d } }

// Await has a function called before events are handled, with the position of the last of them, that waits until
// they may be: [projection.Projection.WaitFor] of a read model that the handler looks at. What it has waited for must stay true. Its
// context ends with Run's, so that a stop does not wait for it. Where it fails it is called again, unless the store was closed or set
// back.
//
// [projection.Projection.WaitFor]: https://pkg.go.dev/github.com/esgen-go/esgen/es/projection#Projection.WaitFor
func Await(until func(ctx context.Context, p es.Position) error) Option {
	return func(o *options) { o.await = until }
}

// OnChange has a function called whenever the subscription's state, its partitions, the number of parked streams
// or whether it has an error changes, with a status that lacks what only the store knows: Head, Behind, Lag. It is
// called by the goroutines that deliver, one at a time, so it must be quick. [Subscription.Status] tells how
// things are at any time.
func OnChange(call func(Status)) Option { return func(o *options) { o.onChange = call } }

// Logger sets where the subscription reports failures that it gets over. The default is
// [slog.Default].
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }
