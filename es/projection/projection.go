package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

// Store is what a projection needs of a store beside its feed: transactions that hold the read model's rows together
// with progress. *postgres.Store is a Store[pgx.Tx], and *sqlite.Store a Store[*sql.Tx].
type Store[TX any] interface {
	// InTx runs f in a transaction and commits it, unless f fails. A failure that is not f's fault
	// matches [es.ErrTxLost].
	InTx(ctx context.Context, f func(ctx context.Context, tx TX) error) error
	// ReadTx runs f in a transaction that sees one moment, and only reads.
	ReadTx(ctx context.Context, f func(ctx context.Context, tx TX) error) error
	// RecordTx is [es.Tracker].Record in a transaction.
	RecordTx(ctx context.Context, tx TX, p es.Progress) error
	// CheckpointTx returns a checkpoint, 0 if there is none, and keeps it where it is until the transaction ends.
	CheckpointTx(ctx context.Context, tx TX, name string) (es.Position, error)
	// AppendTx is [es.Store].Append in a transaction.
	AppendTx(ctx context.Context, tx TX, writes ...es.Write) (es.Receipt, error)
	// ReadModelTx returns what is known of a read model.
	ReadModelTx(ctx context.Context, tx TX, name string) (es.ReadModel, error)
	// ChangeReadModelTx changes that, and keeps others from doing so until the transaction ends.
	ChangeReadModelTx(ctx context.Context, tx TX, name string, change func(*es.ReadModel) error) error
	// ForgetTx removes the checkpoint and the group of a name.
	ForgetTx(ctx context.Context, tx TX, name string) error
}

// Definition says what a read model is made of.
type Definition[TX any] struct {
	// Name is that of the read model: 1 to 180 bytes of UTF-8. It names its checkpoints, too.
	Name string

	// Version is that of the read model's form, from 1. Raise it when Create or Handle make
	// something else of the events: the new version is then built beside the old one, which
	// serves until the new one has caught up.
	//
	// With 0 the projection follows the version that serves, from 1 on, and a new one is built only
	// by [Projection.Rebuild]: for read models of which the form never changes.
	Version int

	// Categories and Types are the events that it is made of. The store leaves out
	// others. The default is all.
	Categories, Types []string

	// Create makes what a version needs, such as its tables, which have the version in
	// their names. It is called once a version, in the transaction that notes the version.
	Create func(ctx context.Context, tx TX, version int) error

	// Handle applies events to a version's tables, in the transaction that records that
	// they are handled. So their effect there happens exactly once. Events come in the order of the
	// feed, but see [Partitions]. Anything that it does elsewhere may happen again, and
	// happens in a rebuild: that belongs into [Projection.Effects].
	//
	// It must use tx alone: what else asks the store for something, such as a repository's Load, waits for another connection of
	// the same pool while it holds one, so that a few of them wait for each other for ever.
	Handle func(ctx context.Context, tx TX, version int, events []es.Recorded) error

	// Drop removes what Create has made. It is called by [Projection.Drop].
	Drop func(ctx context.Context, tx TX, version int) error
}

func (d Definition[TX]) validate() error {
	const longest = 180 // leaves room for what is added to the name
	switch err := es.ValidateCheckpointName(d.Name); {
	case err != nil:
		return err
	case len(d.Name) > longest:
		return fmt.Errorf("the name is %d bytes, at most %d are allowed: %w", len(d.Name), longest, es.ErrInvalidName)
	case d.Version < 0:
		return fmt.Errorf("version %d: %w", d.Version, es.ErrNegative)
	case d.Create == nil || d.Handle == nil || d.Drop == nil:
		return errors.New("its definition lacks one of Create, Handle and Drop")
	}
	return nil
}

// What the methods of a projection return beside the errors of the store.
var (
	// ErrNotBuilt: no version serves yet. [Projection.Run] builds the first.
	ErrNotBuilt = errors.New("the read model is not built yet")
	// ErrDropped: the version was dropped, and a newer one serves.
	ErrDropped = errors.New("the version was dropped")
	// ErrSuperseded: a newer version serves, so this one never will.
	ErrSuperseded = errors.New("a newer version serves")
	// ErrServing: the version serves, and can't be dropped.
	ErrServing = errors.New("the version serves")
	// ErrRunning: the projection runs already.
	ErrRunning = errors.New("the projection runs already")
)

// Projection keeps a read model up to date. It is safe for concurrent use, and several
// processes may run the same one.
type Projection[TX any] struct {
	options
	def         Definition[TX]
	store       es.Store
	txs         Store[TX]
	feed        es.Feed
	checkpoints es.Checkpoints
	watcher     es.Watcher // nil if the store has none
	groups      es.Groups  // nil unless it builds in parallel
	running     atomic.Bool
	standing    atomic.Bool // by: another process does the work
	moves       moves
	status      atomic.Pointer[subscription.Subscription] // of the delivery under way
}

