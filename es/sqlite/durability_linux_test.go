package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// image is what a disk holds that loses every write which was not synced: a copy of each
// file as it was at its last sync, without those that were removed before the last sync
// of their directory.
type image struct {
	mu  sync.Mutex
	dir string
}

// synced is called before a sync of a file runs.
func (m *image) synced(file string) unix.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		kept, _ := os.ReadDir(m.dir)
		for _, entry := range kept {
			if _, err := os.Stat(filepath.Join(file, entry.Name())); errors.Is(err, fs.ErrNotExist) {
				_ = os.Remove(filepath.Join(m.dir, entry.Name()))
			}
		}
		return 0
	}
	if err := copyFile(file, filepath.Join(m.dir, filepath.Base(file))); err != nil {
		return unix.EIO
	}
	return 0
}

// copyFile leaves the file that it read open: closing it would release the locks that
// SQLite holds on it in this process.
func copyFile(from, to string) error {
	fd, err := unix.Open(from, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	var all []byte
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Pread(fd, buffer, int64(len(all)))
		if err != nil {
			return err
		}
		if n == 0 {
			return os.WriteFile(to, all, 0o600)
		}
		all = append(all, buffer[:n]...)
	}
}

// boot opens the store as it would be found after a loss of power, and returns the ids
// that it has.
func (m *image) boot(ctx context.Context, to string) (map[string]bool, error) {
	m.mu.Lock()
	err := os.CopyFS(to, os.DirFS(m.dir))
	m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, filepath.Join(to, "events.db"))
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	position := es.Position(0)
	for rec, err := range s.ReadAll(ctx, es.FeedQuery{}) {
		if err != nil {
			return nil, err
		}
		if position++; rec.Position != position {
			return nil, fmt.Errorf("position %d follows position %d", rec.Position, position-1)
		}
		ids[rec.ID.String()] = true
	}
	return ids, s.Close()
}

// errNoGate makes a child's parent skip its test.
var errNoGate = errors.New("this system can't gate syncs")

// childSynced appends with some goroutines on a disk that loses what is not synced, and
// from time to time looks what it would find after a loss of power.
func childSynced(ctx context.Context, path string, args []string) error {
	dir := filepath.Dir(path)
	disk := &image{dir: filepath.Join(dir, "synced")}
	if err := os.Mkdir(disk.dir, 0o700); err != nil {
		return err
	}
	durability := sqlite.Full
	if args[0] == "relaxed" {
		durability = sqlite.Relaxed
	}
	if _, err := gateSyncs(func(file string) unix.Errno {
		if file == dir || strings.HasPrefix(file, path) {
			return disk.synced(file)
		}
		return 0
	}); err != nil {
		return fmt.Errorf("%w: %w", errNoGate, err)
	}
	s, err := sqlite.Open(ctx, path, sqlite.WithDurability(durability))
	if err != nil {
		return err
	}
	const goroutines, n, looks = 8, 100, 20
	data := []byte(`"` + strings.Repeat("x", 4000) + `"`) // enough for checkpoints on the way
	var acked sync.Map
	var lost atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, goroutines)
	for g := range goroutines {
		running.Go(func() {
			stream := es.Stream{Category: "synced", ID: fmt.Sprint(g)}
			for i := range n {
				event := es.Event{ID: es.NewID(), Type: "happened", Schema: 1, Data: data}
				if _, err := s.Append(ctx, es.Write{Stream: stream, Expect: es.Exactly(es.Version(i)), Events: []es.Event{event}}); err != nil {
					errs[g] = err
					return
				}
				acked.Store(event.ID.String(), true)
				if g > 0 || i%(n/looks) != 0 {
					continue
				}
				var before []string
				acked.Range(func(id, _ any) bool {
					before = append(before, id.(string))
					return true
				})
				found, err := disk.boot(ctx, filepath.Join(dir, fmt.Sprint("boot", i)))
				if err != nil {
					errs[g] = fmt.Errorf("after a loss of power: %w", err)
					return
				}
				for _, id := range before {
					if !found[id] {
						lost.Add(1)
					}
				}
			}
		})
	}
	running.Wait()
	if info, err := os.Stat(filepath.Join(disk.dir, filepath.Base(path))); err != nil || info.Size() < 1<<20 {
		errs = append(errs, fmt.Errorf("no checkpoint was made on the way: %v", err))
	}
	fmt.Println("lost:", lost.Load() > 0)
	return errors.Join(errors.Join(errs...), s.Close())
}

