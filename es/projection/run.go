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

// Run keeps the read model up to date until the context ends, and then returns nil. A version that does
// not exist yet is built first, and begins to serve when it has caught up; see [Projection.Rebuild]
// for the errors.
//
// Several processes may run the same version: one does the work, and the others take over when it
// stands still. Different versions run side by side.
func (p *Projection[TX]) Run(ctx context.Context) error {
	return p.once(func() error {
		for {
			version, err := p.own(ctx)
			if err != nil {
				return unless(ctx, err)
			}
			r := &run[TX]{Projection: p, version: version, began: time.Now(), follows: p.def.Version == 0}
			if err := r.run(ctx); !errors.Is(err, errFollow) {
				return unless(ctx, p.wrap(err))
			}
		}
	})
}

// CatchUp brings the read model to the head of the feed as it is now, and returns: what a program
// does that doesn't run for long. Where the projection runs already, here or in another process, it is left to that. A
// version that is defined and does not serve yet is built. The errors are those of [Projection.Build].
func (p *Projection[TX]) CatchUp(ctx context.Context) error {
	head, err := p.feed.Head(ctx)
	if err != nil {
		return p.wrap(err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(nil)
	running.Go(func() {
		if err := p.Run(ctx); !errors.Is(err, ErrRunning) {
			stop(err)
		}
	})
	err = p.waitFor(ctx, head, p.def.Version)
	if err != nil && ctx.Err() != nil { // Run has failed, or the caller gave up
		return context.Cause(ctx)
	}
	return err
}

// own is the version that this process keeps: the one that is defined, or the one that serves.
func (p *Projection[TX]) own(ctx context.Context) (version int, err error) {
	if p.def.Version > 0 {
		return p.def.Version, nil
	}
	err = persistently(ctx, p.logger, func() error {
		m, err := p.Versions(ctx)
		version = max(m.Serving, 1)
		return lost(ctx, err)
	})
	return version, err
}

// Build builds the version, unless it serves already, and returns when it serves. It goes on where an
// earlier building was broken off. The error is [ErrSuperseded] or [ErrDropped] where a newer
// version serves, a *[subscription.EventError] where Handle fails for good, the
// context's, or the store's.
func (p *Projection[TX]) Build(ctx context.Context) error {
	return p.once(func() error {
		version, err := p.own(ctx)
		if err != nil {
			return err
		}
		return p.build(ctx, version)
	})
}

// Rebuild builds the version after the one that serves, or goes on with it where that was broken off,
// and returns it when it serves. It is for projections that follow: their Version is 0. Processes that
// run them then go on with the new version. The old one is left: see [Projection.Drop].
// The errors are those of [Projection.Build].
func (p *Projection[TX]) Rebuild(ctx context.Context) (version int, err error) {
	err = p.once(func() error {
		if p.def.Version != 0 {
			return p.wrap(fmt.Errorf("version %d is defined: raise it, and use Build", p.def.Version))
		}
		m, err := p.Versions(ctx)
		if err != nil {
			return err
		}
		version = m.Serving + 1
		return p.build(ctx, version)
	})
	return version, err
}

func (p *Projection[TX]) build(ctx context.Context, version int) error {
	r := &run[TX]{Projection: p, version: version, began: time.Now(), ends: true}
	return p.wrap(r.run(ctx))
}

func (p *Projection[TX]) once(f func() error) error {
	if !p.running.CompareAndSwap(false, true) {
		return p.wrap(ErrRunning)
	}
	defer p.running.Store(false)
	return f()
}

// unless drops an error that comes of the context's end.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// run is the work on one version.
type run[TX any] struct {
	*Projection[TX]
	version    int
	partitions int  // that it is built by; as whoever created it has settled
	ends       bool // when the version serves
	follows    bool // ends with errFollow when another serves
	began      time.Time
	events     atomic.Int64 // handled
	serving    atomic.Bool
}

var (
	errFollow = errors.New("another version serves")
	errServes = errors.New("it serves")
)

func (r *run[TX]) run(ctx context.Context) error {
	var takeOver bool
	err := persistently(ctx, r.logger, func() error { return r.prepare(ctx) })
	for err == nil {
		err = persistently(ctx, r.logger, func() error { return r.advance(ctx, takeOver) })
		if errors.Is(err, es.ErrFenced) {
			err = persistently(ctx, r.logger, func() error { return r.standBy(ctx) })
			takeOver = true
		}
		if _, failed := errors.AsType[*subscription.EventError](err); failed { // as it does without its tables
			if _, over := r.current(ctx); over != nil && !errors.Is(over, es.ErrTxLost) {
				err = over
			}
		}
	}
	if errors.Is(err, errServes) {
		return nil
	}
	return err
}

// prepare creates the version, if need be.
func (r *run[TX]) prepare(ctx context.Context) error {
	head, err := r.head(ctx)
	if err != nil {
		return err
	}
	return r.txs.InTx(ctx, func(ctx context.Context, tx TX) error {
		return r.txs.ChangeReadModelTx(ctx, tx, r.def.Name, func(m *es.ReadModel) error {
			if err := r.look(*m); err != nil {
				return err
			}
			switch {
			case m.Has(r.version):
				return nil
			case m.Serving > r.version:
				return fmt.Errorf("version %d: %w: %d serves", r.version, ErrDropped, m.Serving)
			}
			r.partitions = r.Projection.partitions
			if head == 0 {
				r.partitions = 1 // there is nothing to build, and no position to unite partitions at
			}
			m.Add(r.version, r.partitions)
			// A process that still worked on a version of this number when that was dropped may have left a checkpoint.
			if err := r.txs.ForgetTx(ctx, tx, CheckpointName(r.def.Name, r.version)); err != nil {
				return err
			}
			return r.def.Create(ctx, tx, r.version)
		})
	})
}

// look tells from what is known of the versions why the work on this one is over, if it is.
func (r *run[TX]) look(m es.ReadModel) error {
	r.serving.Store(m.Serving == r.version)
	if n := m.PartitionsOf(r.version); n > 0 {
		r.partitions = n
	}
	switch {
	case m.Serving == r.version && r.ends:
		return errServes
	case m.Serving > r.version && r.ends:
		return fmt.Errorf("version %d: %w: it is %d", r.version, ErrSuperseded, m.Serving)
	case m.Serving != r.version && r.follows && m.Serving > 0:
		return errFollow
	}
	return nil
}

// advance does the work until somebody else does it, or the context ends.
func (r *run[TX]) advance(ctx context.Context, takeOver bool) error {
	at, err := r.position(ctx)
	if err != nil {
		return err
	}
	if at == 0 && r.partitions > 1 {
		if err := r.inParallel(ctx, takeOver); err != nil {
			return err
		}
	}
	return r.deliver(ctx)
}

// subscription delivers events into a version's tables.
func (p *Projection[TX]) subscription(version int) (*subscription.Subscription, error) {
	return (&run[TX]{Projection: p, version: version}).subscribe()
}

func (r *run[TX]) subscribe() (*subscription.Subscription, error) {
	opts := append([]subscription.Option{
		subscription.Categories(r.def.Categories...), subscription.Types(r.def.Types...),
		subscription.BatchSize(r.batch), subscription.Logger(r.logger),
		// Where there are no events the position moves often enough for those who stand by not to take over, and who
		// waits for it not to wait long.
		subscription.CheckpointEvery(10_000, min(250*time.Millisecond, r.takeover/4)),
	}, r.delivery...)
	return subscription.Into(r.store, CheckpointName(r.def.Name, r.version), r, opts...)
}

// deliver hands events on, in order, and sees to it that the version serves when it has caught up.
func (r *run[TX]) deliver(ctx context.Context) error {
	sub, err := r.subscribe()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.status.Store(sub)
	defer r.status.Store(nil)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := r.watch(ctx); err != nil {
			stop(err)
		}
	})
	err = sub.Run(ctx)
	stop(nil)
	watching.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// Commit implements [subscription.Sink].
func (r *run[TX]) Commit(ctx context.Context, b subscription.Batch) error {
	err := r.handle(ctx, b.Progress, b.Events)
	if err == nil {
		r.moves.moved()
	}
	return err
}

// handle applies events and records that, in one transaction. First it is recorded, so that
// who was overtaken learns of it before any work.
func (r *run[TX]) handle(ctx context.Context, p es.Progress, events []es.Recorded) error {
	err := r.txs.InTx(ctx, func(ctx context.Context, tx TX) error {
		if err := r.txs.RecordTx(ctx, tx, p); err != nil || len(events) == 0 {
			return err
		}
		return r.def.Handle(ctx, tx, r.version, events)
	})
	if err == nil {
		r.events.Add(int64(len(events)))
	}
	return err
}

const watchEvery = 100 * time.Millisecond // while a version is built

// watch has the version serve when it has caught up, and looks whether it is still to be kept. It ends
// with the reason why it is not.
func (r *run[TX]) watch(ctx context.Context) error {
	goal, err := r.head(ctx)
	for err == nil {
		var m es.ReadModel
		if m, err = r.current(ctx); err != nil {
			break
		}
		wait := r.takeover / 3
		if m.Serving < r.version {
			wait = watchEvery
			err = r.catchUp(ctx, goal, m.Serving)
		}
		if err == nil && sleep(ctx, wait) != nil {
			return nil
		}
	}
	return err
}

// current reads what is known of the versions, and returns why the work on this one is over, if it is.
func (r *run[TX]) current(ctx context.Context) (es.ReadModel, error) {
	m, err := r.Versions(ctx)
	if err != nil {
		return m, lost(ctx, err)
	}
	if err := r.look(m); err != nil {
		return m, err
	}
	if !m.Has(r.version) {
		return m, fmt.Errorf("version %d: %w", r.version, ErrDropped)
	}
	return m, nil
}

// catchUp has the version serve if it is as far as the goal, and as far as the version that serves
// before it.
func (r *run[TX]) catchUp(ctx context.Context, goal es.Position, before int) error {
	at, err := r.position(ctx)
	if err != nil {
		return err
	}
	head, err := r.head(ctx)
	if err != nil {
		return err
	}
	for try := 0; try < 5 && at >= goal && !r.serving.Load(); try++ { // both move meanwhile
		if err := r.switchOver(ctx, before); err != nil && !errors.Is(err, errBehind) && !errors.Is(err, es.ErrFenced) {
			return err
		}
	}
	r.report(at, head)
	if r.serving.Load() && r.ends {
		return errServes
	}
	return nil
}

// switchOver has the version serve, if it is not behind the one before. The transaction keeps both
// checkpoints where they are until it is over: readers never go back.
func (r *run[TX]) switchOver(ctx context.Context, before int) error {
	err := r.txs.InTx(ctx, func(ctx context.Context, tx TX) error {
		return r.txs.ChangeReadModelTx(ctx, tx, r.def.Name, func(m *es.ReadModel) error { // first, as Drop does
			if m.Serving != before || !m.Has(r.version) { // somebody else was faster
				return &es.FencedError{Name: r.def.Name, Partition: -1}
			}
			m.Serving = r.version
			if before == 0 {
				return nil
			}
			return r.notBehind(ctx, tx, r.version, before)
		})
	})
	if err == nil {
		r.serving.Store(true)
		r.moves.moved()
	}
	return err
}

// report tells the progress.
func (r *run[TX]) report(at, head es.Position) {
	elapsed := time.Since(r.began)
	n := r.events.Load()
	r.progress(Progress{
		Version: r.version, Position: at, Head: max(at, head), Events: n,
		Rate: float64(n) / elapsed.Seconds(), Elapsed: elapsed, Serving: r.serving.Load(),
	})
}

// position is the version's checkpoint.
func (r *run[TX]) position(ctx context.Context) (es.Position, error) {
	p, err := r.checkpoint(ctx, r.version)
	return p, lost(ctx, err)
}

func (r *run[TX]) head(ctx context.Context) (es.Position, error) {
	p, err := r.feed.Head(ctx)
	return p, lost(ctx, err)
}

// lost makes an error of a read that may pass one that is waited for.
func lost(ctx context.Context, err error) error {
	if _, unreadable := errors.AsType[*es.EventError](err); err == nil || ctx.Err() != nil || lasting(err) || unreadable || errors.Is(err, es.ErrFenced) {
		return err
	}
	return fmt.Errorf("%w: %w", es.ErrTxLost, err)
}

// lasting reports whether a failure of the store can't pass by itself.
func lasting(err error) bool {
	return errors.Is(err, es.ErrClosed) || errors.Is(err, es.ErrBeyondHead)
}

// standBy waits until nobody seems to do the work, though there is some.
func (r *run[TX]) standBy(ctx context.Context) error {
	if _, err := r.current(ctx); err != nil {
		return err
	}
	r.standing.Store(true)
	defer r.standing.Store(false)
	r.logger.Info("esgen: another process keeps the read model up to date; standing by", "projection", r.def.Name, "version", r.version)
	seen, still := "", time.Now()
	for time.Since(still) < r.takeover {
		if err := sleep(ctx, r.takeover/10); err != nil {
			return err
		}
		if _, err := r.current(ctx); err != nil {
			return err
		}
		now, idle, err := r.footprint(ctx)
		if err != nil {
			return err
		}
		if now != seen || idle {
			seen, still = now, time.Now()
		}
	}
	return nil
}

// footprint is what changes as the work goes on; idle is set where there is none to do.
func (r *run[TX]) footprint(ctx context.Context) (print string, idle bool, err error) {
	at, err := r.position(ctx)
	if err != nil {
		return "", false, err
	}
	head, err := r.head(ctx)
	if err != nil {
		return "", false, err
	}
	if at > 0 || r.groups == nil {
		return fmt.Sprint(at), at == head && r.serving.Load(), nil
	}
	state, err := r.groups.Group(ctx, CheckpointName(r.def.Name, r.version))
	if errors.Is(err, es.ErrNotFound) {
		err = nil
	}
	return fmt.Sprint(state.Partitions), false, lost(ctx, err)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
