package subscription

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
)

// delivery is one way through the feed, from a position on: the reader's pages become
// batches, one after the other, and the position follows.
type delivery struct {
	*Subscription
	stored es.Position // recorded
	at     es.Position // handled; what is recorded may lag behind
	upTo   es.Position // where it ends; 0: it goes on
	since  int         // events handled since the last record
	// doubtful are the positions that were to be recorded since then: it failed, or seemed to.
	doubtful []es.Position

	claims []es.Claim // of the group, if it is one
	mine   func(s es.Stream) bool
	hold   func(ctx context.Context) error // waits until a batch may be handled; nil: at once
	parked parking
	due    *time.Ticker // when the position is to be recorded
	turn   *time.Ticker // when what is parked has its turn
}

// run delivers until the context ends or the last position is reached, and records the position
// in the end. The work's context ends later.
func (d *delivery) run(ctx, work context.Context) error {
	d.status.delivers(d.at)
	if err := d.persistently(ctx, "reading what is parked", func() error { return d.loadParked(ctx) }); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reader{Subscription: d.Subscription, after: d.at, upTo: d.upTo, mine: d.mine, pages: make(chan page, 1)}
	go r.run(reading)
	d.due = time.NewTicker(d.checkpointAfter)
	defer d.due.Stop()
	d.turn = time.NewTicker(min(d.poll, max(d.backoff.First, time.Millisecond)))
	defer d.turn.Stop()
	var err error
	for open := true; err == nil && open && ctx.Err() == nil; {
		select {
		case p, more := <-r.pages:
			if open = more; open {
				if err = p.err; err == nil {
					err = d.deliver(ctx, work, p)
				}
			}
		case <-d.due.C:
			err = d.flush(work)
		case <-d.turn.C:
			err = d.reconsider(ctx, work)
		case <-ctx.Done():
		}
	}
	cancel()
	for range r.pages { // until the reader has ended
	}
	if stopped(ctx, err) {
		err = nil
	}
	if err == nil || !fatal(err) {
		work, cancel := afterwards(work)
		defer cancel()
		if failed := d.flush(work); err == nil {
			err = failed
		}
	}
	return err
}

// afterwards is the context of work, or where that was cut off one that lasts a moment longer: what was done until then is
// recorded.
func afterwards(work context.Context) (context.Context, context.CancelFunc) {
	const moment = 3 * time.Second
	if work.Err() == nil {
		return work, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(work), moment)
}

// deliver handles a page.
func (d *delivery) deliver(ctx, work context.Context, p page) error {
	d.status.reading(p.live)
	if err := d.awaits(ctx, work, p.events); err != nil {
		return err
	}
	if err := d.handle(ctx, work, p.events, p.upTo); err != nil {
		return err
	}
	d.at = max(d.at, p.upTo)
	d.status.moved(d.at, p)
	if d.since >= d.checkpointEvents {
		return d.flush(work)
	}
	return nil
}

// awaits waits until events may be handled, if there is something to wait for. Meanwhile it sees to what falls due.
func (d *delivery) awaits(ctx, work context.Context, events []es.Recorded) error {
	if d.await == nil || len(events) == 0 {
		return nil
	}
	waiting, cancel := context.WithCancel(ctx)
	waited := make(chan error, 1)
	go func() {
		waited <- d.persistently(waiting, "waiting until events may be handled", func() error {
			return Caught(func() error { return d.await(waiting, events[len(events)-1].Position) })
		})
	}()
	for {
		var err error
		select {
		case err := <-waited:
			cancel()
			if ctx.Err() != nil {
				return ctx.Err() // whatever it made of that
			}
			return err
		case <-d.due.C:
			err = d.flush(work)
		case <-d.turn.C:
			err = d.reconsider(ctx, work)
		}
		if err != nil {
			cancel()
			<-waited
			return err
		}
	}
}

// portioned is a handler that has its events handed over in portions, of which each counts as handled by itself. It
// returns how many of the events, of which there is one at least, are the first portion.
type portioned interface {
	portion(events []es.Recorded) int
}

