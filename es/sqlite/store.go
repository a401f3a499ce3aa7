// Package sqlite keeps events in one SQLite file: the embedded default, without
// cgo and without a server. Any number of goroutines and processes may use a
// file at once.
//
// An acknowledged append survives the death of the process and the loss of
// power: the file is in WAL mode with synchronous=FULL, so that each commit is
// synced before it is acknowledged. To make that cheap under load, the appends
// that come in while a commit is under way share the next one.
//
// A file must lie on a local file system: the shared memory and the locks of
// SQLite's WAL mode don't work over a network. Beside it SQLite keeps two files,
// with -wal and -shm at the end of their names; the first may hold committed
// events. Copy a file that is in use with [Store.Backup], never with cp. A file that is
// removed or replaced while it is open takes no more appends. The guide in docs/guides tells
// how to run it.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Store is an [es.Store] in an SQLite file, with all its optional interfaces. Open
// one with [Open], and close it.
type Store struct {
	path    string
	file    os.FileInfo // as it was opened
	config  config
	readers pool
	ops     chan *operation // to the writer, unbuffered: who waits there can still leave
	kinds   atomic.Pointer[[]kind]
	watches watches
	views   views
	lending atomic.Pointer[lending] // the caller's transaction that runs now

	closing   chan struct{}  // closed when Close begins
	drained   chan struct{}  // closed when the readers are: the writer closes its connection last
	tasks     sync.WaitGroup // the writer and the poll for watchers
	closeOnce sync.Once
	closeErr  error
}

var (
	_ es.Store       = (*Store)(nil)
	_ es.Feed        = (*Store)(nil)
	_ es.Checkpoints = (*Store)(nil)
	_ es.Lister      = (*Store)(nil)
	_ es.Watcher     = (*Store)(nil)
	_ es.Parking     = (*Store)(nil)
	_ es.Groups      = (*Store)(nil)
	_ es.Identified  = (*Store)(nil)
	_ es.Timers      = (*Store)(nil)
)

// Limits implements [es.Store]. They are [es.DefaultLimits].
func (s *Store) Limits() es.Limits { return es.DefaultLimits() }

// Close waits for the calls under way, ends the watches and makes every later
// call fail with [es.ErrClosed]; so do appends that still wait for another process.
// If nobody else has the file open, SQLite writes its WAL back and removes it. Close may
// be called again.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.watches.close()
		readers := errors.Join(s.readers.close(), s.views.close())
		close(s.drained)
		s.tasks.Wait()
		if readers != nil {
			s.closeErr = fmt.Errorf("closing %s: %w", s.path, readers)
		}
	})
	return s.closeErr
}

// read runs f on a connection of the pool. f may run several times, until no other
// process is in its way.
func (s *Store) read(ctx context.Context, f func(*conn) error) error {
	c, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	err = retryBusy(ctx, s.closing, func() error { return f(c) })
	s.readers.put(c, err)
	return err
}

// config is what the options set.
type config struct {
	durability Durability
	readers    int
	poll       time.Duration
}
