package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby starts a hot standby of the server, which replicates by streaming, and makes
// the server's commits wait until the standby has them on disk. It is removed when the
// test ends.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	standby, err := prepare()
	need(tb, err)
	tb.Cleanup(standby.Remove)
	if err := s.copyTo(standby); err != nil {
		tb.Fatalf("copying a server's data for a standby: %v", err)
	}
	if err := standby.configure([]string{
		fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'", s.Port),
		"hot_standby = on",
		"synchronous_standby_names = ''",
	}); err != nil {
		tb.Fatalf("configuring a standby: %v", err)
	}
	if err := standby.Start(); err != nil {
		tb.Fatalf("starting a standby: %v", err)
	}
	s.Exec(tb, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	s.Exec(tb, "SELECT pg_reload_conf()")
	s.Await(tb, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
	return standby
}

// Promote makes a standby a server that takes writes.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "SELECT pg_promote()")
	s.Await(tb, "SELECT NOT pg_is_in_recovery()")
}

// Await waits until a query, in the database postgres, returns true.
func (s *Server) Await(tb testing.TB, sql string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		tb.Fatalf("connecting to wait for %q: %v", sql, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for holds := false; !holds; time.Sleep(10 * time.Millisecond) {
		if err := conn.QueryRow(ctx, sql).Scan(&holds); err != nil {
			tb.Fatalf("waiting for %q: %v", sql, err)
		}
	}
}

// copyTo copies the server's data to a standby's folder: while the server runs where there is
// pg_basebackup, else while it is stopped.
func (s *Server) copyTo(standby *Server) error {
	if isFile(filepath.Join(s.Bin, "pg_basebackup")) {
		out, err := s.Command("pg_basebackup", "--host", "127.0.0.1", "--port", fmt.Sprint(s.Port), "--username", "postgres",
			"--pgdata", standby.Data, "--wal-method", "stream", "--checkpoint", "fast", "--write-recovery-conf", "--no-sync").CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_basebackup: %w: %s", err, out)
		}
		return nil
	}
	s.Stop()
	if out, err := exec.Command("cp", "-a", s.Data, standby.Data).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	signal := filepath.Join(standby.Data, "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return err
	}
	if s.cred != nil {
		if err := os.Chown(signal, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	return s.Start()
}
