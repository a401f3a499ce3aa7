package subscription_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// soak makes the test with crashes last longer: see make soak-subscription.
var soak = flag.Duration("soak", 0, "how long subscribers, owners and the server crash at random")

// The variables that make this test binary a process of the soak.
const (
	soakProgram = "ESGEN_SUBSCRIPTION_SOAK"
	soakURL     = "ESGEN_SUBSCRIPTION_URL"
	soakLease   = "ESGEN_SUBSCRIPTION_LEASE"
)

func TestMain(m *testing.M) {
	if program := os.Getenv(soakProgram); program != "" {
		if err := runSoakChild(program); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	slog.SetLogLoggerLevel(slog.LevelError + 1) // failures are these tests' business
	os.Exit(pgtest.Main(m))
}

// The tables that the handlers of the soak write to. A row of exact is committed with the progress; its key
// refuses a second one. n tells the order.
const soakTables = `
CREATE TABLE exact (n bigserial, stream text, version bigint, PRIMARY KEY (stream, version));
CREATE TABLE handled (n bigserial, reader text, stream text, version bigint);`

// insertAll inserts a row for each event.
func insertAll(ctx context.Context, q interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, sql string, events []es.Recorded, args ...any) error {
	streams, versions := make([]string, len(events)), make([]int64, len(events))
	for i, rec := range events {
		streams[i], versions[i] = rec.Stream.String(), int64(rec.Version)
	}
	_, err := q.Exec(ctx, sql, append(args, streams, versions)...)
	return err
}

// runSoakChild is a process of the soak: a member of both groups, or the lone subscriber. It ends gracefully at SIGTERM, and
// when its parent is gone.
func runSoakChild(program string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // the parent is gone
	}()
	lease, err := time.ParseDuration(os.Getenv(soakLease))
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, os.Getenv(soakURL)+"&pool_max_conns=6")
	if err != nil {
		return err
	}
	defer pool.Close()
	var store *postgres.Store
	for store == nil { // the server may be down
		if store, err = postgres.New(ctx, pool); err != nil && ctx.Err() != nil {
			return err
		}
	}
	defer store.Close()

	plain := func(reader string) subscription.Handler {
		return subscription.HandlerFunc(func(ctx context.Context, events []es.Recorded) error {
			return subscription.Passing(insertAll(ctx, pool, "INSERT INTO handled (reader, stream, version) SELECT $1, * FROM unnest($2::text[], $3::bigint[])", events, reader))
		})
	}
	var fenced atomic.Int64
	exact := subscription.SinkFunc(func(ctx context.Context, b subscription.Batch) error {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if err := store.RecordTx(ctx, tx, b.Progress); err != nil {
				return err
			}
			return insertAll(ctx, tx, "INSERT INTO exact (stream, version) SELECT * FROM unnest($1::text[], $2::bigint[])", b.Events)
		})
		var pgErr *pgconn.PgError
		switch {
		case errors.Is(err, es.ErrFenced):
			fmt.Println("fenced", fenced.Add(1))
			return err
		case errors.As(err, &pgErr) && pgErr.Code == "23505":
			fmt.Println("VIOLATION", pgErr.Detail)
			return err
		}
		return subscription.Passing(err)
	})
	if program == "solo" {
		solo, err := subscription.New(store, "solo", plain("solo"))
		if err != nil {
			return err
		}
		return solo.Run(ctx)
	}
	group := []subscription.Option{subscription.Group(16), subscription.Lease(lease)}
	one, err := subscription.Into(store, "exact", exact, group...)
	if err != nil {
		return err
	}
	two, err := subscription.New(store, "plain", plain("plain"), group...)
	if err != nil {
		return err
	}
	go func() {
		for told := (uuid.UUID{}); ; time.Sleep(10 * time.Millisecond) {
			status, _ := one.Status(ctx)
			if status.Member != told {
				told = status.Member
				fmt.Println("member", told)
			}
		}
	}()
	var running sync.WaitGroup
	errs := make([]error, 2)
	for i, sub := range []*subscription.Subscription{one, two} {
		running.Go(func() { errs[i] = sub.Run(ctx) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// soakChild is a process of the soak, as its parent sees it.
type soakChild struct {
	program string
	cmd     *exec.Cmd
	in      io.WriteCloser
	errs    bytes.Buffer
	ended   chan struct{}

	mu        sync.Mutex
	member    uuid.UUID
	fenced    int
	violation string
}

func startSoakChild(t *testing.T, program, url string, lease time.Duration) *soakChild {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &soakChild{program: program, cmd: exec.CommandContext(context.Background(), exe), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), soakProgram+"="+program, soakURL+"="+url, soakLease+"="+lease.String())
	c.cmd.Stderr = &c.errs
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		c.in, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.mu.Lock()
			switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
			case "member":
				c.member, _ = uuid.Parse(rest)
			case "fenced":
				_, _ = fmt.Sscan(rest, &c.fenced)
			case "VIOLATION":
				c.violation = rest
			}
			c.mu.Unlock()
		}
		_ = c.cmd.Wait() // how it ends is for the test to say
	}()
	t.Cleanup(func() { c.kill(t) })
	return c
}