func TestAcknowledgedAppendsAreSynced(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it is about what another process has written")
	}
	t.Parallel()
	for _, test := range []struct{ durability, want string }{
		{"full", "lost: false\n"},
		{"relaxed", "lost: true\n"}, // shows that the disk loses what is not synced; the file stays sound all the same
	} {
		t.Run(test.durability, func(t *testing.T) {
			t.Parallel()
			if out := gated(t, "synced", test.durability); out != test.want {
				t.Errorf("the child says %q, want %q", out, test.want)
			}
		})
	}
}

// gated runs a child that gates its syncs, and returns what it printed.
func gated(t *testing.T, name string, args ...any) string {
	t.Helper()
	cmd := child(t, name, filepath.Join(t.TempDir(), "events.db"), args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	switch {
	case strings.Contains(errs.String(), errNoGate.Error()):
		t.Skip(errs.String())
	case err != nil:
		t.Fatalf("child: %v: %s", err, errs.String())
	}
	return string(out)
}

// childFailed appends while syncs fail, and again when they don't.
func childFailed(ctx context.Context, path string, _ []string) error {
	var failing atomic.Bool
	if _, err := gateSyncs(func(file string) unix.Errno {
		if failing.Load() && strings.HasPrefix(file, path) {
			return unix.EIO
		}
		return 0
	}); err != nil {
		return fmt.Errorf("%w: %w", errNoGate, err)
	}
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	for i := range es.Version(5) {
		write := es.Write{
			Stream: es.Stream{Category: "failed", ID: "1"}, Expect: es.Exactly(i),
			Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}},
		}
		failing.Store(true)
		if _, err := s.Append(ctx, write); !errors.Is(err, es.ErrOutcomeUnknown) {
			return fmt.Errorf("Append() while syncs fail: %w", err)
		}
		failing.Store(false)
		r, err := s.Append(ctx, write)
		if err != nil {
			return fmt.Errorf("Append() of the same when syncs work again: %w", err)
		}
		if r.Streams[0].Last != i+1 {
			return fmt.Errorf("the stream is at version %d, want %d", r.Streams[0].Last, i+1)
		}
	}
	head, err := s.Head(ctx)
	if head != 5 {
		return fmt.Errorf("Head() = %d, want 5", head)
	}
	return errors.Join(err, s.Close())
}

func TestFailedSyncIsAnUnknownOutcomeThatARetrySettles(t *testing.T) {
	t.Parallel()
	gated(t, "failed")
}

// childLone appends one event after the other, and says so after each.
func childLone(ctx context.Context, path string, _ []string) error {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	for i := range loneAppends {
		if _, err := s.Append(ctx, es.Write{
			Stream: es.Stream{Category: "lone", ID: "1"}, Expect: es.Exactly(es.Version(i)),
			Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}},
		}); err != nil {
			return err
		}
		fmt.Println("acknowledged", i)
	}
	return s.Close()
}

const loneAppends = 20

func TestTraceShowsWriteSyncAcknowledgement(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace here: ", err)
	}
	path := filepath.Join(t.TempDir(), "events.db")
	trace := path + ".trace"
	cmd := child(t, "lone", path)
	cmd.Args = append([]string{strace, "-f", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,write,pwrite64", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			t.Skip("strace may not trace here: ", string(out))
		}
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var (
		wrote  = regexp.MustCompile(`pwrite64\(\d+<.*-wal>`)
		sync   = regexp.MustCompile(`f(data)?sync\(\d+<.*-wal>`)
		ack    = regexp.MustCompile(`write\(1<.*"acknowledged`)
		acks   int
		state  string
		states = map[string]int{}
	)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		switch line := lines.Text(); {
		case wrote.MatchString(line):
			state = "written"
		case sync.MatchString(line):
			state += " and synced"
		case ack.MatchString(line):
			acks++
			states[state]++
			state = "not written"
		}
	}
	if acks != loneAppends || states["written and synced"] != acks {
		t.Errorf("%d appends were acknowledged when they were: %v; want %d, all written and synced", acks, states, loneAppends)
	}
}
