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
}

// run delivers until the context ends or the last position is reached, and records the position
// in the end. The work's context ends later.
func (d *delivery) run(ctx, work context.Context) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reader{Subscription: d.Subscription, after: d.at, upTo: d.upTo, mine: d.mine, pages: make(chan page, 1)}
	go r.run(reading)
	due := time.NewTicker(d.checkpointAfter)
	defer due.Stop()
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
	if len(p.events) > 0 {
		if err := d.handle(ctx, work, p.events, p.upTo); err != nil {
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
		if err := d.sink.Commit(work, Batch{Events: events, Progress: d.progress(upTo)}); err != nil {
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
			return d.sink.Commit(work, Batch{Progress: d.progress(at)})
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

func (d *delivery) recorded(at es.Position) { d.stored, d.since = at, 0 }
