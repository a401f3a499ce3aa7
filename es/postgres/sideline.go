package postgres

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Bounds of the sideline.
const (
	maxApart       = 4                      // connections, each with one group of appends at a time
	maxRemembered  = 4096                   // blocked streams that nobody appends to at the moment
	probeTimeout   = 5 * time.Millisecond   // how long a group waits for a lock while others wait for their turn
	patientTimeout = 250 * time.Millisecond // and while none does
	apartIdle      = 5 * time.Second        // after which a connection is closed
)

// sideline is where appends go that held up the shared lane, with a few connections of their own.
//
// A flush that was blocked comes as one group. It is sent again in halves until those
// that are free are stored, and those that are blocked stand alone: then their streams are known, and
// appends to them come here straight, without another wait of the lane. Groups take turns.
// Those that are blocked wait for the lock itself while there is a connection to spare, else they ask
// in growing intervals, up to 0.75 s. A stream goes back to the lane with the first append that goes through.
//
// Appends to one stream keep their order: those that follow one that is here are parked until
// it is settled. Its fields are guarded by the appender's mutex.
type sideline struct {
	groups  []*group               // that wait for their turn
	held    map[es.Stream]struct{} // streams of groups, those under way included
	parked  []*request             // that follow a group, or another parked one, in some stream
	behind  map[es.Stream]struct{} // their streams
	blocked map[es.Stream]blockage // streams that were found blocked
	working int                    // goroutines
	waiting int                    // of these
	wake    chan struct{}
}

// group is a number of appends that are sent together, at most one to a stream.
type group struct {
	requests []*request
	due      time.Time
}

// blockage is what is remembered of a stream.
type blockage struct {
	tries int
	due   time.Time
}

func newSideline() sideline {
	return sideline{
		held:    map[es.Stream]struct{}{},
		behind:  map[es.Stream]struct{}{},
		blocked: map[es.Stream]blockage{},
		wake:    make(chan struct{}, 1),
	}
}

// idle reports whether all appends can go by the lane.
func (d *sideline) idle() bool { return len(d.held) == 0 && len(d.blocked) == 0 }

// empty returns the requests that wait, and forgets them.
func (d *sideline) empty() []*request {
	requests := d.parked
	for _, g := range d.groups {
		requests = append(requests, g.requests...)
	}
	d.parked, d.groups = nil, nil
	return requests
}

// add lines a group up behind the others.
func (d *sideline) add(g *group) { d.insert(len(d.groups), g) }

// insert lines a group up.
func (d *sideline) insert(at int, g *group) {
	for s := range g.streams() {
		d.held[s] = struct{}{}
	}
	d.groups = slices.Insert(d.groups, at, g)
}

// split lines up the halves of a group in front of the others: most of its requests are free, and
// have waited long enough.
func (d *sideline) split(requests []*request) {
	half := len(requests) / 2
	d.insert(0, &group{requests: requests[half:]})
	d.insert(0, &group{requests: requests[:half]})
}

// streams returns the streams of a group.
func (g *group) streams() iter.Seq[es.Stream] {
	return func(yield func(es.Stream) bool) {
		for _, r := range g.requests {
			for i := range r.writes {
				if !yield(r.writes[i].Stream) {
					return
				}
			}
		}
	}
}

// block remembers the streams of a request that was found blocked, and lines it up again: after a pause, or at
// once. The appender's mutex is held.
func (a *appender) block(g *group, pause bool) {
	d, r := &a.side, g.requests[0]
	tries := 0
	for s := range g.streams() {
		tries = max(tries, d.blocked[s].tries)
	}
	if tries == 0 {
		a.store.logger.Debug("esgen: an append waits for another transaction, apart from the others", "stream", r.writes[0].Stream.String())
	}
	if r.blockedUntil.IsZero() { // its connection was lost since it was held up, and theirs may have been
		for _, other := range slices.Concat(d.parked, g.requests) {
			other.heldUp(a.store.lockTimeout)
		}
	}
	g.due = time.Now()
	if pause {
		g.due = g.due.Add(backoff(tries))
	}
	if r.blockedUntil.Before(g.due) {
		g.due = r.blockedUntil
	}
	for s := range g.streams() {
		d.remember(s, blockage{tries + 1, g.due})
	}
	d.add(g)
}

