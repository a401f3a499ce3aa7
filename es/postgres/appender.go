package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/esgen-go/esgen/es"
)

// Sizes of a flush. A request that is larger on its own is a flush on its own.
const (
	maxFlushRequests = 512
	maxFlushEvents   = 2048
	maxFlushBytes    = 4 << 20
)

// flushTimeout is how long a flush may take, beside what it waits for locks: one that
// got no answer by then is taken for cut off.
const flushTimeout = 30 * time.Second

// appender coalesces appends: one goroutine, the lane, drains what queued while its last flush
// was under way. It waits for no timer, so that a lone append costs one round trip, and many
// share a statement and a commit.
//
// A flush holds at most one append to a stream. A flush that fails for one of its appends,
// because another transaction blocks it or the server refuses it, leaves the lane for the
// sideline, which finds that one.
type appender struct {
	store *Store
	lane  link

	mu     sync.Mutex
	queue  []*request
	side   sideline
	closed bool
	wake   chan struct{}
}

func newAppender(s *Store) *appender {
	return &appender{
		store: s,
		lane:  link{store: s, local: s.pooling, lockTimeout: minLockTimeout},
		side:  newSideline(),
		wake:  make(chan struct{}, 1),
	}
}

// submit queues a request and waits for its outcome or for the end of its context.
func (a *appender) submit(r *request) outcome {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return outcome{err: r.abandoned(es.ErrClosed)}
	}
	a.queue = append(a.queue, r)
	a.mu.Unlock()
	signal(a.wake)
	select {
	case out := <-r.done:
		return out
	case <-r.ctx.Done():
		return outcome{err: r.ctx.Err()}
	}
}

// close lets the flush under way end and refuses all other requests.
func (a *appender) close() {
	a.mu.Lock()
	a.closed = true
	for _, r := range a.side.empty() {
		r.done <- outcome{err: r.abandoned(es.ErrClosed)}
	}
	a.mu.Unlock()
	signal(a.wake)
}

func (a *appender) run() {
	defer a.lane.drop()
	var batch []*request
	for {
		var open bool
		if batch, open = a.next(batch[:0]); !open {
			return
		}
		if len(batch) == 0 {
			<-a.wake
			continue
		}
		a.flush(batch)
	}
}

// next takes the requests of the next flush out of the queue, in its order.
func (a *appender) next(batch []*request) (_ []*request, open bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		for _, r := range a.queue {
			r.done <- outcome{err: r.abandoned(es.ErrClosed)}
		}
		a.queue = nil
		return nil, false
	}
	free := a.side.idle()
	if len(a.queue) == 1 && free && a.queue[0].ctx.Err() == nil { // a lone append
		batch, a.queue = append(batch, a.queue[0]), a.queue[:0]
		return batch, true
	}
	taken := make(map[es.Stream]struct{}, len(a.queue))
	events, bytes, rest := 0, 0, a.queue[:0]
	for i, r := range a.queue {
		if len(batch) > 0 && (r.alone || len(batch) == maxFlushRequests || events+r.events > maxFlushEvents || bytes+r.bytes > maxFlushBytes) {
			rest = append(rest, a.queue[i:]...)
			break
		}
		if r.ctx.Err() != nil {
			continue // nobody waits for it
		}
		behind := false
		for j := range r.writes {
			_, isTaken := taken[r.writes[j].Stream]
			behind = behind || isTaken
		}
		if !behind && !free && a.sidetrack(r) {
			continue
		}
		for j := range r.writes {
			taken[r.writes[j].Stream] = struct{}{} // later appends to its streams stay behind it
		}
		if behind {
			rest = append(rest, r)
			continue
		}
		batch = append(batch, r)
		events, bytes = events+r.events, bytes+r.bytes
		if r.alone {
			rest = append(rest, a.queue[i+1:]...)
			break
		}
	}
	clear(a.queue[len(rest):])
	a.queue = rest
	return batch, true
}

// flush settles all requests, puts them back into the queue, or moves them to the sideline.
func (a *appender) flush(batch []*request) {
	began := time.Now()
	receipts, err := a.send(&a.lane, context.Background(), batch)
	sent := classifySent(err, a.lane.conn)
	if sent == sentViolated && len(batch) > 1 {
		// Whoever was first has committed by now, so that this time the appends after it lose, and
		// touch nobody else.
		receipts, err = a.send(&a.lane, context.Background(), batch)
		sent = classifySent(err, a.lane.conn)
	}
	switch sent {
	case sentAll:
		a.lane.pace(time.Since(began))
		a.deliver(batch, receipts)
		return
	case sentLost:
		a.lane.drop()
		var pause time.Duration
		a.mu.Lock()
		a.queue, pause = a.failed(slices.Concat(batch, a.queue), err)
		a.mu.Unlock()
		_ = sleep(a.store.ctx, pause) // Close ends the wait
		return
	case sentBlocked:
		a.store.telemetry.blocked.Add(context.Background(), 1)
	default:
		if len(batch) == 1 {
			a.settle(batch[0], sent, err)
			return
		}
	}
	a.sideline(slices.Clone(batch), sent == sentBlocked)
}