// handle has events handled, which are all that there are up to a position, portion by portion. If some fail together, and the
// handler does not tell which one did, they are handled one by one.
func (d *delivery) handle(ctx, work context.Context, events []es.Recorded, upTo es.Position) error {
	handler, inPortions := d.handler.(portioned)
	for size := len(events); len(events) > 0; {
		n := min(size, len(events))
		if inPortions {
			n = min(n, handler.portion(events))
		}
		rest, end := events[n:], upTo
		if len(rest) > 0 {
			end = events[n-1].Position
		}
		// What is parked is left out now and not before: the position does not pass it until the next is handled,
		// and meanwhile it may be taken up again.
		part := d.aside(events[:n])
		if len(part) == 0 {
			events = rest
			continue
		}
		err := d.try(ctx, work, part, end)
		if err == nil {
			if events = rest; len(events) > 0 {
				err = d.between(ctx, work)
			}
			if err != nil {
				return err
			}
			continue
		}
		n = 0
		failed, known := errors.AsType[*failedAt](err)
		if known = known && d.sink == nil; known {
			n, err = failed.index, failed.err
			d.handled(part[:n])
		}
		switch {
		case fatal(err) || stopped(ctx, err):
			return err
		case !known && len(part) > 1:
			size = 1
			continue
		}
		rec := part[n]
		events = events[slices.IndexFunc(events, func(e es.Recorded) bool { return e.Position == rec.Position })+1:]
		if end = upTo; len(events) > 0 {
			end = rec.Position
		}
		if err := d.again(ctx, work, rec, end, err); err != nil {
			return err
		}
	}
	return nil
}

// between sees, between two portions of a page, to what does not wait for the page's end: a page of events that take long
// may take minutes.
func (d *delivery) between(ctx, work context.Context) error {
	if err := ctx.Err(); err != nil {
		return err // the rest comes again
	}
	select {
	case <-d.due.C:
		return d.flush(work)
	case <-d.turn.C:
		return d.reconsider(ctx, work)
	default:
	}
	if d.since >= d.checkpointEvents {
		return d.flush(work)
	}
	return nil
}

// ready waits until events may be handled.
func (d *delivery) ready(ctx context.Context) error {
	if d.hold == nil {
		return nil
	}
	return d.hold(ctx)
}

// try has events handled once.
func (d *delivery) try(ctx, work context.Context, events []es.Recorded, upTo es.Position) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if d.sink != nil {
		if err := d.commit(work, events, d.progress(upTo)); err != nil {
			return err
		}
		d.status.handled(events)
	} else {
		if err := d.call(work, events); err != nil {
			return err
		}
		d.handled(events)
	}
	d.at = upTo
	return nil
}

// handled notes events that a handler has handled.
func (d *delivery) handled(events []es.Recorded) {
	if len(events) > 0 {
		d.at = events[len(events)-1].Position
		d.since += len(events)
		d.status.handled(events)
	}
}

// flush records the position, if it has moved since it was recorded last.
func (d *delivery) flush(work context.Context) error {
	if d.at == d.stored {
		return nil
	}
	at := d.at
	return d.persistently(work, "recording the position", func() error {
		if d.sink != nil {
			return d.commit(work, nil, d.progress(at))
		}
		return d.record(work, d.progress(at))
	})
}

func (d *delivery) progress(to es.Position) es.Progress {
	return es.Progress{Name: d.name, From: d.stored, To: to, Claims: d.claims}
}

// call gives events to the handler.
func (d *delivery) call(work context.Context, events []es.Recorded) error {
	return Caught(func() error { return d.handler.Handle(work, events) })
}

// commit gives a batch to the sink, which records its progress.
func (d *delivery) commit(work context.Context, events []es.Recorded, p es.Progress) error {
	b := Batch{Events: events, Progress: p}
	if d.keeper != nil {
		b.Mark = Mark{Identity: d.identity, Position: p.To}
	}
	return d.recorded(p, Caught(func() error { return d.sink.Commit(work, b) }))
}

// record records progress that no sink does.
func (d *delivery) record(work context.Context, p es.Progress) error {
	return d.recorded(p, d.Subscription.record(work, p))
}

// recorded notes what has become of progress. Where that failed, it may have been recorded nevertheless.
func (d *delivery) recorded(p es.Progress, err error) error {
	switch {
	case err == nil:
		d.stored, d.since, d.doubtful = p.To, 0, nil
	case !errors.Is(err, es.ErrFenced) || errors.Is(err, es.ErrOutcomeUnknown):
		d.doubtful = append(d.doubtful, p.To)
	}
	return err
}