// remember notes that a stream is blocked, or may be.
func (d *sideline) remember(s es.Stream, b blockage) {
	d.blocked[s] = b
	if len(d.blocked) <= maxRemembered {
		return
	}
	for other := range d.blocked {
		if _, held := d.held[other]; !held && other != s {
			delete(d.blocked, other)
			return
		}
	}
}

// unblock forgets that the streams of a group were blocked. What held them
// may have held others, which are tried at once.
func (d *sideline) unblock(g *group) {
	ended := false
	for s := range g.streams() {
		if _, was := d.blocked[s]; was {
			delete(d.blocked, s)
			ended = true
		}
	}
	if ended {
		for _, other := range d.groups {
			other.due = time.Time{}
		}
	}
}

// release lets the appends that follow a group go on: it returns those that are no longer parked.
func (d *sideline) release(g *group) []*request {
	followed := false
	for s := range g.streams() {
		delete(d.held, s)
		_, behind := d.behind[s]
		followed = followed || behind
	}
	if followed {
		return d.unpark()
	}
	return nil
}

// unpark returns all parked requests. The lane sends back those that must wait on.
func (d *sideline) unpark() []*request {
	requests := d.parked
	d.parked = nil
	clear(d.behind)
	return requests
}

// take returns the group whose turn it is, and whether none waits behind it; or when there will be one.
func (d *sideline) take(now time.Time) (g *group, last bool, next time.Time) {
	next = now.Add(apartIdle)
	for i, other := range d.groups {
		switch {
		case other.due.After(now):
			if other.due.Before(next) {
				next = other.due
			}
		case g == nil:
			g = other
			defer func() { d.groups = slices.Delete(d.groups, i, i+1) }()
		default:
			return g, false, next
		}
	}
	return g, true, next
}

// sidetrack takes a request whose stream is on the sideline, and reports whether it did.
// The appender's mutex is held.
func (a *appender) sidetrack(r *request) bool {
	d := &a.side
	follows, known := false, false
	var due time.Time
	for i := range r.writes {
		s := r.writes[i].Stream
		_, held := d.held[s]
		_, behind := d.behind[s]
		follows = follows || held || behind
		if b, is := d.blocked[s]; is {
			known = true
			if b.due.After(due) {
				due = b.due
			}
		}
	}
	switch {
	case follows:
		for i := range r.writes {
			d.behind[r.writes[i].Stream] = struct{}{}
		}
		d.parked = append(d.parked, r)
	case known:
		d.add(&group{requests: []*request{r}, due: due})
		a.rouse()
	default:
		return false
	}
	if r.failing.IsZero() { // else it is yet to be seen whether something is in its way
		r.heldUp(a.store.lockTimeout)
	}
	return true
}

// heldUp notes until when a request waits for other transactions.
func (r *request) heldUp(timeout time.Duration) {
	if r.blockedUntil.IsZero() {
		r.blockedUntil = time.Now().Add(timeout)
	}
}

// sideline moves a batch that failed out of the lane.
func (a *appender) sideline(batch []*request, blocked bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		for _, r := range batch {
			r.done <- outcome{err: r.abandoned(es.ErrClosed)}
		}
		return
	}
	for _, r := range batch {
		r.heldUp(a.store.lockTimeout)
	}
	switch {
	case len(batch) > 1:
		a.side.split(batch)
	case blocked:
		a.block(&group{requests: batch}, false)
	default:
		a.side.add(&group{requests: batch})
	}
	a.rouse()
}

// rouse sees to it that somebody sends the groups. The mutex is held.
func (a *appender) rouse() {
	d := &a.side
	if d.waiting == 0 && d.working < maxApart && a.store.spawn(a.work) {
		d.working++
	}
	signal(d.wake)
}

