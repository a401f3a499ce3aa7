package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
)

func openInternal(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write1(id string, expect es.Expected, data string) es.Write {
	return es.Write{
		Stream: es.Stream{Category: "thing", ID: id}, Expect: expect,
		Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(data)}},
	}
}

// hold keeps the writer busy with an operation until release is called, and then fails
// it with the error given.
func hold(t *testing.T, s *Store) (release func(error)) {
	t.Helper()
	running, result := make(chan struct{}), make(chan error)
	go func() {
		_ = s.write(context.Background(), func(*tx) error {
			close(running)
			return <-result
		})
	}()
	<-running
	return func(err error) { result <- err }
}

// settle gives callers time to come as far as the writer's queue, which no event tells.
// Coming late, they make a test easier, never fail.
func settle() { time.Sleep(20 * time.Millisecond) }

func TestRefusedAppendLeavesTheOthersOfItsCommitAlone(t *testing.T) {
	t.Parallel()
	s := openInternal(t, filepath.Join(t.TempDir(), "events.db"))
	release := hold(t, s)
	const n = 50
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			expect := es.NoStream
			if i%2 == 0 {
				expect = es.Exactly(7)
			}
			_, errs[i] = s.Append(context.Background(), write1(fmt.Sprint(i), expect, "{}"))
		})
	}
	settle()
	release(nil)
	running.Wait()
	for i, err := range errs {
		if _, conflict := errors.AsType[*es.ConflictError](err); conflict != (i%2 == 0) || !conflict && err != nil {
			t.Errorf("append %d: %v", i, err)
		}
	}
	if head, err := s.Head(t.Context()); head != n/2 || err != nil {
		t.Errorf("Head() = %d, %v; want %d", head, err, n/2)
	}
}

func TestFullDiskFailsTheCommitAndTheStoreGoesOn(t *testing.T) {
	t.Parallel()
	s := openInternal(t, filepath.Join(t.TempDir(), "events.db"))
	ctx := t.Context()
	if _, err := s.Append(ctx, write1("1", es.NoStream, "{}")); err != nil {
		t.Fatal(err)
	}
	// The limit belongs to the connection, which is replaced after the failure.
	if err := s.write(ctx, func(t *tx) error {
		_, err := t.one("PRAGMA max_page_count = 1", func(*row) {})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	large := write1("2", es.NoStream, `"`+strings.Repeat("x", 1<<20)+`"`)
	_, err := s.Append(ctx, large)
	if err == nil || errors.Is(err, es.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("Append() to a full disk = %v; want a plain error that says so", err)
	}
	if head, err := s.Head(ctx); head != 1 || err != nil {
		t.Errorf("Head() = %d, %v; want 1", head, err)
	}
	if r, err := s.Append(ctx, large); err != nil || r.Duplicate {
		t.Errorf("Append() of the same with room on the disk = %+v, %v", r, err)
	}
}

func TestEngineFailureReachesAllOfTheCommit(t *testing.T) {
	t.Parallel()
	s := openInternal(t, filepath.Join(t.TempDir(), "events.db"))
	release := hold(t, s)
	const n = 10
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { _, errs[i] = s.Append(context.Background(), write1(fmt.Sprint(i), es.NoStream, "{}")) })
	}
	var failed error
	running.Go(func() {
		failed = s.write(context.Background(), func(t *tx) error {
			_, err := t.exec("INSERT INTO missing VALUES (1)")
			return err
		})
	})
	settle()
	release(nil)
	running.Wait()
	if failed == nil {
		t.Fatal("the statement did not fail")
	}
	stored := 0
	for _, err := range errs {
		if err == nil {
			stored++ // in the commit before or after
		}
	}
	if head, err := s.Head(t.Context()); int(head) != stored || err != nil {
		t.Errorf("Head() = %d, %v; %d appends were acknowledged", head, err, stored)
	}
	if _, err := s.Append(t.Context(), write1("again", es.NoStream, "{}")); err != nil {
		t.Errorf("Append() after the failure: %v", err)
	}
}

