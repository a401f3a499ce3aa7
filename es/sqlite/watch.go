package sqlite

import (
	"context"
	"sync"
	"time"
)

// watches are the channels to wake after a commit.
type watches struct {
	mu       sync.Mutex
	channels map[chan struct{}]func() bool // with what lets go of the watch's context
	polling  bool
	closed   bool
}

func (w *watches) init() { w.channels = map[chan struct{}]func() bool{} }

// signal wakes all that are not woken yet.
func (w *watches) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.channels {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// close ends all watches, and lets no other begin.
func (w *watches) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for c, release := range w.channels {
		release()
		close(c)
	}
	clear(w.channels)
}

// end ends one watch.
func (w *watches) end(c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, open := w.channels[c]; open {
		close(c)
		delete(w.channels, c)
	}
}

// Watch implements [es.Watcher]. Appends through this store signal at once, those of
// others at the next poll: see [WithPoll].
func (s *Store) Watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	w := &s.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || ctx.Err() != nil {
		close(c)
		return c
	}
	w.channels[c] = context.AfterFunc(ctx, func() { w.end(c) })
	if !w.polling {
		w.polling = true
		s.tasks.Go(s.poll)
	}
	return c
}

// poll signals when another process has committed, as long as anybody watches.
func (s *Store) poll() {
	tick := time.NewTicker(s.config.poll)
	defer tick.Stop()
	var c *conn
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for seen := int64(-1); s.watches.wanted(); {
		version, err := s.dataVersion(&c)
		if err == nil && version != seen {
			// The first version is news too: what was committed between the watch's
			// beginning and now would be missed otherwise.
			seen = version
			s.watches.signal()
		} else if err != nil {
			seen = -1
		}
		select {
		case <-tick.C:
		case <-s.closing:
			return
		}
	}
}

// wanted reports whether anybody watches. If not, the poll has to end.
func (w *watches) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling = len(w.channels) > 0
	return w.polling
}

// dataVersion returns a number that changes with each commit on another connection.
// It opens the connection if there is none, and drops it when it fails: the version
// is comparable on one connection alone.
func (s *Store) dataVersion(c **conn) (version int64, err error) {
	if *c == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if *c, err = s.connectReader(ctx); err != nil {
			return 0, err
		}
	}
	_, err = (*c).one("PRAGMA data_version", func(r *row) { version = r.int(0) })
	if err != nil && !isBusy(err) {
		_ = (*c).Close()
		*c = nil
	}
	return version, err
}