// work sends groups over one connection until there are none for a while.
func (a *appender) work() {
	l := &link{store: a.store, local: true}
	defer l.drop()
	d := &a.side
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { d.working-- }()
	for !a.closed && a.store.ctx.Err() == nil {
		now := time.Now()
		a.expire(now)
		g, last, next := d.take(now)
		if g != nil {
			if !last {
				a.rouse()
			}
			l.lockTimeout = probeTimeout
			// A pooler has few connections to the server, of which the lane needs one.
			patient := last && len(g.requests) == 1 && d.working-d.waiting < maxApart && !a.store.pooling
			if patient {
				l.lockTimeout = max(probeTimeout, min(patientTimeout, g.requests[0].blockedUntil.Sub(now)))
			}
			a.mu.Unlock()
			receipts, err := a.send(l, a.store.ctx, g.requests)
			sent := classifySent(err, l.conn)
			if sent == sentLost {
				l.drop()
			}
			a.mu.Lock()
			pause := a.sentApart(g, receipts, sent, err, patient)
			if pause > 0 {
				a.mu.Unlock()
				_ = sleep(a.store.ctx, pause)
				a.mu.Lock()
			}
			continue
		}
		d.waiting++
		a.mu.Unlock()
		timer := time.NewTimer(next.Sub(now))
		idle := false
		select {
		case <-d.wake:
		case <-timer.C:
			idle = true
		case <-a.store.ctx.Done():
		}
		timer.Stop()
		a.mu.Lock()
		d.waiting--
		if idle && len(d.groups) == 0 {
			return
		}
	}
}

// sentApart settles the requests of a group, or lines them up again. It returns how long to wait before
// anything else is sent. The mutex is held.
func (a *appender) sentApart(g *group, receipts []es.Receipt, sent sent, err error, patient bool) (pause time.Duration) {
	d := &a.side
	switch alone := len(g.requests) == 1; {
	case sent == sentAll:
		d.unblock(g)
		a.deliver(g.requests, receipts)
	case a.closed || a.store.ctx.Err() != nil:
		for _, r := range g.requests {
			r.done <- outcome{err: r.abandoned(es.ErrClosed)}
		}
	case sent == sentLost:
		if _, full := errors.AsType[*unsent](err); full { // if the lane has a connection, it finds the blocked one, too
			for _, r := range g.requests {
				r.alone = true
			}
		}
		again, pause := a.failed(slices.Concat(g.requests, d.release(g)), err)
		a.resume(again)
		return pause
	case !alone:
		d.split(g.requests)
		return 0
	case sent == sentBlocked:
		a.block(g, !patient)
		return 0
	default:
		d.unblock(g)
		a.settle(g.requests[0], sent, err)
	}
	a.resume(d.release(g))
	return 0
}

// resume puts requests in front of the lane's queue. The mutex is held.
func (a *appender) resume(requests []*request) {
	if len(requests) > 0 {
		a.queue = slices.Insert(a.queue, 0, requests...)
		signal(a.wake)
	}
}

// expire ends the requests that have been held up for too long, and drops those that nobody waits for. The
// mutex is held.
func (a *appender) expire(now time.Time) {
	d := &a.side
	over := func(r *request) bool {
		if r.ctx.Err() != nil {
			return true
		}
		if r.blockedUntil.IsZero() || now.Before(r.blockedUntil) {
			return false
		}
		r.done <- outcome{err: r.abandoned(fmt.Errorf("%w for %v", ErrBlocked, a.store.lockTimeout))}
		return true
	}
	var freed []*request
	for _, g := range d.groups {
		var gone group
		g.requests = slices.DeleteFunc(g.requests, func(r *request) bool {
			if !over(r) {
				return false
			}
			gone.requests = append(gone.requests, r)
			return true
		})
		if len(gone.requests) > 0 {
			for s := range gone.streams() {
				if _, known := d.blocked[s]; !known { // it may have been the one that was blocked
					d.remember(s, blockage{})
				}
			}
			freed = append(freed, d.release(&gone)...)
		}
	}
	d.groups = slices.DeleteFunc(d.groups, func(g *group) bool { return len(g.requests) == 0 })
	left := len(d.parked)
	if d.parked = slices.DeleteFunc(d.parked, over); len(d.parked) < left { // what followed it may be free
		freed = append(freed, d.unpark()...)
	}
	a.resume(freed)
}
