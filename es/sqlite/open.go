package sqlite

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/esgen-go/esgen/es"
)

// Open opens the store in a file, which it creates if it is missing; the directory
// must exist. An older schema is migrated. The context bounds the opening, which may
// have to wait for other processes.
//
// The error matches [ErrForeignFile], [ErrNewerSchema] or [ErrReadOnly] where that
// is the reason.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	c := defaults()
	for _, opt := range opts {
		opt(&c)
	}
	path, err := checkPath(path)
	if err != nil {
		return nil, fmt.Errorf("opening the event store: %w", err)
	}
	s := &Store{path: path, config: c, ops: make(chan *operation), closing: make(chan struct{}), drained: make(chan struct{})}
	s.readers = pool{connect: s.connectReader, slots: make(chan struct{}, c.readers), closing: s.closing}
	s.kinds.Store(&[]kind{{}})
	s.watches.init()

	w := &writer{store: s, kinds: map[kind]int64{}}
	if err := w.connect(ctx, createFile); err != nil {
		return nil, fmt.Errorf("opening the event store %s: %w", path, explain(err))
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		s.path = target // beside which SQLite keeps the WAL
	}
	if s.file, err = os.Stat(s.path); err != nil {
		_ = w.conn.Close()
		return nil, fmt.Errorf("opening the event store: %w", err)
	}
	s.tasks.Go(w.run)
	return s, nil
}

// checkPath makes a path absolute, since connections are opened later too, and
// refuses what SQLite would answer with a riddle.
func checkPath(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case strings.HasPrefix(path, ":memory:"):
		return "", fmt.Errorf("%s is no file: use package es/memory for a store in memory", path)
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("the path %q has a zero byte", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: the directory does not exist: create it first", path)
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("%s is a directory: name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no regular file (%s)", path, info.Mode())
	}
	return path, nil
}

// explain puts what SQLite says into the terms of this package.
func explain(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrForeignFile, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w, or not to be opened by this process: check the permissions of the file and its directory: %w", ErrReadOnly, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", errDamaged, err)
	default:
		return err
	}
}

// How a connection opens the file. Only the first one creates it: a file that was
// removed since is an error, not an empty store.
const (
	createFile   = "rwc"
	existingFile = "rw"
)

// connectReader opens a connection that can't write. It maps the file into memory, up
// to 1 GiB of it, which spares a copy of each page.
func (s *Store) connectReader(ctx context.Context) (*conn, error) {
	return s.connect(ctx, existingFile, readerPragmas()...)
}

// readerPragmas are the pragmas of a connection that reads.
func readerPragmas() []string { return []string{"query_only(1)", "mmap_size(1073741824)"} }

// connectWriter opens the connection that writes.
func (s *Store) connectWriter(ctx context.Context, mode string) (*conn, error) {
	return s.connect(ctx, mode, s.writerPragmas()...)
}

// writerPragmas are the pragmas of a connection that writes.
func (s *Store) writerPragmas() []string {
	synchronous := "synchronous(FULL)"
	if s.config.durability == Relaxed {
		synchronous = "synchronous(NORMAL)"
	}
	return []string{synchronous, "cache_size(-16000)"} // KiB
}

// connector makes connections of the driver's to the file. Their transactions that write take
// the lock when they begin, and their syncs reach the disk itself: fullfsync is for macOS, where others
// end in the disk's cache, and means nothing elsewhere.
func (s *Store) connector(mode string, pragmas ...string) (sqldriver.Connector, error) {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(s.path)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // a drive's letter
	}
	u.RawQuery = url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": append(pragmas, "busy_timeout(0)", "fullfsync(1)")}.Encode()
	return driver.NewConnector(u.String())
}

func (s *Store) connect(ctx context.Context, mode string, pragmas ...string) (*conn, error) {
	connector, err := s.connector(mode, pragmas...)
	if err != nil {
		return nil, err
	}
	var c *conn
	err = retryBusy(ctx, s.closing, func() error {
		opened, err := connector.Connect(ctx)
		if err == nil {
			c = newConn(opened)
		}
		return err
	})
	if moved := s.moved(); moved != nil {
		if err == nil {
			_ = c.Close()
		}
		return nil, moved
	}
	return c, err
}

// moved returns an error if the path no longer leads to the file that was opened. What
// was appended then would be acknowledged and lost, and a connection opened then would
// be to another file.
func (s *Store) moved() error {
	if s.file == nil {
		return nil // it is being opened
	}
	if info, err := os.Stat(s.path); err != nil || !os.SameFile(info, s.file) {
		return errMoved
	}
	return nil
}

// isClosed reports whether Close has begun.
func (s *Store) isClosed() error {
	select {
	case <-s.closing:
		return es.ErrClosed
	default:
		return nil
	}
}
