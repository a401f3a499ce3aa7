package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PgBouncer starts a PgBouncer in transaction mode before the server and returns its address
// for [WithAddr]. Settings are lines of its section [pgbouncer]. It ends with the test. Where there is none it is
// installed; where it can't be, the test is skipped.
func (s *Server) PgBouncer(tb testing.TB, settings ...string) (addr string) {
	tb.Helper()
	program, err := findPgBouncer()
	if err != nil {
		tb.Skipf("there is no pgbouncer, and installing it failed (do it by hand, for example with `apt-get install pgbouncer`): %v", err)
	}
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := os.MkdirTemp(s.dir, "pgbouncer-")
	if err != nil {
		tb.Fatal(err)
	}
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	lines := append([]string{
		"[databases]",
		fmt.Sprintf("* = host=127.0.0.1 port=%d", s.Port),
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"listen_port = " + strconv.Itoa(port),
		"unix_socket_dir =",
		"auth_type = trust",
		"auth_file = " + users,
		"pool_mode = transaction",
		"max_client_conn = 1000",
	}, settings...)
	for path, text := range map[string]string{users: `"postgres" ""` + "\n", config: strings.Join(lines, "\n") + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	s.runUntilTheEnd(tb, exec.Command(program, config))
	addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	awaitConnection(tb, WithAddr(s.URL(), addr))
	return addr
}

// runUntilTheEnd runs a command as the server's user until the test ends, however it does.
func (s *Server) runUntilTheEnd(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // the process dies with the thread that started it
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends is no one's concern
		}
	}()
	if err := <-started; err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		<-ended
	})
}

// awaitConnection waits until a URL takes connections.
func awaitConnection(tb testing.TB, url string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("waiting for %s: %v", url, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// findPgBouncer returns the program, and installs it if need be.
var findPgBouncer = sync.OnceValues(func() (string, error) {
	const debian = "/usr/sbin/pgbouncer"
	find := func() string {
		if path, err := exec.LookPath("pgbouncer"); err == nil {
			return path
		}
		if isFile(debian) {
			return debian
		}
		return ""
	}
	if path := find(); path != "" {
		return path, nil
	}
	if os.Geteuid() != 0 {
		return "", errOnlyRoot
	}
	err := locked(func() error {
		if find() != "" {
			return nil // another process was faster
		}
		return aptInstall("pgbouncer")
	})
	if path := find(); err != nil || path != "" {
		return path, err
	}
	return "", fmt.Errorf("it was installed, but is neither in the PATH nor at %s", debian)
})
