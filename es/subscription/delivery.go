package subscription

import (
	"context"
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
	claims []es.Claim  // of the group, if it is one
	mine   func(s es.Stream) bool
	hold   func(ctx context.Context) error // waits until a batch may be handled; nil: at once
	parked parking
}

// run delivers until the context ends or the last position is reached, and records the position
// in the end. The work's context ends later.
func (d *delivery) run(ctx, work context.Context) error {
	if err := d.persistently(ctx, "reading what is parked", func() error { return d.loadParked(ctx) }); err != nil {
		if stopped(ctx, err) {
			return nil
		}
		return err
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reader{Subscription: d.Subscription, after: d.at, upTo: d.upTo, mine: d.mine, pages: make(chan page, 1)}
	go r.run(reading)
	due := time.NewTicker(d.checkpointAfter)
	defer due.Stop()
	again := time.NewTicker(min(d.poll, d.backoff.First))
	defer again.Stop()
	var err error
	for open := true; err == nil && open && ctx.Err() == nil; {
		select {
		case p, more := <-r.pages:
			if open = more; open {
				if err = p.err; err == nil {
					err = d.deliver(ctx, work, p)
				}
			}
		case <-due.C:
			err = d.flush(work)
		case <-again.C:
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
		if failed := d.flush(work); err == nil {
			err = failed
		}
	}
	return err
}

// deliver handles a page.
func (d *delivery) deliver(ctx, work context.Context, p page) error {
	d.status.reading(p.live)
	if events := d.aside(p.events); len(events) > 0 {
		if d.hold != nil {
			if err := d.hold(ctx); err != nil {
				return err
			}
		}
		if err := d.handle(ctx, work, events, p.upTo); err != nil {
			return err
		}
	}
	d.at = max(d.at, p.upTo)
	d.status.moved(d.at, p)
	if d.since >= d.checkpointEvents {
		return d.flush(work)
	}
	return nil
}

// handle has events handled, which are all that there are up to a position. If some fail together they are
// tried one by one, so that one that can't be handled is found.
func (d *delivery) handle(ctx, work context.Context, events []es.Recorded, upTo es.Position) error {
	err := d.try(work, events, upTo)
	if err == nil || fatal(err) || stopped(ctx, err) {
		return err
	}
	for i := range events {
		if _, parked := d.parked.streams[events[i].Stream]; parked { // since an event before
			continue
		}
		end := events[i].Position
		if i == len(events)-1 {
			end = upTo
		}
		if i > 0 || len(events) > 1 {
			err = d.try(work, events[i:i+1], end)
		}
		if err == nil {
			continue
		}
		if err = d.again(ctx, work, events[i], end, err); err != nil {
			return err
		}
	}
	return nil
}

// try has events handled once.
func (d *delivery) try(work context.Context, events []es.Recorded, upTo es.Position) error {
	if d.sink != nil {
		if err := d.commit(work, events, d.progress(upTo)); err != nil {
			return err
		}
		d.recorded(upTo)
	} else {
		if err := d.handler.Handle(work, events); err != nil {
			return err
		}
		d.since += len(events)
	}
	d.at = upTo
	d.status.handled(events)
	return nil
}

// flush records the position, if it has moved since it was recorded last.
func (d *delivery) flush(work context.Context) error {
	if d.at == d.stored {
		return nil
	}
	at := d.at
	err := d.persistently(work, "recording the position", func() error {
		if d.sink != nil {
			return d.commit(work, nil, d.progress(at))
		}
		return d.record(work, d.progress(at))
	})
	if err == nil {
		d.recorded(at)
	}
	return err
}

func (d *delivery) progress(to es.Position) es.Progress {
	return es.Progress{Name: d.name, From: d.stored, To: to, Claims: d.claims}
}

// commit gives a batch to the sink.
func (d *delivery) commit(work context.Context, events []es.Recorded, p es.Progress) error {
	b := Batch{Events: events, Progress: p}
	if d.keeper != nil {
		b.Mark = Mark{Identity: d.identity, Position: p.To}
	}
	return d.sink.Commit(work, b)
}

func (d *delivery) recorded(at es.Position) { d.stored, d.since = at, 0 }
