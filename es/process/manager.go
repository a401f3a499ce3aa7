package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/subscription"
)

// Definition says what a process manager does.
type Definition struct {
	// Name names its checkpoint and its timers: 1 to 200 bytes of UTF-8.
	Name string

	// Categories and Types are the events that it reacts to. The default is all.
	Categories, Types []string

	// React reacts to an event: it issues commands, and says what to wait for. The context carries the metadata of
	// [es.CausedBy] for what is saved with it, and what [Key] needs. An error means that the event is
	// tried again, as [subscription.Retry] says; then the manager stops, timers included, or with [subscription.Park] sets aside the
	// event's stream, and goes on with the others.
	React func(ctx context.Context, rec es.Recorded, timers *Timers) error

	// Expire is called when a timer is due, with a context as React's. An error, or a panic, means that it is called again a
	// while later; other timers don't wait for it. Without timers it may be nil.
	Expire func(ctx context.Context, t es.Timer) error

	// Start says where it begins that has not run before. The default is the first event of the
	// store.
	Start subscription.Start

	// Logger is told of timers that fail. The default is [slog.Default].
	Logger *slog.Logger
}

// Timers are what a reaction waits for. Changes are stored when the event counts as handled.
type Timers struct {
	changes es.TimerChanges
}

// Set has Expire called at a time, or when a process runs again after that. A timer of the same id is
// replaced.
func (t *Timers) Set(id string, due time.Time, data []byte) {
	t.drop(id)
	t.changes.Set = append(t.changes.Set, es.Timer{ID: id, Due: due.UTC().Truncate(time.Microsecond), Data: data})
}

// Clear removes a timer, if there is one.
func (t *Timers) Clear(id string) {
	t.drop(id)
	t.changes.Clear = append(t.changes.Clear, id)
}

// drop forgets earlier changes to a timer: the last one counts.
func (t *Timers) drop(id string) {
	t.changes.Set = without(t.changes.Set, id, func(s es.Timer) string { return s.ID })
	t.changes.Clear = without(t.changes.Clear, id, func(s string) string { return s })
}

func without[E any](all []E, id string, of func(E) string) []E {
	kept := all[:0]
	for _, e := range all {
		if of(e) != id {
			kept = append(kept, e)
		}
	}
	return kept
}

type keyContext struct{}

// Key returns an idempotency key for a command that a reaction or a time-out leads to: the same
// whenever the same event or timer is handled. step tells the commands of one reaction apart, where it
// issues several to one stream. Without a reaction it panics, since a key that is the same for
// everything would lose commands.
func Key(ctx context.Context, step string) string {
	cause, ok := ctx.Value(keyContext{}).(string)
	if !ok {
		panic("process.Key: the context is none that React or Expire was given")
	}
	return cause + "/" + step
}

// Manager runs a process manager. Make one with [New].
type Manager struct {
	def    Definition
	timers es.Timers
	sub    *subscription.Subscription
	wake   chan struct{} // a timer was set
}

// New returns a process manager over a store, which needs [es.Feed], [es.Groups] and [es.Timers]. The options
// are those of its subscription.
func New(store es.Store, def Definition, opts ...subscription.Option) (*Manager, error) {
	m := &Manager{def: def, wake: make(chan struct{}, 1)}
	if m.def.Start == nil {
		m.def.Start = subscription.Beginning
	}
	if m.def.Logger == nil {
		m.def.Logger = slog.Default()
	}
	if def.React == nil {
		return nil, fmt.Errorf("process manager %.80q: React is needed", def.Name)
	}
	var ok bool
	if m.timers, ok = es.Capability[es.Timers](store); !ok {
		return nil, fmt.Errorf("process manager %.80q: %T keeps no timers (es.Timers)", def.Name, store)
	}
	opts = append([]subscription.Option{
		subscription.Categories(def.Categories...), subscription.Types(def.Types...), subscription.StartAt(m.def.Start),
		subscription.Group(1), subscription.BatchSize(50), subscription.Logger(m.def.Logger),
	}, opts...)
	sub, err := subscription.Into(store, def.Name, subscription.SinkFunc(m.commit), opts...)
	if err != nil {
		return nil, fmt.Errorf("process manager %.80q: %w", def.Name, err)
	}
	m.sub = sub
	return m, nil
}

