package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Standby returns a running standby of the server, which from then on waits for it at
// each commit (synchronous replication). It is removed when the test ends.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	if _, err := os.Stat(filepath.Join(s.Bin, "pg_basebackup")); err != nil {
		tb.Skip("this installation of PostgreSQL has no pg_basebackup")
	}
	standby, err := prepare()
	if err != nil {
		tb.Fatalf("preparing a standby: %v", err)
	}
	tb.Cleanup(standby.Remove)
	out, err := standby.Command("pg_basebackup", "--pgdata", standby.Data, "--host", "127.0.0.1", "--port", strconv.Itoa(s.Port),
		"--username", "postgres", "--write-recovery-conf", "--checkpoint", "fast", "--no-sync").CombinedOutput()
	if err != nil {
		tb.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	f, err := os.OpenFile(filepath.Join(standby.Data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	fmt.Fprintf(f, "port = %d\n", standby.Port)
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := standby.Start(); err != nil {
		tb.Fatalf("starting a standby: %v", err)
	}
	s.Exec(tb, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.Exec(tb, "SELECT pg_reload_conf()")
	return standby
}

// Promote makes a standby the primary.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "SELECT pg_promote()")
}
