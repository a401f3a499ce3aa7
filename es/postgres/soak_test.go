package postgres_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// The variables that make this test binary a process of the soak.
const (
	soakName = "ESGEN_SOAK_NAME"
	soakURL  = "ESGEN_SOAK_URL"
	soakFile = "ESGEN_SOAK_FILE" // where it leaves its report
)

const (
	soakProcesses = 4
	soakWriters   = 16 // of each process

	pooled = "-pooled" // ends the names of processes that work as through a pooler
)

// soakReport is what a process of the soak was told.
type soakReport struct {
	Ledger   ledger
	Follower follower
}

func TestProcessesWriteThroughACrashOfTheServer(t *testing.T) {
	if name := os.Getenv(soakName); name != "" {
		if err := runSoakProcess(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		return
	}
	if testing.Short() {
		t.Skip("four processes and a server of its own: not with -short")
	}
	t.Parallel()
	span := cmp.Or(*soak, 5*time.Second)
	server := pgtest.New(t)
	store, err := postgres.Open(t.Context(), server.URL()) // creates the tables
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()

	processes := make([]*soakProcess, soakProcesses)
	for i := range processes {
		processes[i] = startSoak(t, fmt.Sprint("p", i)+[]string{"", pooled}[i%2], server.URL())
	}
	time.Sleep(span / 2)
	server.Kill()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(span / 2)
	for _, p := range processes {
		p.tell(t, "stop")
	}
	for _, p := range processes {
		p.await(t, "stopped")
	}
	truth := table(t, server.URL(), "esgen")
	for _, p := range processes {
		p.tell(t, fmt.Sprint(truth[len(truth)-1].Position))
	}
	var told ledger
	var followers []*follower
	for _, p := range processes {
		report := p.report(t)
		told.add(report.Ledger)
		followers = append(followers, &report.Follower)
	}
	audit(t, truth, told, followers)
	t.Logf("%.0f events a second", float64(len(truth))/span.Seconds())
}

// soakProcess is a process of the soak, as its parent sees it.
type soakProcess struct {
	name, file string
	cmd        *exec.Cmd
	in         io.WriteCloser
	out        *bufio.Reader
	errs       bytes.Buffer
}

func startSoak(t *testing.T, name, url string) *soakProcess {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &soakProcess{name: name, file: filepath.Join(t.TempDir(), name)}
	p.cmd = exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.timeout=0")
	p.cmd.Env = append(os.Environ(), soakName+"="+name, soakURL+"="+url, soakFile+"="+p.file)
	p.cmd.Stderr = &p.errs
	p.in, err = p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.await(t, "started")
	return p
}

func (p *soakProcess) tell(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatalf("process %s: %v\n%s", p.name, err, &p.errs)
	}
}

func (p *soakProcess) await(t *testing.T, line string) {
	t.Helper()
	var noise strings.Builder
	for {
		said, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatalf("process %s ended before it said %q:\n%s%s", p.name, line, &noise, &p.errs)
		}
		if said == line+"\n" {
			return
		}
		noise.WriteString(said)
	}
}

// report waits for the end of the process and returns what it has left.
func (p *soakProcess) report(t *testing.T) *soakReport {
	t.Helper()
	text, _ := io.ReadAll(p.out)
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("process %s: %v\n%s%s", p.name, err, text, &p.errs)
	}
	f, err := os.Open(p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r soakReport
	if err := gob.NewDecoder(f).Decode(&r); err != nil {
		t.Fatalf("the report of process %s: %v", p.name, err)
	}
	r.Follower.name = p.name
	return &r
}

// runSoakProcess writes until it is told to stop, and reads up to the position that it is told then.
func runSoakProcess(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := bufio.NewScanner(os.Stdin)
	order := func() string { // "" when the parent is gone
		orders.Scan()
		return orders.Text()
	}
	pool, err := pgxpool.New(ctx, os.Getenv(soakURL)+"&pool_max_conns=20")
	if err != nil {
		return err
	}
	defer pool.Close()
	var opts []postgres.Option
	if strings.HasSuffix(name, pooled) {
		opts = append(opts, postgres.TransactionPooling(), postgres.DirectURL(os.Getenv(soakURL)))
	}
	store, err := postgres.New(ctx, pool, opts...)
	if err != nil {
		return err
	}
	defer store.Close()
	fmt.Println("started")

	stop, goal := make(chan struct{}), make(chan es.Position, 1)
	writers := make([]*writer, soakWriters)
	var writing, reading sync.WaitGroup
	for i := range writers {
		writers[i] = &writer{name: fmt.Sprintf("%s-w%d", name, i), store: store, pool: pool}
		writing.Go(func() { writers[i].run(ctx, stop) })
	}
	var report soakReport
	reader := &follower{name: name, store: store}
	reading.Go(func() { reader.run(ctx, goal) })

	if order() != "stop" {
		return errors.New("the parent process is gone")
	}
	close(stop)
	writing.Wait()
	fmt.Println("stopped")
	last, err := strconv.ParseInt(order(), 10, 64)
	if err != nil {
		return fmt.Errorf("the last position: %w", err)
	}
	goal <- es.Position(last)
	reading.Wait()

	for _, w := range writers {
		report.Ledger.add(w.ledger)
	}
	report.Follower = *reader
	f, err := os.Create(os.Getenv(soakFile))
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(f).Encode(&report), f.Close())
}