func (c *soakChild) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

func (c *soakChild) kill(t *testing.T) {
	t.Helper()
	c.signal(syscall.SIGKILL)
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.violation != "" {
		t.Errorf("a process committed an event twice: %s", c.violation)
	}
}

func (c *soakChild) id() uuid.UUID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.member
}

// handOver waits until no partition of a group is a member's, and returns how long each took to move.
func handOver(ctx context.Context, store *postgres.Store, group string, member uuid.UUID) (times []time.Duration) {
	begun := time.Now()
	left := -1
	for ctx.Err() == nil && left != 0 {
		state, err := store.Group(ctx, group)
		if err != nil {
			return nil
		}
		owned := 0
		for _, p := range state.Partitions {
			if p.Owner == member || left >= 0 && p.Owner == uuid.Nil {
				owned++
			}
		}
		for ; left > owned; left-- {
			times = append(times, time.Since(begun))
		}
		left = owned
		time.Sleep(5 * time.Millisecond)
	}
	return times
}

func percentile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, int(p*float64(len(times))))].Round(time.Millisecond)
}

func TestEveryEventIsHandledInOrderThroughCrashesOfSubscribersOwnersAndServer(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes and a server of its own: not with -short")
	}
	t.Parallel()
	span, lease, pace := cmp.Or(*soak, 6*time.Second), 600*time.Millisecond, 20*time.Millisecond
	if *soak > 0 {
		lease, pace = 3*time.Second, 8*time.Millisecond
	}
	server := pgtest.New(t)
	store, err := postgres.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pgtest.Exec(t, server.URL(), soakTables)

	stop := make(chan struct{})
	var writing sync.WaitGroup
	for w := range 16 {
		writing.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(rand.N(2 * pace)):
				}
				write := es.Write{Stream: es.Stream{Category: "soak", ID: fmt.Sprintf("%d-%d", w, rand.N(8))}, Expect: es.Any}
				for range 1 + rand.N(3) {
					write.Events = append(write.Events, es.Event{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)})
				}
				for {
					_, err := store.Append(t.Context(), write) // the same ids again: nothing is stored twice
					if err == nil || t.Context().Err() != nil {
						break
					}
				}
			}
		})
	}

	members := make([]*soakChild, 4)
	for i := range members {
		members[i] = startSoakChild(t, "member", server.URL(), lease)
	}
	solo := startSoakChild(t, "solo", server.URL(), lease)
	fenced := 0
	end := func(c *soakChild) {
		t.Helper()
		c.kill(t)
		fenced += c.fenced
	}
	var killed, left []time.Duration
	kills, pauses, crashes := 0, 0, 0
	for begun, round := time.Now(), 0; time.Since(begun) < span; round++ {
		time.Sleep(rand.N(lease))
		if rand.N(2) == 0 {
			end(solo)
			solo = startSoakChild(t, "solo", server.URL(), lease)
			kills++
		}
		i := rand.N(len(members))
		victim := members[i]
		moved, done := context.WithTimeout(t.Context(), 10*lease)
		switch {
		case round%8 == 2:
			server.Kill()
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			crashes++
		case round%8 == 7: // two at once, and the server
			other := members[(i+1)%len(members)]
			other.signal(syscall.SIGSTOP)
			end(victim)
			server.Kill()
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(rand.N(2 * lease))
			other.signal(syscall.SIGCONT)
			members[i] = startSoakChild(t, "member", server.URL(), lease)
			kills, pauses, crashes = kills+1, pauses+1, crashes+1
		case round%8 == 3:
			victim.signal(syscall.SIGTERM)
			left = append(left, handOver(moved, store, "exact", victim.id())...)
			<-victim.ended
			end(victim)
			members[i] = startSoakChild(t, "member", server.URL(), lease)
		case round%2 == 1:
			victim.signal(syscall.SIGSTOP)
			time.Sleep(lease/4 + rand.N(3*lease))
			victim.signal(syscall.SIGCONT)
			pauses++
		default:
			id := victim.id()
			end(victim)
			killed = append(killed, handOver(moved, store, "exact", id)...)
			members[i] = startSoakChild(t, "member", server.URL(), lease)
			kills++
		}
		done()
	}
	close(stop)
	writing.Wait()
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i, c := range append(members, solo) {
			if t.Failed() {
				t.Logf("process %d, member %v:\n%s", i, c.id(), &c.errs)
			}
		}
	})
	var where string
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(where)
		}
	})
	await(t, "all have come to the head", func() bool {
		where = fmt.Sprint("the head is ", head)
		p, err := store.Checkpoint(t.Context(), "solo")
		there := err == nil && p == head
		where += fmt.Sprintf("; solo is at %d, %v", p, err)
		for _, name := range []string{"exact", "plain"} {
			state, err := store.Group(t.Context(), name)
			there = there && err == nil
			where += fmt.Sprintf("; %s is at %+v", name, state)
			for _, p := range state.Partitions {
				there = there && p.Position == head
			}
		}
		return there
	})
	for _, c := range append(members, solo) {
		c.signal(syscall.SIGTERM)
		<-c.ended
		if c.cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("a process ended with %v: %s", c.cmd.ProcessState, &c.errs)
		}
		end(c)
	}
	auditSoak(t, server.URL())
	t.Logf("%d kills, %d pauses, %d crashes of the server; %d records refused to overtaken owners", kills, pauses, crashes, fenced)
	t.Logf("hand-over with a lease of %v: after a kill p50 %v, p99 %v (%d partitions); after a graceful leave p50 %v, p99 %v (%d partitions)", lease,
		percentile(killed, .5), percentile(killed, .99), len(killed), percentile(left, .5), percentile(left, .99), len(left))
}

