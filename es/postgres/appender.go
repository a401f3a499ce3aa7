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

// Times of a flush: sharedLockTimeout is how long the shared lane waits for a
// transaction that has appended to one of its streams; a flush that got no answer
// within flushTimeout, after it may have waited for a lock, is taken for cut off.
const (
	sharedLockTimeout = 100 * time.Millisecond
	flushTimeout      = 30 * time.Second
)

// maxApart is how many blocked appends wait at the same time, each on a connection
// of its own.
const maxApart = 4

// appender coalesces appends: one goroutine drains what queued while its last flush
// was under way. It waits for no timer, so that a lone append costs one round trip, and many
// share a statement and a commit.
//
// A flush holds at most one append to a stream. An append that is blocked by
// another transaction leaves the shared lane and waits apart, on another connection; later ones to
// its streams wait for it in the queue.
type appender struct {
	store *Store
	lane  link
	limit chan struct{} // holds a token for each append that is apart

	mu     sync.Mutex
	queue  []*request
	apart  map[es.Stream]struct{}
	closed bool
	wake   chan struct{}
}

func newAppender(s *Store) *appender {
	return &appender{
		store: s,
		lane:  link{store: s, lockTimeout: sharedLockTimeout},
		limit: make(chan struct{}, maxApart),
		apart: map[es.Stream]struct{}{},
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
	if len(a.queue) == 1 && len(a.apart) == 0 && a.queue[0].ctx.Err() == nil { // a lone append
		batch, a.queue = append(batch, a.queue[0]), a.queue[:0]
		return batch, true
	}
	taken := make(map[es.Stream]struct{}, len(a.queue))
	events, bytes, rest := 0, 0, a.queue[:0]
	for i, r := range a.queue {
		if len(batch) > 0 && (len(batch) == maxFlushRequests || events+r.events > maxFlushEvents || bytes+r.bytes > maxFlushBytes) {
			rest = append(rest, a.queue[i:]...)
			break
		}
		if r.ctx.Err() != nil {
			continue // nobody waits for it
		}
		free := true
		for j := range r.writes {
			stream := r.writes[j].Stream
			_, isTaken := taken[stream]
			_, isApart := a.apart[stream]
			free = free && !isTaken && !isApart
			taken[stream] = struct{}{} // later appends to its streams stay behind it
		}
		if !free {
			rest = append(rest, r)
			continue
		}
		batch = append(batch, r)
		events, bytes = events+r.events, bytes+r.bytes
	}
	clear(a.queue[len(rest):])
	a.queue = rest
	return batch, true
}

// flush settles all requests, or puts them back into the queue.
func (a *appender) flush(batch []*request) {
	receipts, err := a.send(&a.lane, context.Background(), batch)
	switch classifySent(err, a.lane.conn) {
	case sentAll:
		a.deliver(batch, receipts)
	case sentLost:
		a.lane.drop()
		a.requeue(batch, err)
	case sentBlocked:
		// One of them is blocked, and trying each alone finds it with a single wait.
		if len(batch) == 1 {
			a.moveApart(batch[0])
			return
		}
		for i, r := range batch {
			if a.flush([]*request{r}); a.lane.conn == nil { // each would wait for a connection in its turn
				a.putBack(batch[i+1:])
				return
			}
		}
	case sentViolated:
		// Whoever was first has committed by now, so that this time the appends after it lose, and
		// touch nobody else.
		if receipts, err = a.send(&a.lane, context.Background(), batch); err == nil {
			a.deliver(batch, receipts)
			return
		}
		a.bisect(batch, err)
	default:
		a.bisect(batch, err)
	}
}

// bisect flushes the halves of a batch that failed for one of its requests, or
// settles the request that it failed for.
func (a *appender) bisect(batch []*request, err error) {
	if len(batch) > 1 {
		half := len(batch) / 2
		a.flush(slices.Clone(batch[:half]))
		a.flush(slices.Clone(batch[half:]))
		return
	}
	switch r := batch[0]; classifySent(err, a.lane.conn) {
	case sentViolated:
		r.done <- outcome{lost: true}
	case sentLost:
		a.lane.drop()
		a.requeue(batch, err)
	case sentBlocked:
		a.moveApart(r)
	default:
		r.done <- outcome{err: refused(r, err)}
	}
}

// send connects the link if need be, and sends the requests.
func (a *appender) send(l *link, ctx context.Context, batch []*request) ([]es.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout+l.lockTimeout)
	defer cancel()
	if err := l.ready(ctx); err != nil {
		return nil, &unsent{err}
	}
	if flushes := a.store.telemetry.flushes; flushes.Enabled(ctx) {
		flushes.Record(ctx, int64(len(batch)))
	}
	receipts, err := l.send(ctx, batch)
	if err != nil && l.conn.IsClosed() && !pgconn.SafeToRetry(err) {
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
		r.done <- outcome{receipt: receipts[i], lost: !won}
	}
	if stored {
		a.store.appended()
	}
}

