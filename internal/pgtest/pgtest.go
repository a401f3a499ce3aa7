// Package pgtest runs real PostgreSQL servers for tests: from the machine's own
// installation, or from one that it fetches, each with its data in a temporary
// folder, on a free port of the loopback interface, with fsync on.
package pgtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs a package's tests and stops the server that they shared. Call it from
// TestMain: os.Exit(pgtest.Main(m)). Where no server can be had, examples are skipped as tests are.
func Main(m *testing.M) int {
	if _, err := findBin(); errors.Is(err, errNone) {
		if err := flag.Set("test.skip", "^Example"); err != nil {
			panic(err) // it is package testing's
		}
	}
	code := m.Run()
	if shared.server != nil {
		shared.server.Remove()
	}
	return code
}

// Shared returns the server that all tests of the package share, started by the
// first who asks.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.once.Do(func() { shared.server, shared.err = start() })
	need(tb, shared.err)
	return shared.server
}

// URL is that of the server that [Shared] returns, for examples, which have no [testing.TB].
func URL() string {
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		panic(shared.err)
	}
	return shared.server.URL()
}

// New returns a server for one test alone, for example one to be killed. It is
// removed when the test ends.
func New(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := start(settings...)
	need(tb, err)
	tb.Cleanup(s.Remove)
	return s
}

// need ends a test that has no server: skipped if none can be had on this machine, else failed.
func need(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case errors.Is(err, errNone):
		tb.Skip(err)
	case err != nil:
		tb.Fatalf("starting a PostgreSQL server: %v", err)
	}
}

// Database creates an empty database with a name of its own and returns its URL.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := Name(tb)
	s.Exec(tb, "CREATE DATABASE "+name)
	return s.URLOf(name)
}

// Exec executes statements, without parameters, as the superuser in the database
// postgres.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	Exec(tb, s.URL(), sql)
}

// Exec executes statements, without parameters, in the database of a URL.
func Exec(tb testing.TB, url, sql string) {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatalf("connecting to run %.60q: %v", sql, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		tb.Fatalf("running %.200q: %v", sql, err)
	}
}

var names atomic.Int64

// Name returns a fresh name for a schema, a database or a role: lower case,
// derived from the test's.
func Name(tb testing.TB) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '_'
		}
	}, tb.Name())
	if len(clean) > 30 {
		clean = clean[:30]
	}
	return fmt.Sprintf("t%d_%d_%s", os.Getpid(), names.Add(1), clean)
}

// WithUser returns the URL with another user, who needs no password.
func WithUser(rawURL, user string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err) // of this package's own making
	}
	u.User = url.User(user)
	return u.String()
}

// WithAddr returns the URL with another host and port, such as a [Proxy]'s.
func WithAddr(rawURL, addr string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err) // of this package's own making
	}
	u.Host = addr
	return u.String()
}