// settle ends a request that failed for itself, and not for another transaction that is open.
func (a *appender) settle(r *request, sent sent, err error) {
	if sent == sentViolated {
		r.blockedUntil = time.Time{} // what was in its way has ended
		r.done <- outcome{lost: true}
		return
	}
	r.done <- outcome{err: refused(r, err)}
}

// send connects the link if need be, and sends the requests.
func (a *appender) send(l *link, ctx context.Context, batch []*request) ([]es.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout+l.lockTimeout)
	defer cancel()
	if err := l.ready(ctx); err != nil {
		return nil, &unsent{err}
	}
	if flushes := a.store.telemetry.flushes; flushes.Enabled(ctx) {
		by := apart
		if l == &a.lane {
			by = shared
		}
		flushes.Record(ctx, int64(len(batch)), by)
	}
	receipts, err := l.send(ctx, batch)
	if err != nil && l.conn.IsClosed() { // the driver hides behind "conn closed, safe to retry" that it lost it while it read an answer
		for _, r := range batch {
			r.inDoubt = true
		}
	}
	return receipts, err
}

// unsent is why there was no connection to send on.
type unsent struct{ error }

func (e *unsent) Unwrap() error { return e.error }

// deliver tells the callers what was stored, and readers that something was.
func (a *appender) deliver(batch []*request, receipts []es.Receipt) {
	stored := false
	for i, r := range batch {
		won := receipts[i].Streams != nil
		stored = stored || won
		r.blockedUntil = time.Time{}
		r.done <- outcome{receipt: receipts[i], lost: !won}
	}
	if stored {
		a.store.appended()
	}
}

// failed returns those of the requests whose connection was lost, and of those that follow them, that are to be
// sent again, and after which pause. The others, which have failed for too long, end.
func (a *appender) failed(requests []*request, err error) (again []*request, pause time.Duration) {
	now := time.Now()
	attempt, first := 0, 0
	for _, r := range requests {
		if r.failing.IsZero() {
			r.failing = now
			first++
		}
		r.cause = err
		r.blockedUntil = time.Time{} // nobody can tell whether something is in its way
		if now.Sub(r.failing) >= a.store.retryFor {
			r.done <- outcome{err: r.abandoned(fmt.Errorf("%w: %w", ErrUnavailable, err))}
			continue
		}
		attempt = max(attempt, int(now.Sub(r.failing)/(20*time.Millisecond)))
		again = append(again, r)
	}
	if first > 0 {
		a.store.logger.Debug("esgen: retrying appends after a lost connection", "appends", first, "error", err)
	}
	if len(again) > 0 {
		pause = backoff(attempt)
	}
	return again, pause
}

// abandoned is the error of a request that ends for the given reason, and may have
// been stored if it is in doubt.
func (r *request) abandoned(reason error) error {
	if r.inDoubt {
		return fmt.Errorf("%w: %w: send the same events again to settle it", es.ErrOutcomeUnknown, errors.Join(reason, r.cause))
	}
	return reason
}

// sent is how sending ended.
type sent int

const (
	sentAll sent = iota
	sentLost
	sentViolated
	sentBlocked
	sentRefused
)

func classifySent(err error, conn *pgconn.PgConn) sent {
	if err == nil {
		return sentAll
	}
	if _, ok := errors.AsType[*unsent](err); ok || conn == nil || conn.IsClosed() {
		return sentLost
	}
	switch classify(err, conn) {
	case failedLost:
		return sentLost
	case failedViolation:
		return sentViolated
	case failedBlocked:
		return sentBlocked
	default:
		return sentRefused
	}
}

// refused is the error of a request which the server takes for wrong.
func refused(r *request, err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return r.abandoned(typed(context.Background(), err))
	}
	switch {
	case pgErr.Code == codeTooDeep, pgErr.Code == codeProgramLimit:
		err = fmt.Errorf("the server can't parse it: %w: %w", es.ErrTooLarge, pgErr)
	case pgErr.Code[:2] == "22":
		err = fmt.Errorf("the server refuses it: %w: %w", es.ErrInvalidData, pgErr)
	default:
		return r.abandoned(typed(context.Background(), pgErr))
	}
	invalid := &es.InvalidError{Stream: r.writes[0].Stream, Index: -1, Field: "Data", Err: err}
	if len(r.writes) == 1 && len(r.writes[0].Events) == 1 {
		e := &r.writes[0].Events[0]
		invalid.Index, invalid.EventID, invalid.Type = 0, e.ID, e.Type
	}
	return invalid
}