// requeue puts requests back whose connection was lost, in front of all others, and
// waits a moment. Those that have failed for too long end.
func (a *appender) requeue(batch []*request, err error) {
	now := time.Now()
	attempt := 0
	var again []*request
	for _, r := range batch {
		if r.failing.IsZero() {
			r.failing = now
			a.store.logger.Debug("esgen: retrying an append after a lost connection", "stream", r.writes[0].Stream.String(), "in doubt", r.inDoubt, "error", err)
		}
		r.cause = err
		if now.Sub(r.failing) >= a.store.retryFor {
			r.done <- outcome{err: r.abandoned(fmt.Errorf("%w: %w", ErrUnavailable, err))}
			continue
		}
		attempt = max(attempt, int(now.Sub(r.failing)/(20*time.Millisecond)))
		again = append(again, r)
	}
	if len(again) == 0 {
		return
	}
	a.putBack(again)
	_ = sleep(a.store.ctx, backoff(attempt)) // Close ends the wait
}

// putBack puts requests in front of all others.
func (a *appender) putBack(requests []*request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = slices.Insert(a.queue, 0, requests...)
}

// abandoned is the error of a request that ends for the given reason, and may have
// been stored if it is in doubt.
func (r *request) abandoned(reason error) error {
	if r.inDoubt {
		return fmt.Errorf("%w: %w: send the same events again to settle it", es.ErrOutcomeUnknown, errors.Join(reason, r.cause))
	}
	return reason
}

// moveApart lets a request wait for another transaction on a connection of its own.
func (a *appender) moveApart(r *request) {
	a.mu.Lock()
	for i := range r.writes {
		a.apart[r.writes[i].Stream] = struct{}{}
	}
	a.mu.Unlock()
	a.store.logger.Debug("esgen: an append waits for another transaction, apart from the others", "stream", r.writes[0].Stream.String())
	spawned := a.store.spawn(func() {
		again := a.sendApart(r)
		a.mu.Lock()
		for i := range r.writes {
			delete(a.apart, r.writes[i].Stream)
		}
		if again {
			if a.closed {
				r.done <- outcome{err: r.abandoned(es.ErrClosed)}
			} else {
				a.queue = slices.Insert(a.queue, 0, r)
			}
		}
		a.mu.Unlock()
		signal(a.wake)
	})
	if !spawned {
		r.done <- outcome{err: r.abandoned(es.ErrClosed)}
	}
}

// sendApart sends one request, for as long as its caller waits. It reports whether
// the request must go back into the queue.
func (a *appender) sendApart(r *request) (again bool) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	defer context.AfterFunc(a.store.ctx, cancel)()
	if r.blockedUntil.IsZero() {
		r.blockedUntil = time.Now().Add(a.store.lockTimeout)
	}
	timeout := time.NewTimer(time.Until(r.blockedUntil))
	defer timeout.Stop()
	select {
	case a.limit <- struct{}{}:
		defer func() { <-a.limit }()
	case <-timeout.C:
		r.done <- outcome{err: r.abandoned(fmt.Errorf("%w, as are many others", ErrBlocked))}
		return false
	case <-ctx.Done():
		if r.ctx.Err() != nil {
			r.done <- outcome{err: r.ctx.Err()}
		} else {
			r.done <- outcome{err: r.abandoned(es.ErrClosed)}
		}
		return false
	}
	l := &link{store: a.store, lockTimeout: time.Until(r.blockedUntil)}
	defer l.drop()
	batch := []*request{r}
	receipts, err := a.send(l, ctx, batch)
	switch sent := classifySent(err, l.conn); {
	case sent == sentAll:
		a.deliver(batch, receipts)
	case a.store.ctx.Err() != nil:
		r.done <- outcome{err: r.abandoned(es.ErrClosed)}
	case r.ctx.Err() != nil:
		r.done <- outcome{err: r.ctx.Err()}
	case sent == sentViolated:
		r.blockedUntil = time.Time{} // what was in its way has ended
		r.done <- outcome{lost: true}
	case sent == sentLost:
		if r.failing.IsZero() {
			r.failing = time.Now()
		}
		if r.cause = err; time.Since(r.failing) < a.store.retryFor {
			return true
		}
		r.done <- outcome{err: r.abandoned(fmt.Errorf("%w: %w", ErrUnavailable, err))}
	case sent == sentBlocked:
		r.done <- outcome{err: r.abandoned(fmt.Errorf("%w: %w", ErrBlocked, err))}
	default:
		r.done <- outcome{err: refused(r, err)}
	}
	return false
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