// New returns a projection over a store. The store needs [es.Feed], [es.Tracker] and [Store].
func New[TX any](store es.Store, def Definition[TX], opts ...Option) (*Projection[TX], error) {
	p := &Projection[TX]{options: defaults(), def: def, store: store, moves: newMoves()}
	for _, opt := range opts {
		opt(&p.options)
	}
	err := def.validate()
	if err == nil {
		err = p.options.validate()
	}
	if err == nil {
		err = p.connect(store)
	}
	if err == nil { // what it says of the filters and the rest is known before Run
		_, err = p.subscription(max(def.Version, 1))
	}
	if err != nil {
		return nil, fmt.Errorf("projection %.80q: %w", def.Name, err)
	}
	return p, nil
}

func (p *Projection[TX]) connect(store es.Store) error {
	var shares, feeds, checks, groups bool
	p.txs, shares = es.Capability[Store[TX]](store)
	p.feed, feeds = es.Capability[es.Feed](store)
	p.checkpoints, checks = es.Capability[es.Checkpoints](store)
	p.watcher, _ = es.Capability[es.Watcher](store)
	p.groups, groups = es.Capability[es.Groups](store)
	switch {
	case !shares:
		var tx TX
		return fmt.Errorf("%T shares no transactions of type %T (projection.Store)", store, tx)
	case !feeds || !checks:
		return fmt.Errorf("%T has no feed or no checkpoints (es.Feed, es.Checkpoints)", store)
	case !groups && p.partitions > 1:
		return fmt.Errorf("%T keeps no groups (es.Groups), which building in parallel needs", store)
	}
	return nil
}

// Name returns the read model's name.
func (p *Projection[TX]) Name() string { return p.def.Name }

// CheckpointName returns the name of a version's checkpoint in the store.
func CheckpointName(name string, version int) string { return fmt.Sprintf("%s@%d", name, version) }

func (p *Projection[TX]) checkpoint(ctx context.Context, version int) (es.Position, error) {
	return p.checkpoints.Checkpoint(ctx, CheckpointName(p.def.Name, version))
}

// Versions tells which versions there are, and which serves.
func (p *Projection[TX]) Versions(ctx context.Context) (es.ReadModel, error) {
	m, err := p.known(ctx)
	return m, p.wrap(err)
}

func (p *Projection[TX]) known(ctx context.Context) (m es.ReadModel, err error) {
	err = p.txs.ReadTx(ctx, func(ctx context.Context, tx TX) (err error) {
		m, err = p.txs.ReadModelTx(ctx, tx, p.def.Name)
		return err
	})
	return m, err
}

// View runs f in a transaction that reads, with the version that is to be read: the one that serves. A
// build whose own version is older reads that for as long as it is there.
//
// f may be called again, if the version was dropped meanwhile. Like Handle it must use tx alone, and begin no other View.
func (p *Projection[TX]) View(ctx context.Context, f func(ctx context.Context, tx TX, version int) error) error {
	for {
		version := 0
		err := p.txs.ReadTx(ctx, func(ctx context.Context, tx TX) error {
			m, err := p.txs.ReadModelTx(ctx, tx, p.def.Name)
			if err != nil {
				return err
			}
			if version = p.readable(m); version == 0 {
				return ErrNotBuilt
			}
			return f(ctx, tx, version)
		})
		if err == nil || version == 0 {
			return p.wrap(err)
		}
		if m, failed := p.Versions(ctx); failed != nil || m.Has(version) {
			return p.wrap(err)
		}
	}
}

func (p *Projection[TX]) readable(m es.ReadModel) int {
	if own := p.def.Version; own > 0 && own < m.Serving && m.Has(own) {
		return own
	}
	return m.Serving
}

// Drop removes a version that doesn't serve, with all that it has. A process that still
// runs it ends with [ErrDropped]. Who reads it meanwhile is waited for; and so is the version that serves, where it is
// behind: readers of an older build go on with that, and must not go back in time.
func (p *Projection[TX]) Drop(ctx context.Context, version int) error {
	doubtful := false // whether it was dropped by a transaction that seemed to fail
	for {
		err := persistently(ctx, p.logger, func() error {
			err := p.txs.InTx(ctx, func(ctx context.Context, tx TX) error { return p.drop(ctx, tx, version) })
			if doubtful && errors.Is(err, es.ErrNotFound) {
				return nil
			}
			doubtful = doubtful || errors.Is(err, es.ErrOutcomeUnknown)
			return err
		})
		if !errors.Is(err, errBehind) {
			return p.wrap(err)
		}
		if ended := sleep(ctx, watchEvery); ended != nil {
			return p.wrap(fmt.Errorf("dropping version %d: %w: %w: does anybody run it?", version, ended, err))
		}
	}
}

