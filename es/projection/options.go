package projection

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

type options struct {
	partitions int
	batch      int
	takeover   time.Duration
	progress   func(Progress)
	logger     *slog.Logger
	delivery   []subscription.Option
}

// Option changes how a projection works.
type Option func(*options)

func defaults() options {
	return options{partitions: 1, batch: 500, takeover: 3 * time.Second, progress: func(Progress) {}, logger: slog.Default()}
}

func (o *options) validate() error {
	switch {
	case o.partitions < 1 || o.partitions > es.MaxPartitions:
		return fmt.Errorf("option Partitions: %d, 1 to %d are allowed", o.partitions, es.MaxPartitions)
	case o.batch < 1:
		return fmt.Errorf("option BatchSize is %d: it must be above 0", o.batch)
	case o.takeover <= 0:
		return fmt.Errorf("option Takeover is %v: it must be above 0", o.takeover)
	case o.progress == nil || o.logger == nil:
		return fmt.Errorf("an option is nil")
	}
	return nil
}

// Partitions has a version built by so many transactions at once: each handles the events of its share of the
// streams, see [es.Stream.Partition]. Then the events of a stream come in order, those of different
// streams in any: rows that several streams change must not depend on their order, and a sum of theirs
// must be changed by adding to it. Once the version is built, all events come in order, in one
// transaction after the other. The default is 1: always in order.
//
// It gains something on PostgreSQL. An SQLite file has one writer at a time.
func Partitions(n int) Option { return func(o *options) { o.partitions = n } }

// BatchSize sets how many events are handled in one transaction at most. The default is 500. More make a
// rebuild faster; on SQLite appends wait for each transaction.
func BatchSize(n int) Option { return func(o *options) { o.batch = n } }

// Takeover sets how long the recorded progress must stand still, though there is work, before another
// process that runs the same version goes on with it. It must be longer than a batch takes, and than the interval of
// [subscription.CheckpointEvery], which is a quarter of it unless [Delivery] says otherwise, 250 milliseconds at most. The
// default is 3 seconds.
func Takeover(d time.Duration) Option { return func(o *options) { o.takeover = d } }

// OnProgress is told several times a second how far a version is that is being built, and once
// more when it serves. It is called by one goroutine at a time.
func OnProgress(f func(Progress)) Option { return func(o *options) { o.progress = f } }

// Logger sets where the projection reports failures that it gets over. The default is
// [slog.Default].
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Delivery adds options for the subscription that delivers events in order: how often an event is tried, or what
// happens to its stream then. The position is the projection's: leave out Group and StartAt. They don't hold while a version is
// built in parallel: there an event is tried five times, and ends the building.
func Delivery(opts ...subscription.Option) Option {
	return func(o *options) { o.delivery = append(o.delivery, opts...) }
}

// Progress is how far the building of a version has come.
type Progress struct {
	Version int
	// Position is how far it is, and Head how far it has to get: the head of the feed, which moves. Where it
	// is built in parallel, Position is the mean of the partitions.
	Position, Head es.Position
	// Events were handled by this process, and Rate is how many it handled a second since the
	// building began.
	Events int64
	Rate   float64
	// Elapsed is the time since this process began.
	Elapsed time.Duration
	// Serving is set at the end.
	Serving bool
}