func TestCancelledAppendLeavesTheQueue(t *testing.T) {
	t.Parallel()
	s := openInternal(t, filepath.Join(t.TempDir(), "events.db"))
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	const n = 20
	errs := make(chan error, n)
	for i := range n {
		go func() {
			_, err := s.Append(ctx, write1(fmt.Sprint(i), es.NoStream, "{}"))
			errs <- err
		}()
	}
	settle()
	cancel()
	for range n {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("Append() = %v, want %v", err, context.Canceled)
		}
	}
	release(nil)
	if _, err := s.Append(t.Context(), write1("after", es.NoStream, "{}")); err != nil {
		t.Fatal(err)
	}
	if head, err := s.Head(t.Context()); head != 1 || err != nil {
		t.Errorf("Head() = %d, %v; want 1: the cancelled appends had left before the writer came to them", head, err)
	}
}

func TestLockOfAnotherProgramIsWaitedForAsLongAsTheContextLasts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	s := openInternal(t, path)
	other := openInternal(t, path)
	release := hold(t, other) // within its transaction

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Append(ctx, write1("1", es.NoStream, "{}")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append() = %v, want %v", err, context.DeadlineExceeded)
	}
	done := make(chan error)
	go func() {
		_, err := s.Append(context.Background(), write1("2", es.NoStream, "{}"))
		done <- err
	}()
	settle()
	release(nil)
	if err := <-done; err != nil {
		t.Errorf("Append() once the lock is free: %v", err)
	}

	release = hold(t, other)
	go func() {
		_, err := s.Append(context.Background(), write1("3", es.NoStream, "{}"))
		done <- err
	}()
	settle()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, es.ErrClosed) {
		t.Errorf("Append() that waits when the store is closed = %v, want %v", err, es.ErrClosed)
	}
	release(nil)
}

func TestOperationThatFailsAfterItWroteIsRolledBack(t *testing.T) {
	t.Parallel()
	s := openInternal(t, filepath.Join(t.TempDir(), "events.db"))
	strange := errors.New("strange")
	err := s.write(t.Context(), func(t *tx) error {
		a := &appending{writes: []es.Write{write1("1", es.NoStream, "{}")}}
		if err := errors.Join(a.encode(), a.run(t)); err != nil {
			return err
		}
		return strange
	})
	if !errors.Is(err, strange) {
		t.Fatalf("write() = %v, want %v", err, strange)
	}
	if r, err := s.Append(t.Context(), write1("1", es.NoStream, "{}")); err != nil || r.Streams[0].Position != 1 {
		t.Errorf("Append() = %+v, %v; want position 1", r, err)
	}
}

// On a system whose fsync stops at the disk's cache, as that of macOS does, SQLite asks for more only if it is told to.
func TestEveryConnectionThatWritesSyncsAsFarAsTheSystemCan(t *testing.T) {
	t.Parallel()
	for durability, want := range map[Durability][2]int64{Full: {2, 1}, Relaxed: {1, 1}} {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "events.db"), WithDurability(durability))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var writer, lent [2]int64 // synchronous, fullfsync
		err = s.write(t.Context(), func(t *tx) error {
			_, err := t.one("SELECT synchronous, fullfsync FROM pragma_synchronous, pragma_fullfsync", func(r *row) { writer = [2]int64{r.int(0), r.int(1)} })
			return err
		})
		if err != nil || writer != want {
			t.Errorf("durability %d: the writer has %v, %v, want %v", durability, writer, err, want)
		}
		err = s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, "SELECT synchronous, fullfsync FROM pragma_synchronous, pragma_fullfsync").Scan(&lent[0], &lent[1])
		})
		if err != nil || lent != want {
			t.Errorf("durability %d: a caller's transaction has %v, %v, want %v", durability, lent, err, want)
		}
	}
}
