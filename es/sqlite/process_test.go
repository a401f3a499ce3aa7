package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// childVariable tells a process of this test binary that it is a child, and which.
const childVariable = "ESGEN_SQLITE_TEST_CHILD"

// children are the programs that tests run beside themselves.
var children = map[string]func(ctx context.Context, path string, args []string) error{
	"append": childAppend,
	"open":   childOpen,
	"synced": childSynced,
	"failed": childFailed,
	"lone":   childLone,
	"steady": childSteady,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		if err := children[name](context.Background(), os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child returns a command that runs a program of children on a file.
func child(t testing.TB, name, path string, args ...any) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, path)
	for _, arg := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(arg))
	}
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	return cmd
}

// together starts commands, waits for all and returns what each wrote to its
// standard output. One that fails, fails the test.
func together(t testing.TB, cmds ...*exec.Cmd) []string {
	t.Helper()
	outs, errs := make([]bytes.Buffer, len(cmds)), make([]bytes.Buffer, len(cmds))
	for i, cmd := range cmds {
		cmd.Stdout, cmd.Stderr = &outs[i], &errs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	texts := make([]string, len(cmds))
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("child %d: %v: %s", i, err, errs[i].String())
		}
		texts[i] = outs[i].String()
	}
	if t.Failed() {
		t.FailNow()
	}
	return texts
}

// ack is an acknowledged append of one event, in the order of its goroutine.
type ack struct {
	Goroutine string
	Stream    es.Stream
	ID        uuid.UUID
	Version   es.Version
	Position  es.Position
}