// auditSoak compares what was handled with what is stored.
func auditSoak(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	count := func(sql string) (n int64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	events := count("SELECT count(*) FROM esgen.events")
	if n := count("SELECT count(*) FROM exact"); n != events {
		t.Errorf("%d events were committed with the progress, %d are stored", n, events)
	}
	if n := count(`SELECT count(*) FROM (SELECT version, lag(version, 1, 0) OVER (PARTITION BY stream ORDER BY n) AS before FROM exact) x WHERE version <> before + 1`); n > 0 {
		t.Errorf("%d events were committed out of their stream's order", n)
	}
	for _, reader := range []string{"plain", "solo"} {
		first := "(SELECT stream, version, min(n) AS n FROM handled WHERE reader = '" + reader + "' GROUP BY stream, version)"
		n := count("SELECT count(*) FROM " + first + " x")
		if n != events {
			t.Errorf("%s: %d events were handled, %d are stored", reader, n, events)
		}
		if n := count(`SELECT count(*) FROM (SELECT version, lag(version, 1, 0) OVER (PARTITION BY stream ORDER BY n) AS before FROM ` + first + ` y) x WHERE version <> before + 1`); n > 0 {
			t.Errorf("%s: %d events were handled before one that comes before them in their stream", reader, n)
		}
		t.Logf("%s: %d events, handled %d times", reader, n, count("SELECT count(*) FROM handled WHERE reader = '"+reader+"'"))
	}
}