// Run reacts and waits until the context ends, and then returns nil; the event in hand is finished. The
// errors are those of [subscription.Subscription.Run].
func (m *Manager) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var expiring sync.WaitGroup
	if m.def.Expire != nil {
		expiring.Go(func() { m.expire(ctx) })
	}
	err := m.sub.Run(ctx)
	stop()
	expiring.Wait()
	return err
}

// Status tells how the manager's subscription is doing.
func (m *Manager) Status(ctx context.Context) (subscription.Status, error) { return m.sub.Status(ctx) }

// commit reacts to events, and records that together with the timers.
func (m *Manager) commit(ctx context.Context, b subscription.Batch) error {
	var timers Timers
	for _, rec := range b.Events {
		cause := m.def.Name + "/" + rec.ID.String()
		if err := m.def.React(context.WithValue(es.CausedBy(ctx, rec), keyContext{}, cause), rec, &timers); err != nil {
			return err
		}
		if len(timers.changes.Set) > 0 && m.def.Expire == nil {
			return errors.New("a timer was set, but there is no Expire")
		}
	}
	err := m.timers.RecordTimers(ctx, b.Progress, m.def.Name, timers.changes)
	if err == nil && len(timers.changes.Set) > 0 {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return err
}

const (
	lookEvery    = time.Second // for timers that another process has set
	firstRetry   = time.Second
	longestRetry = time.Minute
	due          = 100 // timers read at once
)

// expire hands on timers that are due, until the context ends.
func (m *Manager) expire(ctx context.Context) {
	failed := map[string]failure{}
	for ctx.Err() == nil {
		wait, err := m.expireDue(ctx, failed)
		if err != nil && ctx.Err() == nil {
			m.def.Logger.Warn("esgen: reading timers failed, and is tried again", "process", m.def.Name, "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-m.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// failure is when a timer that failed is tried again.
type failure struct {
	due   time.Time // the timer's
	next  time.Time
	pause time.Duration
}

// expireDue hands on what is due, and returns how long nothing more will be. Those that failed are
// passed over until they are tried again, however many they are.
func (m *Manager) expireDue(ctx context.Context, failed map[string]failure) (wait time.Duration, err error) {
	all, err := m.timers.Timers(ctx, m.def.Name, due+len(failed))
	if err != nil {
		return lookEvery, err
	}
	if len(all) < due+len(failed) { // these are all: others that had failed were cleared
		maps.DeleteFunc(failed, func(id string, _ failure) bool {
			return !slices.ContainsFunc(all, func(t es.Timer) bool { return t.ID == id })
		})
	}
	wait = lookEvery
	for _, t := range all {
		now := time.Now()
		next := t.Due
		f, again := failed[t.ID]
		if again && f.due.Equal(t.Due) {
			next = f.next
		}
		if next.After(now) {
			wait = min(wait, next.Sub(now))
			continue
		}
		if err := m.expireOne(ctx, t); err != nil {
			if ctx.Err() != nil {
				return 0, err
			}
			f.due, f.pause = t.Due, min(max(2*f.pause, firstRetry), longestRetry)
			f.next = time.Now().Add(f.pause)
			failed[t.ID] = f
			wait = min(wait, f.pause)
			args := []any{"process", m.def.Name, "timer", t.ID, "due", t.Due, "wait", f.pause, "error", err}
			if p, ok := errors.AsType[*subscription.PanicError](err); ok {
				args = append(args, "stack", string(p.Stack))
			}
			m.def.Logger.Warn("esgen: a timer failed, and is tried again", args...)
			continue
		}
		delete(failed, t.ID)
		wait = 0 // there may be more than were read
	}
	return wait, nil
}

func (m *Manager) expireOne(ctx context.Context, t es.Timer) error {
	cause := fmt.Sprintf("%s/%s/%d", m.def.Name, t.ID, t.Due.UnixMicro())
	acting := es.WithMetadata(ctx, es.Metadata{CausationID: "timer " + t.ID})
	err := subscription.Caught(func() error { return m.def.Expire(context.WithValue(acting, keyContext{}, cause), t) })
	if err != nil {
		return err
	}
	return m.timers.ClearTimer(ctx, m.def.Name, t)
}