// childAppend appends n events from each of some goroutines, to a stream of its own
// and to one that all share, in turns, and prints what was acknowledged.
func childAppend(ctx context.Context, path string, args []string) error {
	process := args[0]
	goroutines, _ := strconv.Atoi(args[1])
	n, _ := strconv.Atoi(args[2])
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	var running sync.WaitGroup
	errs := make([]error, goroutines)
	for g := range goroutines {
		running.Go(func() {
			name := process + ":" + strconv.Itoa(g)
			versions := map[es.Stream]es.Version{}
			for i := range n {
				stream := es.Stream{Category: "shared", ID: "all"}
				if i%2 == 0 {
					stream = es.Stream{Category: "own", ID: name}
				}
				event := es.Event{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}
				var r es.Receipt
				for {
					var err error
					r, err = s.Append(ctx, es.Write{Stream: stream, Expect: es.Exactly(versions[stream]), Events: []es.Event{event}})
					if conflict, ok := errors.AsType[*es.ConflictError](err); ok {
						versions[stream] = conflict.Actual
						continue
					}
					if err != nil {
						errs[g] = err
						return
					}
					break
				}
				w := r.Streams[0]
				versions[stream] = w.Last
				mu.Lock()
				_ = encoder.Encode(ack{name, stream, event.ID, w.Last, w.Position})
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return errors.Join(errors.Join(errs...), s.Close(), out.Flush())
}

func TestProcessesAppendToOneFileAtOnce(t *testing.T) {
	t.Parallel()
	const processes, goroutines = 4, 4
	n := 60
	if testing.Short() {
		n = 12
	}
	path := filepath.Join(t.TempDir(), "events.db")
	var cmds []*exec.Cmd
	for p := range processes {
		cmds = append(cmds, child(t, "append", path, p, goroutines, n))
	}
	acked := map[es.Position]ack{}
	last := map[string]es.Position{}
	for _, out := range together(t, cmds...) {
		for d := json.NewDecoder(bytes.NewReader([]byte(out))); ; {
			var a ack
			if err := d.Decode(&a); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if other, twice := acked[a.Position]; twice {
				t.Fatalf("position %d was given to %+v and to %+v", a.Position, other, a)
			}
			if a.Position <= last[a.Goroutine] {
				t.Fatalf("goroutine %s appended at %d after it had appended at %d", a.Goroutine, a.Position, last[a.Goroutine])
			}
			acked[a.Position], last[a.Goroutine] = a, a.Position
		}
	}
	if want := processes * goroutines * n; len(acked) != want {
		t.Fatalf("%d appends were acknowledged, want %d", len(acked), want)
	}
	s := open(t, path)
	versions := map[es.Stream]es.Version{}
	var clock time.Time
	stored := 0
	for rec, err := range s.ReadAll(t.Context(), es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		a := acked[rec.Position]
		if a.ID != rec.ID || a.Stream != rec.Stream || a.Version != rec.Version {
			t.Fatalf("position %d has %s version %d (id %s), acknowledged was %+v", rec.Position, rec.Stream, rec.Version, rec.ID, a)
		}
		if versions[rec.Stream]++; rec.Version != versions[rec.Stream] {
			t.Fatalf("position %d has version %d of %s after version %d", rec.Position, rec.Version, rec.Stream, versions[rec.Stream]-1)
		}
		if rec.RecordedAt.Before(clock) {
			t.Fatalf("position %d was recorded at %v, after one recorded at %v", rec.Position, rec.RecordedAt, clock)
		}
		clock = rec.RecordedAt
		stored++
	}
	if stored != len(acked) {
		t.Fatalf("%d events are stored, %d were acknowledged", stored, len(acked))
	}
}

// childOpen opens a file once its standard input ends, appends one event, and closes.
func childOpen(ctx context.Context, path string, args []string) error {
	_, _ = io.Copy(io.Discard, os.Stdin)
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	_, err = s.Append(ctx, es.Write{
		Stream: es.Stream{Category: "process", ID: args[0]}, Expect: es.NoStream,
		Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}},
	})
	return errors.Join(err, s.Close())
}

func TestProcessesCreateOneFileAtOnce(t *testing.T) {
	t.Parallel()
	const processes = 10
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		path := filepath.Join(t.TempDir(), "events.db")
		start, begin, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var cmds []*exec.Cmd
		for p := range processes {
			cmd := child(t, "open", path, p)
			cmd.Stdin = start
			cmds = append(cmds, cmd)
		}
		go func() {
			time.Sleep(100 * time.Millisecond) // lets most of them come as far as the pipe
			_ = begin.Close()
		}()
		together(t, cmds...)
		_ = start.Close()
		head, err := open(t, path).Head(t.Context())
		if err != nil || head != processes {
			t.Fatalf("Head() = %d, %v after %d processes appended one event each", head, err, processes)
		}
	}
}

func TestFileThatMayNotBeWrittenIsRefusedAsReadOnly(t *testing.T) {
	t.Parallel()
	// Not t.TempDir, whose parent only its owner may enter.
	dir, err := os.MkdirTemp("", "esgen-sqlite")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "events.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	// Permissions don't bind root, so somebody else opens it.
	opening := func(id int) *exec.Cmd { return child(t, "open", path, id) }
	if os.Getuid() == 0 {
		exe := readable(t, dir)
		opening = func(id int) *exec.Cmd {
			cmd := unprivileged(child(t, "open", path, id))
			cmd.Path = exe
			return cmd
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	together(t, opening(1)) // may write
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	out, err := opening(2).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte(sqlite.ErrReadOnly.Error())) {
		t.Errorf("a process that may not write the file ended with %v and said %s", err, out)
	}
}

// readable copies the test's binary, which go test keeps where others may not enter.
func readable(t *testing.T, dir string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	// A child of another test, forked meanwhile, would keep the copy open for writing,
	// and what is being written can't be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	path := filepath.Join(dir, "child")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Chmod(0o755), to.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRemovedFileTakesNoAppendsAndIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	s := open(t, path)
	if err := os.Remove(path); err != nil {
		t.Skip("an open file can't be removed here: ", err)
	}
	const says = "removed or replaced"
	if head, err := s.Head(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("Head() = %d, %v; want an error that says what happened to the file", head, err)
	}
	for range 2 {
		if _, err := s.Append(t.Context(), write("1", es.NoStream, event())); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Append() = %v; want an error that says what happened to the file", err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a new file")
	}
}

func TestReplacedFileIsLeftToTheOthersWhoOpenedIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	old := open(t, path)
	if _, err := old.Append(t.Context(), write("1", es.NoStream, event())); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil { // and leave its WAL behind
		t.Skip("an open file can't be removed here: ", err)
	}
	s := open(t, path)
	if _, err := s.Append(t.Context(), write("2", es.NoStream, event())); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Append(t.Context(), write("3", es.NoStream, event())); err == nil {
		t.Error("Append() to a file that was replaced succeeds")
	}
	if head, err := old.Head(t.Context()); err == nil {
		t.Errorf("Head() = %d of a file that was replaced, without an error", head)
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Error("closing the old store removed the new file's WAL:", err)
	}
	if head, err := s.Head(t.Context()); head != 1 || err != nil {
		t.Errorf("Head() = %d, %v of the new file; want 1", head, err)
	}
}
