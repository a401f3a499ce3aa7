package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL server.
type Server struct {
	Bin  string // the folder of its programs
	Data string // its data folder
	Port int

	dir  string
	cred *syscall.Credential

	mu      sync.Mutex
	process *os.Process
	exited  chan struct{}
}

// start makes a data folder and starts a server on it. Settings are lines of
// postgresql.conf.
func start(settings ...string) (*Server, error) {
	s, err := prepare()
	if err != nil {
		return nil, err
	}
	if out, err := s.Command("initdb", "--pgdata", s.Data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync").CombinedOutput(); err != nil {
		s.Remove()
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := s.configure(settings); err != nil {
		s.Remove()
		return nil, err
	}
	if err := s.Start(); err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// prepare finds programs, user, folder and port.
func prepare() (*Server, error) {
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	removeStale()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	s := &Server{Bin: bin, dir: dir, Data: filepath.Join(dir, "data")}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		if s.cred, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return nil, err
		}
	}
	s.Port, err = freePort()
	return s, err
}

func (s *Server) configure(settings []string) error {
	lines := append([]string{
		"listen_addresses = '127.0.0.1'",
		"unix_socket_directories = ''",
		"port = " + strconv.Itoa(s.Port),
		"fsync = on",
		"max_connections = 200",
		"max_prepared_transactions = 20",
		"timezone = 'UTC'",
		"log_min_messages = fatal",
	}, settings...)
	f, err := os.OpenFile(filepath.Join(s.Data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}

// Command returns a command for one of the server's programs, run as the
// server's user.
func (s *Server) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.Bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	return cmd
}

// Start starts the server after [Server.Stop] or [Server.Kill] and waits until it
// takes connections.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	logPath := filepath.Join(s.dir, "log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	for attempt := 0; ; attempt++ {
		if err := s.spawn(log); err != nil {
			return err
		}
		if err = s.await(); err == nil {
			return nil
		}
		if attempt == 20 { // after a kill, the shared memory may be in use for a moment
			text, _ := os.ReadFile(logPath)
			return fmt.Errorf("%w; its log: %s", err, text)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// spawn starts the process from a thread that lives as long as the process does:
// the kernel stops the server when that thread dies, hence when the tests do,
// however they die.
func (s *Server) spawn(log *os.File) error {
	cmd := s.Command("postgres", "-D", s.Data)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how a server ended is told by its log
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.exited = cmd.Process, exited
	return nil
}

func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			return errors.New("the server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop shuts the server down: it rolls open transactions back, and ends.
func (s *Server) Stop() { s.signal(syscall.SIGINT) }

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	_ = s.process.Signal(sig) // it may have ended already
	<-s.exited
	s.process = nil
}

// Kill kills the server and all its processes with SIGKILL, as a loss of power
// would but for the operating system's cache.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	children := childrenOf(s.process.Pid)
	_ = s.process.Kill()
	for _, pid := range append(children, childrenOf(s.process.Pid)...) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.exited
	s.process = nil
}

// childrenOf lists the processes that a process started.
func childrenOf(pid int) []int {
	var children []int
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			children = append(children, child)
		}
	}
	return children
}

// CPU returns the processor time that the server and its children have used: those
// that live and those that it has waited for.
func (s *Server) CPU() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	total := cpuOf(s.process.Pid, true)
	for _, pid := range childrenOf(s.process.Pid) {
		total += cpuOf(pid, false)
	}
	return total
}

// cpuOf reads the user and system time of a process, which Linux counts in
// hundredths of a second.
func cpuOf(pid int, waited bool) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return 0
	}
	last := 13
	if waited {
		last = 15
	}
	var ticks int64
	for _, field := range fields[11:last] {
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// Remove stops the server and removes its data.
func (s *Server) Remove() {
	s.signal(syscall.SIGQUIT)
	_ = os.RemoveAll(s.dir) // a folder that stays is removed by a later run
}

// URL returns the URL of the database postgres, as the superuser.
func (s *Server) URL() string { return s.URLOf("postgres") }

// URLOf returns the URL of a database.
func (s *Server) URLOf(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Addr(), database)
}

// Addr returns the server's address.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// unprivileged returns whom root runs the server as.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root can't run PostgreSQL, and there is neither a user postgres nor a user nobody")
}

const folderPrefix = "esgen-pgtest-"

// removeStale removes the folders of test processes that died.
func removeStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, dir := range dirs {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folderPrefix), "-")
		pid, err := strconv.Atoi(text)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}
