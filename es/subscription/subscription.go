package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Subscription delivers the events of a store to a handler or a [Sink]. Make one with
// [New] or [Into], and let it [Subscription.Run].
type Subscription struct {
	options
	name    string
	source  source
	handler Handler // nil if there is a sink
	sink    Sink
	keeper  Keeper // the sink, if it keeps the position
	running atomic.Bool
	status  tracking

	identity es.Identity // of the store, for a keeper
}

// source is what a subscription needs of its store.
type source struct {
	store       es.Store
	feed        es.Feed
	checkpoints es.Checkpoints
	tracker     es.Tracker // nil if the store has none
	watcher     es.Watcher // nil if the store has none
	parking     es.Parking // nil if the store has none
	groups      es.Groups  // nil unless it is asked for
	readers     es.Readers // nil if the store has none
	identified  es.Identified
}

// Handler handles events, in the order of the feed. Each comes at least once: what was handled since
// the last checkpoint comes again after a crash, so a handler must not mind.
type Handler interface {
	// Handle handles events, at least one. An error means that none of them counts as
	// handled. The context outlives the one given to Run by [Grace], so that work in hand can be finished.
	// The slice is the handler's until it returns; the events may be kept. A panic is an error like another: see
	// [PanicError].
	Handle(ctx context.Context, events []es.Recorded) error
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, events []es.Recorded) error

// Handle implements [Handler].
func (f HandlerFunc) Handle(ctx context.Context, events []es.Recorded) error { return f(ctx, events) }

// Each makes a handler of a function that handles one event. Where it fails, the events before count as
// handled. It is called for one event after the other: between them the position is recorded, as [CheckpointEvery] says, and
// the subscription can be stopped.
func Each(handle func(ctx context.Context, rec es.Recorded) error) Handler { return each(handle) }

type each func(ctx context.Context, rec es.Recorded) error

// Handle implements [Handler]. There is more than one event where a handler of the user's passes them on.
func (f each) Handle(ctx context.Context, events []es.Recorded) error {
	for i, rec := range events {
		if err := Caught(func() error { return f(ctx, rec) }); err != nil {
			return &failedAt{i, err}
		}
	}
	return nil
}

func (f each) portion([]es.Recorded) int { return 1 }

// failedAt tells which event of several has failed: those before it are handled.
type failedAt struct {
	index int
	err   error
}

func (f *failedAt) Error() string { return f.err.Error() }
func (f *failedAt) Unwrap() error { return f.err }

// Batch is what a [Sink] has to make true at once.
type Batch struct {
	// Events are to be handled, in the order of the feed. There may be none: then only the
	// position has moved, over events that the filter leaves out.
	Events []es.Recorded
	// Progress is to be recorded together with what the events do, unchanged: with
	// RecordTx of the store, in the transaction that holds the effect. It is nothing to a [Keeper].
	Progress es.Progress
	// Mark is to be committed by a [Keeper], and nothing to others.
	Mark Mark
}

// Sink handles events and records the progress itself, both in one transaction: where the effect
// lives in the store's own database, it happens exactly once. Use [Into].
type Sink interface {
	// Commit handles a batch and records its progress, all or nothing. Where the record is
	// refused with [es.ErrFenced], it must return that error and leave no effect.
	Commit(ctx context.Context, b Batch) error
}

// SinkFunc is a function as a [Sink].
type SinkFunc func(ctx context.Context, b Batch) error

// Commit implements [Sink].
func (f SinkFunc) Commit(ctx context.Context, b Batch) error { return f(ctx, b) }

// ErrRunning: the subscription runs already.
var ErrRunning = errors.New("the subscription runs already")

// ErrMixed: a group is to begin under the name of a subscription that is none, elsewhere than where that one is, or
// the other way round: what was handled would be handled again, or what was not be skipped.
var ErrMixed = errors.New("a subscription and a group have one name")

