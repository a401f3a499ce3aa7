package subscription

import (
	"context"
	"time"

	"github.com/esgen-go/esgen/es"
)

// reader reads the feed ahead of the handler.
type reader struct {
	*Subscription
	after es.Position
	upTo  es.Position              // the last to read; 0: there is none
	mine  func(rec es.Stream) bool // leaves out streams; nil: none
	pages chan page
}

// page is what the reader hands on.
type page struct {
	events []es.Recorded
	upTo   es.Position // all up to here was looked at
	live   bool        // the feed had no more
	err    error       // why the reader has ended
}

const (
	// pageBytes bounds the data and metadata of a page, but for its last event.
	pageBytes = 4 << 20
	// scanSpan is how many positions a filtered read looks at before it tells how far it is.
	scanSpan = 100_000
)

// run reads until the context ends or the last position is reached, and closes the channel.
func (r *reader) run(ctx context.Context) {
	defer close(r.pages)
	var signals <-chan struct{}
	if r.source.watcher != nil {
		signals = r.source.watcher.Watch(ctx)
	}
	poll := time.NewTicker(r.poll)
	defer poll.Stop()
	for {
		var live bool
		err := r.persistently(ctx, "reading the feed", func() (err error) {
			live, err = r.read(ctx)
			return err
		})
		if err != nil {
			r.send(ctx, page{err: err})
			return
		}
		if r.upTo > 0 && r.after >= r.upTo || ctx.Err() != nil {
			return
		}
		if !live {
			continue
		}
		select {
		case _, open := <-signals:
			if !open {
				signals = nil // the store is closed, which the next read says, or the context has ended
			}
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads once, up to the head of the feed or some way towards it.
func (r *reader) read(ctx context.Context) (live bool, err error) {
	scanned := r.after
	q := es.FeedQuery{After: r.after, UpTo: r.upTo, Categories: r.categories, Types: r.types, Scanned: &scanned}
	if len(q.Categories)+len(q.Types) > 0 || r.mine != nil {
		if span := r.after + scanSpan; q.UpTo == 0 || span < q.UpTo {
			q.UpTo = span
		}
	}
	var next page
	size := 0
	for rec, err := range r.source.feed.ReadAll(ctx, q) {
		if err != nil {
			return false, err
		}
		if r.mine != nil && !r.mine(rec.Stream) {
			continue
		}
		next.events = append(next.events, rec)
		if size += sizeOf(&rec.Event); len(next.events) < r.batch && size < pageBytes {
			continue
		}
		next.upTo = rec.Position
		if !r.send(ctx, next) {
			return false, ctx.Err()
		}
		next, size = page{}, 0
	}
	next.upTo, next.live = scanned, q.UpTo == 0 || scanned < q.UpTo
	if !r.send(ctx, next) {
		return false, ctx.Err()
	}
	return next.live, nil
}

// sizeOf is what bounds a page: an event's data, and metadata, which can be large as well.
func sizeOf(e *es.Event) int {
	size := len(e.Data) + len(e.Meta.CorrelationID) + len(e.Meta.CausationID) + len(e.Meta.Actor) + len(e.Meta.Tenant)
	for key, value := range e.Meta.Keys {
		size += len(key) + len(value)
	}
	return size
}

func (r *reader) send(ctx context.Context, p page) bool {
	select {
	case r.pages <- p:
		r.after = max(r.after, p.upTo)
		return true
	case <-ctx.Done():
		return false
	}
}
