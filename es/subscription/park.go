package subscription

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/esgen-go/esgen/es"
)

// ErrParked: so many streams are parked that the subscription stops rather than parks
// another, or some are, and it runs without [Park], so that it would handle what waits behind them too
// early.
var ErrParked = errors.New("streams are parked")

// parking are the streams that a delivery has set aside, as the store has them.
type parking struct {
	streams map[es.Stream]es.Parked
	total   int                     // of the subscription, other partitions' included
	loaded  time.Time               // when the store was asked
	next    map[es.Stream]time.Time // when the next attempt is due
	passing int                     // attempts in a row that failed for a passing reason
	pause   time.Time               // until when none is made for that reason
	rest    time.Time               // until when what is not parked has its turn
}

// loadParked reads what the subscription has parked. There are no more than [Park] allows.
func (d *delivery) loadParked(ctx context.Context) error {
	if d.source.parking == nil {
		return nil
	}
	q := es.ParkedQuery{Name: d.name}
	if d.parkLimit == 0 {
		q.Limit = 1
	}
	all, err := d.source.parking.Parked(ctx, q)
	switch {
	case err != nil:
		return err
	case d.parkLimit == 0 && len(all) > 0:
		return fmt.Errorf("%w by an earlier run, such as %s at version %d: run with the option Park, and see to them", ErrParked, all[0].Stream, all[0].Version)
	}
	d.parked.streams, d.parked.total, d.parked.loaded = make(map[es.Stream]es.Parked, len(all)), len(all), time.Now()
	for _, p := range all {
		if d.mine == nil || d.mine(p.Stream) {
			d.parked.streams[p.Stream] = p
		}
	}
	for s := range d.parked.next {
		if _, still := d.parked.streams[s]; !still {
			delete(d.parked.next, s)
		}
	}
	d.status.parked(len(d.parked.streams))
	return nil
}

// aside leaves out the events of parked streams: they wait in the store. Those before the parked one, which
// come again after the position was set back, do not.
func (d *delivery) aside(events []es.Recorded) []es.Recorded {
	if len(d.parked.streams) == 0 {
		return events
	}
	return slices.DeleteFunc(slices.Clone(events), func(rec es.Recorded) bool {
		p, parked := d.parked.streams[rec.Stream]
		return parked && rec.Version >= p.Version
	})
}

// park sets a stream aside at an event that has failed, and moves the position past it. Both are recorded at
// once, so that a crash finds the event either parked or yet to come.
func (d *delivery) park(work context.Context, upTo es.Position, failed *EventError) error {
	if d.mine != nil { // what other members have parked counts, and what they have mended does not
		if err := d.persistently(work, "reading what is parked", func() error { return d.loadParked(work) }); err != nil {
			return err
		}
	}
	if d.parked.total >= d.parkLimit {
		return fmt.Errorf("%d %w already, as many as Park allows: %w", d.parked.total, ErrParked, failed)
	}
	rec := failed.Event
	p := es.Parked{Stream: rec.Stream, Version: rec.Version, Position: rec.Position, Attempts: failed.Attempts, Error: short(failed.Err.Error())}
	progress := d.progress(upTo)
	progress.Park = []es.Parked{p}
	if err := d.recordParked(work, progress); err != nil {
		return err
	}
	d.logger.Error("esgen: an event can't be handled: its stream is parked, others go on", "subscription", d.name, "stream", rec.Stream.String(),
		"version", int64(rec.Version), "position", int64(rec.Position), "error", failed.Err)
	d.parked.total++
	d.keep(p)
	return nil
}