// New returns a subscription that hands the store's events to a handler and keeps
// its position in the store, as the checkpoint of a name. Subscriptions of one name share
// that position: give each its own. The store needs [es.Feed] and [es.Checkpoints].
func New(store es.Store, name string, h Handler, opts ...Option) (*Subscription, error) {
	return newSubscription(store, name, h, nil, opts)
}

// Into returns a subscription whose events go into a sink, which records the progress. The store
// needs [es.Feed] and [es.Tracker].
func Into(store es.Store, name string, sink Sink, opts ...Option) (*Subscription, error) {
	return newSubscription(store, name, nil, sink, opts)
}

func newSubscription(store es.Store, name string, h Handler, sink Sink, opts []Option) (*Subscription, error) {
	s := &Subscription{options: defaults(), name: name, handler: h, sink: sink}
	s.keeper, _ = sink.(Keeper)
	for _, opt := range opts {
		opt(&s.options)
	}
	if routes, ok := h.(interface{ Categories() []string }); ok && len(s.categories) == 0 {
		s.categories = routes.Categories()
	}
	err := es.ValidateCheckpointName(name)
	if err == nil {
		err = s.options.validate()
	}
	if err == nil {
		err = es.FeedQuery{Categories: s.categories, Types: s.types}.Validate()
	}
	if err == nil {
		err = s.connect(store)
	}
	if err != nil {
		return nil, fmt.Errorf("subscription %.80q: %w", name, err)
	}
	s.status.state, s.status.name, s.status.changed = Stopped, s.name, s.onChange
	return s, nil
}

// connect finds what the subscription needs in its store.
func (s *Subscription) connect(store es.Store) error {
	s.source.store = store
	var feeds, checks, tracks, identified bool
	groups := s.partitions == 0
	s.source.feed, feeds = es.Capability[es.Feed](store)
	s.source.checkpoints, checks = es.Capability[es.Checkpoints](store)
	s.source.tracker, tracks = es.Capability[es.Tracker](store)
	s.source.watcher, _ = es.Capability[es.Watcher](store)
	if s.keeper == nil {
		s.source.parking, _ = es.Capability[es.Parking](store)
	}
	if !groups {
		s.source.groups, groups = es.Capability[es.Groups](store)
	}
	s.source.readers, _ = es.Capability[es.Readers](store)
	s.source.identified, identified = es.Capability[es.Identified](store)
	switch {
	case !feeds:
		return fmt.Errorf("%T has no feed of all events (es.Feed)", store)
	case s.keeper != nil && !identified:
		return fmt.Errorf("%T has no identity (es.Identified), without which a mark outside of it means nothing", store)
	case s.keeper != nil && (s.parkLimit != 0 || s.partitions != 0):
		return errors.New("a Keeper can neither park nor be a group: the store would have to keep its position")
	case s.keeper != nil:
		return nil
	case !checks:
		return fmt.Errorf("%T keeps no checkpoints (es.Checkpoints)", store)
	case !tracks && s.sink != nil:
		return fmt.Errorf("%T does not notice that somebody else moves a checkpoint (es.Tracker), which a sink relies on", store)
	case s.parkLimit > 0 && (s.source.parking == nil || !tracks):
		return fmt.Errorf("%T can't keep parked streams (es.Parking, es.Tracker)", store)
	case !groups:
		return fmt.Errorf("%T can't keep groups (es.Groups)", store)
	}
	return nil
}

// Name returns the subscription's name.
func (s *Subscription) Name() string { return s.name }

// Run delivers events until the context ends, which is the way to stop it: the batch in hand is then
// finished, or with [Each] and [Typed] the event in hand, the position recorded, and Run returns nil. It returns an error when it can't go on:
// the handler failed for good, somebody else moved the checkpoint ([es.ErrFenced]), the store was set
// back ([es.ErrBeyondHead]) or closed ([es.ErrClosed]). Failures of the store that may pass are waited
// for. A subscription may be run again after it returned, but not twice at once ([ErrRunning]).
func (s *Subscription) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer s.running.Store(false)
	work, cancel := s.graceful(ctx)
	defer cancel()
	s.status.began()
	err := s.run(ctx, work)
	s.status.ended(err)
	if err != nil {
		return fmt.Errorf("subscription %q: %w", s.name, err)
	}
	return nil
}

