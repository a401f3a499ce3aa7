package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Watch implements [es.Watcher]. Appends of this store signal at once, those of other
// processes by a notification, and every [PollInterval] there is a signal as a safety net.
func (s *Store) Watch(ctx context.Context) <-chan struct{} {
	signals := s.signals.add()
	s.listening.Do(func() {
		if !s.pooling || s.directURL != "" {
			s.spawn(s.listen)
		}
		s.spawn(s.poll)
	})
	go func() {
		select {
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		s.signals.remove(signals)
	}()
	return signals
}

// signals are the channels of the watchers.
type signals struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

func newSignals() *signals { return &signals{watchers: map[chan struct{}]struct{}{}} }

// add returns a new channel, with a signal in it.
func (s *signals) add() chan struct{} {
	watcher := make(chan struct{}, 1)
	signal(watcher)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[watcher] = struct{}{}
	return watcher
}

func (s *signals) remove(watcher chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, watcher)
	close(watcher)
}

func (s *signals) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for watcher := range s.watchers {
		signal(watcher)
	}
}

// signal puts a signal into a channel that has none.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// poll wakes the watchers now and then.
func (s *Store) poll() {
	for sleep(s.ctx, s.options.poll) == nil {
		s.signals.wake()
	}
}

// listen wakes the watchers when other processes have appended.
func (s *Store) listen() {
	for attempt := 0; s.ctx.Err() == nil; attempt++ {
		heard, err := s.hear()
		if s.ctx.Err() != nil {
			return
		}
		if heard {
			attempt = 0
		}
		s.logger.Debug("esgen: the connection for notifications was lost", "error", err)
		_ = sleep(s.ctx, backoff(attempt))
	}
}

// hear waits for notifications on one connection until it is lost.
func (s *Store) hear() (connected bool, err error) {
	conn, err := s.connect(s.ctx, s.directURL)
	if err != nil {
		return false, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(s.ctx, "LISTEN "+s.channel(), pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, err
	}
	s.signals.wake() // for what was missed before
	for {
		if _, err := conn.WaitForNotification(s.ctx); err != nil {
			return true, err
		}
		s.signals.wake()
	}
}

// channel is the name under which the stores of a schema notify each other.
func (s *Store) channel() string { return quoted("esgen_" + s.schema) }

// notifyInterval is the least time between two notifications: a notification costs every
// process something, and one is enough for all appends before it.
const notifyInterval = 5 * time.Millisecond

// notifier notifies other processes after appends have committed, never within their transactions,
// where it would make commits wait for each other.
type notifier struct {
	store *Store
	news  chan struct{}
}

func newNotifier(s *Store) *notifier { return &notifier{store: s, news: make(chan struct{}, 1)} }

func (n *notifier) notify() { signal(n.news) }

func (n *notifier) run() {
	s := n.store
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = conn.Close(ctx)
		}
	}()
	for attempt := 0; ; {
		select {
		case <-n.news:
		case <-s.ctx.Done():
			return
		}
		var err error
		if conn == nil || conn.IsClosed() {
			conn, err = s.connect(s.ctx, "")
		}
		if err == nil {
			// A notification takes a transaction id, so that its commit would be flushed to the disk. It holds
			// nothing that a crash could lose: the next one, or the poll, wakes who has missed it. What is sent at
			// once is one transaction, without BEGIN, which would leave a failed one open.
			_, err = conn.Exec(s.ctx, "SET LOCAL synchronous_commit = off; NOTIFY "+s.channel(), pgx.QueryExecModeSimpleProtocol)
		}
		if err != nil && s.ctx.Err() == nil {
			s.logger.Debug("esgen: notifying other processes failed", "error", err)
			n.notify()
			_ = sleep(s.ctx, backoff(attempt))
			attempt++
			continue
		}
		attempt = 0
		_ = sleep(s.ctx, notifyInterval)
	}
}

// Notify wakes the watchers of all processes, as an append does by itself. Call it after
// the commit of a transaction that has used [Store.AppendTx].
func (s *Store) Notify() { s.appended() }
