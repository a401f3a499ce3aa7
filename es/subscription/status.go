package subscription

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// State is what a subscription is doing.
type State string

// The states.
const (
	Stopped    State = "stopped"
	CatchingUp State = "catching up" // it reads what was there before it came
	Live       State = "live"        // it has handled all that the feed has, and waits for more
	Retrying   State = "retrying"    // a handler or the store has failed: see Status.Err
	StandingBy State = "standing by" // it is a member of a group, and owns no partition
)

// Status is how a subscription is doing.
type Status struct {
	Name     string
	State    State
	Position es.Position // up to which it has handled the feed; 0 before the first run, and while it stands by
	Head     es.Position // of the feed
	// Behind is how far the position is from the head: at least as many as the events yet
	// to come, since positions have gaps and filters leave events out. While it stands by it is 0.
	Behind int64
	// Lag is how long ago the first event after the position was recorded; 0 when there is none.
	Lag time.Duration
	// Handled is the number of events handled since Run began, and Rate that of the last
	// ten seconds or so, a second.
	Handled int64
	Rate    float64
	// Parked is the number of streams that are set aside: see [Park].
	Parked int
	// Partitions are those of the group that this process owns, and Member is the id under which it owns
	// them; nil and zero without a group.
	Partitions []int
	Member     uuid.UUID
	// Err is the last failure, and ErrAt its time; nil if it has gone on since, after it has succeeded or
	// parked what failed.
	Err   error
	ErrAt time.Time
}

// Status tells how the subscription is doing. It asks the store for the head of the feed, and for the first event after the
// position; where that fails, the rest of the status is returned with the error.
func (s *Subscription) Status(ctx context.Context) (Status, error) {
	status := s.status.snapshot()
	head, err := s.source.feed.Head(ctx)
	if err == nil {
		status.Head = max(head, status.Position)
		if status.State != StandingBy {
			status.Behind = int64(status.Head - status.Position)
		}
	}
	if status.Behind > 0 {
		for rec, failed := range s.source.feed.ReadAll(ctx, es.FeedQuery{After: status.Position, UpTo: status.Head, Limit: 1}) {
			if err = failed; err == nil {
				status.Lag = max(0, time.Since(rec.RecordedAt))
			}
		}
	}
	if err != nil {
		return status, fmt.Errorf("subscription %q: %w", s.name, err)
	}
	return status, nil
}

// tracking is the running part of a status.
type tracking struct {
	mu      sync.Mutex
	state   State
	retries bool
	at      es.Position
	count   int64
	rate    rate
	aside   int
	owned   []int
	member  uuid.UUID
	err     error
	errAt   time.Time

	name    string
	changed func(Status) // nil: nobody wants to know
	telling sync.Mutex   // held while somebody is told, so that the last to be told is how things are
	told    Status
}

// note changes the tracking, and tells of it if there is something to tell.
func (t *tracking) note(change func()) {
	if t.changed != nil {
		t.telling.Lock()
		defer t.telling.Unlock()
	}
	t.mu.Lock()
	change()
	if t.changed == nil {
		t.mu.Unlock()
		return
	}
	now := t.current()
	news := now.State != t.told.State || now.Parked != t.told.Parked || (now.Err == nil) != (t.told.Err == nil) || !slices.Equal(now.Partitions, t.told.Partitions)
	t.told = now
	t.mu.Unlock()
	if news {
		t.changed(now)
	}
}

func (t *tracking) began() {
	t.note(func() {
		t.state, t.retries, t.count, t.err, t.errAt, t.rate = CatchingUp, false, 0, nil, time.Time{}, rate{}
	})
}

func (t *tracking) ended(err error) {
	t.note(func() {
		t.state, t.retries = Stopped, false
		if err != nil {
			t.err, t.errAt = err, time.Now()
		}
	})
}

// delivers notes where a delivery begins.
func (t *tracking) delivers(at es.Position) {
	t.note(func() {
		if t.at = at; t.state == StandingBy {
			t.state = CatchingUp
		}
	})
}

// standsBy notes that there is nothing to deliver, since others own all partitions.
func (t *tracking) standsBy() {
	t.note(func() { t.state, t.at, t.aside = StandingBy, 0, 0 })
}

// reading notes whether the feed had more than the page.
func (t *tracking) reading(live bool) {
	if !live {
		t.note(func() { t.state = CatchingUp })
	}
}

// moved notes that a page is done.
func (t *tracking) moved(at es.Position, p page) {
	t.note(func() {
		t.at, t.retries, t.err, t.errAt = at, false, nil, time.Time{}
		if p.live {
			t.state = Live
		}
	})
}

func (t *tracking) handled(events []es.Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count += int64(len(events))
	t.rate.add(time.Now(), len(events))
	t.at = events[len(events)-1].Position
}

// retried notes an event of a parked stream that was handled.
func (t *tracking) retried() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	t.rate.add(time.Now(), 1)
}

func (t *tracking) parked(n int) { t.note(func() { t.aside = n }) }

func (t *tracking) owns(member uuid.UUID, partitions []int) {
	t.note(func() { t.member, t.owned = member, partitions })
}

func (t *tracking) failed(err error) {
	t.note(func() { t.retries, t.err, t.errAt = true, err, time.Now() })
}

func (t *tracking) snapshot() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current()
}

// current is the status; the caller holds the lock.
func (t *tracking) current() Status {
	now := time.Now()
	status := Status{Name: t.name, State: t.state, Position: t.at, Handled: t.count, Rate: t.rate.perSecond(now),
		Parked: t.aside, Partitions: slices.Clone(t.owned), Member: t.member, Err: t.err, ErrAt: t.errAt}
	if t.retries {
		status.State = Retrying
	}
	return status
}

// rate counts events in the last seconds, one slot a second.
type rate struct {
	slots [10]int
	last  int64 // the second of the newest slot
	first int64 // the second of the first event
}

func (r *rate) move(now time.Time) {
	second := now.Unix()
	if r.first == 0 {
		r.first, r.last = second, second
	}
	for ; r.last < second; r.last++ {
		if second-r.last > int64(len(r.slots)) {
			r.slots, r.last = [10]int{}, second
			return
		}
		r.slots[(r.last+1)%int64(len(r.slots))] = 0
	}
}

func (r *rate) add(now time.Time, n int) {
	r.move(now)
	r.slots[r.last%int64(len(r.slots))] += n
}

func (r *rate) perSecond(now time.Time) float64 {
	if r.first == 0 {
		return 0
	}
	r.move(now)
	sum := 0
	for _, n := range r.slots {
		sum += n
	}
	return float64(sum) / float64(min(int64(len(r.slots)), r.last-r.first+1))
}