// graceful returns a context for work in hand: it ends some time after the other.
func (s *Subscription) graceful(ctx context.Context) (work context.Context, cancel func()) {
	work, cancelWork := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.grace, cancelWork)
		context.AfterFunc(work, func() { timer.Stop() })
	})
	return work, func() {
		stop()
		cancelWork()
	}
}

func (s *Subscription) run(ctx, work context.Context) error {
	if s.source.groups != nil {
		return s.runMember(ctx, work)
	}
	at, err := s.begin(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	for {
		d := delivery{Subscription: s, stored: at, at: at}
		err := d.run(ctx, work)
		if !errors.Is(err, es.ErrFenced) || len(d.doubtful) == 0 || s.keeper != nil {
			return err
		}
		// What seems to be another's record may be one of this run's, of which the answer was lost.
		if at, err = s.begin(ctx); ctx.Err() != nil {
			return nil // it stands where it stands: the next run asks
		}
		if err != nil || !slices.Contains(d.doubtful, at) {
			return cmp.Or(err, error(&es.FencedError{Name: s.name, Partition: -1}))
		}
	}
}

// begin returns the position to go on from. Without a checkpoint it is where the options say, which is
// recorded at once: a second start means the same.
func (s *Subscription) begin(ctx context.Context) (at es.Position, err error) {
	if s.keeper != nil {
		return s.beginMarked(ctx)
	}
	err = s.persistently(ctx, "reading the checkpoint", func() error {
		at, err = s.source.checkpoints.Checkpoint(ctx, s.name)
		if err == nil && at > 0 {
			err = s.alone(ctx, at)
		}
		if err != nil || at > 0 {
			return err
		}
		if known, err := s.known(ctx); err != nil || known {
			return err
		}
		start, err := s.start(ctx, s.source.feed)
		if err == nil {
			err = s.record(ctx, es.Progress{Name: s.name, To: start})
		}
		at = start
		return err
	})
	return at, err
}

// alone refuses to go on from a checkpoint where there is a group of its name that has come further: it was made of
// this subscription.
func (s *Subscription) alone(ctx context.Context, at es.Position) error {
	groups, ok := es.Capability[es.Groups](s.source.store)
	if !ok {
		return nil
	}
	state, err := groups.Group(ctx, s.name)
	if errors.Is(err, es.ErrNotFound) {
		return nil
	}
	for _, p := range state.Partitions {
		if p.Position > at {
			return fmt.Errorf("%w: the checkpoint is at position %d, and there is a group of %d partitions that has come to %d: run with Group(%d)", ErrMixed, at, len(state.Partitions), p.Position, len(state.Partitions))
		}
	}
	return err
}

// known reports whether there is a checkpoint, which may be at 0: that of a subscription which was to start with what is
// appended after its first run, and came before the first event.
func (s *Subscription) known(ctx context.Context) (bool, error) {
	if s.source.readers == nil {
		return false, nil
	}
	all, err := s.source.readers.Readers(ctx)
	for _, r := range all { // of one name, the checkpoint first
		switch {
		case r.Name == s.name && r.Partitions == 0:
			return true, nil
		case r.Name == s.name:
			return false, fmt.Errorf("%w: it is a group of %d partitions, up to position %d at least: run with Group(%d)", ErrMixed, r.Partitions, r.Position, r.Partitions)
		}
	}
	return false, err
}

// record stores progress of a handler.
func (s *Subscription) record(ctx context.Context, p es.Progress) error {
	if s.source.tracker != nil {
		return s.source.tracker.Record(ctx, p)
	}
	return s.source.checkpoints.SaveCheckpoint(ctx, p.Name, p.To)
}