// short bounds what is kept of an error.
func short(text string) string {
	const most = 4 << 10
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func (d *delivery) recordParked(work context.Context, p es.Progress) error {
	err := d.persistently(work, "recording what is parked", func() error { return d.record(work, p) })
	if err == nil {
		d.at = p.To
	}
	return err
}

// keep remembers a stream as parked, and when it is tried again by itself.
func (d *delivery) keep(p es.Parked) {
	if d.parked.streams == nil {
		d.parked.streams = map[es.Stream]es.Parked{}
	}
	if d.parked.next == nil {
		d.parked.next = map[es.Stream]time.Time{}
	}
	d.parked.streams[p.Stream] = p
	if p.Attempts > 0 && p.Attempts < d.backoff.Attempts {
		d.parked.next[p.Stream] = time.Now().Add(d.backoff.wait(p.Attempts))
	}
	d.status.parked(len(d.parked.streams))
}

// reconsider tries the parked streams that are due: by somebody's verdict, or because they have attempts left.
// They have a turn together, and then the others have one as long: much may wait behind a parked event.
func (d *delivery) reconsider(ctx, work context.Context) error {
	if len(d.parked.streams) == 0 || d.parkLimit == 0 {
		return nil
	}
	now := time.Now()
	if now.Before(d.parked.pause) || now.Before(d.parked.rest) {
		return nil
	}
	turn := min(d.poll, 250*time.Millisecond)
	over := now.Add(turn)
	defer func() { d.parked.rest = time.Now().Add(min(time.Since(now), 2*turn)) }()
	if now.Sub(d.parked.loaded) >= d.poll { // for verdicts
		if err := d.loadParked(work); err != nil {
			d.status.failed(err)
			return nil // at the next turn
		}
	}
	for _, p := range d.parked.streams {
		if ctx.Err() != nil || now.Before(d.parked.pause) || time.Now().After(over) {
			return nil
		}
		if p.Position > d.at { // the position was set back, and has not come there yet
			continue
		}
		untried := p.Attempts < d.backoff.Attempts && !now.Before(d.parked.next[p.Stream])
		if p.Verdict == es.Undecided && !untried {
			continue
		}
		if err := d.resume(ctx, work, p, over); err != nil {
			return err
		}
	}
	return nil
}

// resume handles the events of a parked stream, from the one that failed to the last that the position has
// passed, as far as it comes until its turn is over. If all can be handled, the stream is taken up again.
func (d *delivery) resume(ctx, work context.Context, p es.Parked, over time.Time) error {
	delete(d.parked.next, p.Stream)
	var pending *es.Recorded
	settle := func(next *es.Recorded) error { // handles the pending event; next is the one behind it
		progress := d.progress(d.at)
		progress.Tried = []es.Parked{p}
		behind := es.Parked{Stream: p.Stream, Verdict: es.Retry}
		switch {
		case next == nil:
			progress.Unpark = []es.Stream{p.Stream}
		case pending == nil:
			return nil
		default:
			behind.Version, behind.Position = next.Version, next.Position
			progress.Park = []es.Parked{behind}
		}
		var err error
		if pending == nil || p.Verdict == es.Skip && pending.Version == p.Version {
			err = d.recordParked(work, progress)
		} else {
			err = d.tryParked(ctx, work, *pending, progress)
		}
		if err == nil {
			p = behind
			d.parked.streams[p.Stream] = p // as the store has it, whatever becomes of the next
		}
		return err
	}
	for rec, err := range d.source.store.Read(work, es.ReadQuery{Stream: p.Stream, From: p.Version}) {
		if err != nil {
			if lasting(err) {
				return err
			}
			d.status.failed(err)
			return nil // at the next turn
		}
		if rec.Position > d.at {
			break
		}
		if !d.wanted(rec) {
			continue
		}
		if err := settle(&rec); err != nil {
			return d.failedAgain(ctx, work, p, err)
		}
		if pending != nil && (ctx.Err() != nil || time.Now().After(over)) {
			return nil // it goes on at the next turn
		}
		pending = &rec
	}
	if err := settle(nil); err != nil {
		return d.failedAgain(ctx, work, p, err)
	}
	delete(d.parked.streams, p.Stream)
	d.parked.total--
	d.parked.passing = 0
	d.status.parked(len(d.parked.streams))
	d.logger.Info("esgen: a parked stream is handled, and taken up again", "subscription", d.name, "stream", p.Stream.String())
	return nil
}

// wanted applies the filter to an event that was not read from the feed.
func (d *delivery) wanted(rec es.Recorded) bool {
	for _, name := range d.types {
		if name == rec.Type {
			return true
		}
	}
	return len(d.types) == 0
}

// tryParked has one event of a parked stream handled, and what follows from it recorded.
func (d *delivery) tryParked(ctx, work context.Context, rec es.Recorded, progress es.Progress) error {
	err := d.ready(ctx)
	if err != nil {
		return err
	}
	if d.sink != nil {
		err = d.commit(work, []es.Recorded{rec}, progress)
	} else if err = d.call(work, []es.Recorded{rec}); err == nil {
		err = d.recordParked(work, progress)
		if err != nil {
			return err
		}
	}
	if err != nil {
		return &EventError{Event: rec, Attempts: 1, Err: err}
	}
	d.status.retried()
	return nil
}

// failedAgain parks a stream anew after an attempt.
func (d *delivery) failedAgain(ctx, work context.Context, p es.Parked, err error) error {
	failed, ok := errors.AsType[*EventError](err)
	switch {
	case !ok || fatal(err):
		return err
	case passes(err) || work.Err() != nil: // it says nothing about the event
		d.status.failed(err)
		d.parked.passing++
		d.parked.pause = time.Now().Add(d.backoff.wait(d.parked.passing))
		return nil
	}
	d.parked.passing = 0
	d.panicked(err)
	rec := failed.Event
	if rec.Version == p.Version {
		failed.Attempts = p.Attempts + 1
	}
	if unmendable(err) {
		failed.Attempts = max(failed.Attempts, d.backoff.Attempts)
	}
	tried := p
	p = es.Parked{Stream: rec.Stream, Version: rec.Version, Position: rec.Position, Attempts: failed.Attempts, Error: short(failed.Err.Error())}
	progress := d.progress(d.at)
	progress.Park, progress.Tried = []es.Parked{p}, []es.Parked{tried}
	if err := d.recordParked(work, progress); err != nil {
		return err
	}
	d.logger.Warn("esgen: a parked event failed again", "subscription", d.name, "stream", rec.Stream.String(),
		"version", int64(rec.Version), "position", int64(rec.Position), "attempt", failed.Attempts, "error", failed.Err)
	d.keep(p)
	return nil
}