func (p *Projection[TX]) drop(ctx context.Context, tx TX, version int) error {
	return p.txs.ChangeReadModelTx(ctx, tx, p.def.Name, func(m *es.ReadModel) error {
		switch {
		case m.Serving == version:
			return fmt.Errorf("version %d: %w: build a newer one first", version, ErrServing)
		case !m.Has(version):
			return fmt.Errorf("version %d: %w", version, es.ErrNotFound)
		case version < m.Serving:
			if err := p.notBehind(ctx, tx, m.Serving, version); err != nil {
				return err
			}
		}
		if err := p.txs.ForgetTx(ctx, tx, CheckpointName(p.def.Name, version)); err != nil {
			return err
		}
		m.Remove(version)
		return p.def.Drop(ctx, tx, version)
	})
}

// notBehind fails with errBehind unless a version has handled all that another has. Both stay where they are until the
// transaction is over.
func (p *Projection[TX]) notBehind(ctx context.Context, tx TX, version, other int) error {
	ours, err := p.txs.CheckpointTx(ctx, tx, CheckpointName(p.def.Name, version))
	if err != nil {
		return err
	}
	theirs, err := p.txs.CheckpointTx(ctx, tx, CheckpointName(p.def.Name, other))
	if err == nil && ours < theirs {
		err = fmt.Errorf("version %d is at position %d, %w version %d, at %d", version, ours, errBehind, other, theirs)
	}
	return err
}

// errBehind: what is to be read instead of a version has not all that it has.
var errBehind = errors.New("behind")

func (p *Projection[TX]) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("projection %q: %w", p.def.Name, err)
	}
	return nil
}

// Status tells how the delivery to the version that this process keeps up to date is doing, as
// [subscription.Subscription.Status] does. Where there is none only the state is known: stopped, standing by while another process
// does the work, or catching up, as while a version is built in parallel: see [OnProgress].
func (p *Projection[TX]) Status(ctx context.Context) (subscription.Status, error) {
	if s := p.status.Load(); s != nil {
		return s.Status(ctx)
	}
	status := subscription.Status{Name: p.def.Name, State: subscription.Stopped}
	switch {
	case p.running.Load() && p.standing.Load():
		status.State = subscription.StandingBy
	case p.running.Load():
		status.State = subscription.CatchingUp
	}
	return status, nil
}

// moves wakes those who wait for the checkpoint to move in this process.
type moves struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next move
}

func newMoves() moves { return moves{next: make(chan struct{})} }

func (m *moves) moved() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.next)
	m.next = make(chan struct{})
}

func (m *moves) wait() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.next
}

// WaitFor waits until the version that serves has handled all events up to a position, whichever process
// does that: of a receipt, so that a reader sees what it has written. What is true for it stays
// true: a version begins to serve only when it is as far as the one before.
//
// It looks at the recorded progress when this process has made some, when the store signals
// appends, and every few milliseconds. It does not see to it that anybody runs the
// projection: give it a context that ends. Before the first version serves, it waits for that, and
// it waits for failures of the database that may pass.
func (p *Projection[TX]) WaitFor(ctx context.Context, position es.Position) error {
	return p.waitFor(ctx, position, 0)
}

// reached reports whether the version to be read is no older than least, and has handled all up to a position.
func (p *Projection[TX]) reached(ctx context.Context, position es.Position, least int) (bool, error) {
	m, err := p.known(ctx)
	if version := p.readable(m); err == nil && version >= max(least, 1) {
		at, err := p.checkpoint(ctx, version)
		return at >= position, err
	}
	return false, err
}

// waitFor waits also until no version below least is the one to be read.
func (p *Projection[TX]) waitFor(ctx context.Context, position es.Position, least int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var signals <-chan struct{}
	if p.watcher != nil {
		signals = p.watcher.Watch(ctx)
	}
	const longest = 50 * time.Millisecond
	for wait := time.Millisecond; ; wait = min(2*wait, longest) {
		moved := p.moves.wait()
		var there bool
		err := persistently(ctx, p.logger, func() (err error) {
			there, err = p.reached(ctx, position, least)
			return lost(ctx, err)
		})
		if there || err != nil {
			return p.wrap(err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-moved:
		case _, open := <-signals:
			if !open {
				signals = nil
			}
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return p.wrap(fmt.Errorf("waiting for position %d: %w", position, ctx.Err()))
		}
	}
}
