package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

// builder builds a version by several transactions at once. Their positions are the partitions of a group that
// has the name of the version's checkpoint; one process claims all of them. In the end they
// meet at one position, which becomes the checkpoint in the same transaction: from then on
// it is above 0, and who claims the partitions after that finds it so.
type builder[TX any] struct {
	*run[TX]
	name   string
	claims []es.Claim

	mu        sync.Mutex
	positions []es.Position
}

// inParallel builds the version up to the head of the feed, or some way behind it, unless that
// was done before. A partition that somebody else has is an [es.ErrFenced], unless it is taken over.
func (r *run[TX]) inParallel(ctx context.Context, takeOver bool) error {
	b := &builder[TX]{run: r, name: CheckpointName(r.def.Name, r.version)}
	head, err := r.head(ctx)
	if err != nil {
		return err
	}
	defer b.release(ctx)
	if err := b.claim(ctx, takeOver); err != nil {
		return err
	}
	if at, err := r.position(ctx); err != nil || at > 0 {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var reporting sync.WaitGroup
	defer reporting.Wait()
	defer stop()
	reporting.Go(func() { b.reports(ctx) })
	for {
		if err := persistently(ctx, r.logger, func() error { return b.pass(ctx, head) }); err != nil {
			return err
		}
		next, err := r.head(ctx)
		if err != nil {
			return err
		}
		if next-head <= es.Position(r.batch*len(b.claims)) {
			return b.unite(ctx, head)
		}
		head = next
	}
}

// claim takes all partitions.
func (b *builder[TX]) claim(ctx context.Context, takeOver bool) error {
	member := uuid.New()
	state, err := b.groups.Beat(ctx, es.Membership{Group: b.name, Partitions: b.partitions, Member: member})
	if err != nil {
		return lost(ctx, err)
	}
	for _, p := range state.Partitions {
		if p.Owner != uuid.Nil && !takeOver {
			return &es.FencedError{Name: b.name, Partition: p.Partition}
		}
	}
	for _, p := range state.Partitions {
		mine, err := b.groups.Claim(ctx, b.name, p.Claim, member)
		if err != nil {
			return lost(ctx, err)
		}
		b.claims = append(b.claims, mine.Claim)
		b.positions = append(b.positions, mine.Position)
	}
	return nil
}

// release leaves the partitions to whoever comes next, at once rather than after a time.
func (b *builder[TX]) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = b.groups.Release(ctx, b.name, b.claims) // what can't be released is taken over later
}

// batch is what a partition has to do next.
type batch struct {
	events []es.Recorded
	upTo   es.Position
}

// pass brings all partitions to a position: the feed is read once, and each event goes to its
// partition.
func (b *builder[TX]) pass(ctx context.Context, upTo es.Position) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n := len(b.claims)
	from := b.lowest()
	queues, next := make([]chan batch, n), make([][]es.Recorded, n)
	var workers sync.WaitGroup
	for i := range n {
		queues[i] = make(chan batch, 1)
		workers.Go(func() {
			for w := range queues[i] {
				if ctx.Err() == nil {
					if err := b.commit(ctx, i, w.events, w.upTo); err != nil {
						stop(err)
					}
				}
			}
		})
	}
	send := func(i int, upTo es.Position) {
		select {
		case queues[i] <- batch{next[i], upTo}:
			next[i] = nil
		case <-ctx.Done():
		}
	}
	starts := b.all()
	for rec, err := range b.feed.ReadAll(ctx, es.FeedQuery{After: from, UpTo: upTo, Categories: b.def.Categories, Types: b.def.Types}) {
		if err != nil {
			stop(lost(context.WithoutCancel(ctx), err))
			break
		}
		i := rec.Stream.Partition(n)
		if rec.Position <= starts[i] {
			continue // was handled before
		}
		if next[i] = append(next[i], rec); len(next[i]) == b.batch {
			send(i, rec.Position)
		}
	}
	for i := range n {
		if ctx.Err() == nil && starts[i] < upTo {
			send(i, upTo)
		}
		close(queues[i])
	}
	workers.Wait()
	return context.Cause(ctx)
}

// attempts is how often an event is tried that fails.
const attempts = 5

// commit handles a partition's events, which are all that it has up to a position. If some fail together they are tried
// one by one, so that one that can't be handled is found.
func (b *builder[TX]) commit(ctx context.Context, i int, events []es.Recorded, upTo es.Position) error {
	for attempt := 1; ; attempt++ {
		p := es.Progress{Name: b.name, From: b.at(i), To: upTo, Claims: b.claims[i : i+1]}
		err := persistently(ctx, b.logger, func() error {
			return subscription.Caught(func() error { return b.handle(ctx, p, events) })
		})
		switch {
		case err == nil:
			b.moved(i, upTo)
			return nil
		case ctx.Err() != nil || errors.Is(err, es.ErrFenced) || lasting(err):
			return err
		case len(events) > 1:
			for j, rec := range events {
				end := rec.Position
				if j == len(events)-1 {
					end = upTo
				}
				if err := b.commit(ctx, i, events[j:j+1], end); err != nil {
					return err
				}
			}
			return nil
		case len(events) == 1 && attempt == attempts:
			return &subscription.EventError{Event: events[0], Attempts: attempt, Err: err}
		}
		if _, over := b.current(ctx); over != nil { // it was dropped, with its tables
			return over
		}
		args := []any{"projection", b.def.Name, "version", b.version, "attempt", attempt, "error", err}
		if p, ok := errors.AsType[*subscription.PanicError](err); ok {
			args = append(args, "stack", string(p.Stack))
		}
		b.logger.Warn("esgen: a projection failed, and is tried again", args...)
		if err := sleep(ctx, 50*time.Millisecond<<attempt); err != nil {
			return err
		}
	}
}

// unite makes the position at which all partitions are the checkpoint.
func (b *builder[TX]) unite(ctx context.Context, at es.Position) error {
	return persistently(ctx, b.logger, func() error {
		return b.txs.InTx(ctx, func(ctx context.Context, tx TX) error {
			if err := b.txs.RecordTx(ctx, tx, es.Progress{Name: b.name, From: at, To: at, Claims: b.claims}); err != nil {
				return err
			}
			return b.txs.RecordTx(ctx, tx, es.Progress{Name: b.name, From: 0, To: at})
		})
	})
}

func (b *builder[TX]) at(i int) es.Position {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.positions[i]
}

func (b *builder[TX]) moved(i int, to es.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.positions[i] = to
}

func (b *builder[TX]) all() []es.Position {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]es.Position(nil), b.positions...)
}

func (b *builder[TX]) lowest() es.Position {
	all := b.all()
	low := all[0]
	for _, p := range all {
		low = min(low, p)
	}
	return low
}

// reports tells the progress until the context ends.
func (b *builder[TX]) reports(ctx context.Context) {
	for sleep(ctx, watchEvery) == nil {
		head, err := b.feed.Head(ctx)
		if err != nil {
			continue
		}
		var sum es.Position
		all := b.all()
		for _, p := range all {
			sum += p
		}
		b.report(sum/es.Position(len(all)), head)
	}
}

// persistently calls what fails for a passing reason of the database until it doesn't. Reading fails so, too.
func persistently(ctx context.Context, logger *slog.Logger, call func() error) error {
	const longest = 5 * time.Second
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, longest) {
		err := call()
		if !errors.Is(err, es.ErrTxLost) || ctx.Err() != nil || lasting(err) {
			return err
		}
		logger.Warn("esgen: the database failed a projection, which is tried again", "wait", wait, "error", err)
		if sleep(ctx, wait/2+rand.N(wait)) != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
