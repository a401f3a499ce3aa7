package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

func TestABackupIsTheStoreAsItWasAtOneMomentWhileOthersAppend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.db")
	s, other := open(t, path), open(t, path) // as another process would
	if err := s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE mine (n INTEGER NOT NULL)")
		return errors.Join(err, row1(ctx, tx))
	}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	begun := make(chan struct{}, 4)
	for i := range 4 {
		store := []*sqlite.Store{s, other}[i%2]
		writing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Two streams, so that half of an append would be seen.
				_, err := store.Append(context.Background(), write("a", es.Any, event(), event()), write("b", es.Any, event(), event()))
				if err != nil {
					t.Error(err)
					break
				}
				if n == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-begun
	}
	if err := s.SaveCheckpoint(t.Context(), "reader", 20); err != nil {
		t.Fatal(err)
	}
	var backups []string
	for _, name := range []string{"first.db", "second.db", "with 'quotes' ?#%.db"} {
		to := filepath.Join(dir, name)
		if err := s.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		backups = append(backups, to)
	}
	stop()
	writing.Wait()

	all := feedOf(t, s)
	id, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range backups {
		b := open(t, path)
		got := feedOf(t, b)
		if len(got) < 4*4*10 || len(got)%4 != 0 || len(got) > len(all) {
			t.Fatalf("%s has %d events of %d that were appended four at a time", path, len(got), len(all))
		}
		for i, rec := range got {
			if rec.ID != all[i].ID || rec.Position != all[i].Position || rec.Version != all[i].Version {
				t.Fatalf("%s has %+v at place %d, the store %+v", path, rec, i, all[i])
			}
		}
		if p, err := b.Checkpoint(t.Context(), "reader"); p != 20 || err != nil {
			t.Errorf("the checkpoint in %s is %d, %v, want 20", path, p, err)
		}
		if got, err := b.Identity(t.Context()); got != id || err != nil {
			t.Errorf("the identity of %s is %v, %v, want %v", path, got, err, id)
		}
		if r, err := b.Append(t.Context(), write("a", es.StreamExists, event())); err != nil || r.Position() != es.Position(len(got))+1 {
			t.Errorf("%s goes on with %+v, %v", path, r, err)
		}
		var rows int
		if err := b.ReadTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, "SELECT count(*) FROM mine").Scan(&rows)
		}); err != nil || rows != 1 {
			t.Errorf("%s has %d rows of the caller's, %v, want 1", path, rows, err)
		}
	}
}

func row1(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO mine VALUES (1)")
	return err
}

func feedOf(t *testing.T, s *sqlite.Store) (all []es.Recorded) {
	t.Helper()
	for rec, err := range s.ReadAll(t.Context(), es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return all
}

func TestABackupNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.db")
	s := open(t, path)
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{taken, path, dir} {
		if err := s.Backup(t.Context(), to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Backup(%s) = %v, want fs.ErrExist", to, err)
		}
	}
	if text, err := os.ReadFile(taken); string(text) != "precious" || err != nil {
		t.Errorf("the file has %q now, %v", text, err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "none", "b.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Backup into a directory that does not exist = %v, want fs.ErrNotExist", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "late.db")); !errors.Is(err, es.ErrClosed) {
		t.Errorf("Backup of a closed store = %v, want es.ErrClosed", err)
	}
	onlyFiles(t, dir, "events.db", "taken")
}

func TestABackupThatIsBrokenOffLeavesNothing(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	s := open(t, filepath.Join(from, "events.db"))
	var events []es.Event
	for range 5000 {
		events = append(events, event())
	}
	if _, err := s.Append(t.Context(), write("a", es.NoStream, events...)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(30*time.Millisecond))
		err := s.Backup(ctx, filepath.Join(to, "b.db"))
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			onlyFiles(t, to)
		case err == nil:
			onlyFiles(t, to, "b.db")
			if n := len(feedOf(t, open(t, filepath.Join(to, "b.db")))); n != len(events) {
				t.Fatalf("the backup has %d events of %d", n, len(events))
			}
			to = t.TempDir()
		default:
			t.Fatalf("a backup whose context ended: %v, want the context's error", err)
		}
	}
}

func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("%s has %q, want %q", dir, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s has %q, want %q", dir, got, want)
		}
	}
}
