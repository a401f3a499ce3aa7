package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func event() es.Event {
	return es.Event{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}
}

func write(id string, expect es.Expected, events ...es.Event) es.Write {
	return es.Write{Stream: es.Stream{Category: "thing", ID: id}, Expect: expect, Events: events}
}

// bare runs statements on a file as another program would.
func bare(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestOpenRefusesWhatIsNoStoreAndLeavesItAsItWas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		is   error  // nil: no error of this package
		says string // part of the message
	}{
		{"text file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 500)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, sqlite.ErrForeignFile, "not an esgen event store"},
		{"database without an application id", func(t *testing.T, path string) {
			bare(t, path, "CREATE TABLE users (name TEXT)")
		}, sqlite.ErrForeignFile, "another application"},
		{"database of another application", func(t *testing.T, path string) {
			bare(t, path, "PRAGMA application_id = 7", "PRAGMA user_version = 1")
		}, sqlite.ErrForeignFile, "another application"},
		{"newer schema", func(t *testing.T, path string) {
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			bare(t, path, "PRAGMA user_version = 99")
		}, sqlite.ErrNewerSchema, "schema version is 99"},
		{"directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "events.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := sqlite.Open(t.Context(), path)
			if err == nil {
				_ = s.Close()
				t.Fatal("Open() took it")
			}
			if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open() = %v; want one that matches %v, names the file and says %q", err, test.is, test.says)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("Open() changed the file")
			}
		})
	}
}

func TestOpenRefusesPathsItCantUse(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing", "events.db")
	for path, says := range map[string]string{
		"":         "path is empty",
		":memory:": "es/memory",
		"a\x00b":   "zero byte",
		missing:    "directory does not exist",
	} {
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			_ = s.Close()
			t.Fatalf("Open(%q) took it", path)
		}
		if !strings.Contains(err.Error(), says) {
			t.Errorf("Open(%q) = %v; want one that says %q", path, err, says)
		}
	}
}

func TestOpenTakesAnyFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "a?b=c&d.db", "100%.db", "a#b.db", "%41.db", "file:x.db", "ümläut.db", "+.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path)
		if _, err := s.Append(t.Context(), write("1", es.NoStream, event())); err != nil {
			t.Errorf("Append() to %q: %v", name, err)
		}
		if err := drain(s.ReadAll(t.Context(), es.FeedQuery{})); err != nil {
			t.Errorf("ReadAll() from %q: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q is not the file that was written: %v", name, err)
		}
	}
}

func TestOpenTakesAnEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path).Append(t.Context(), write("1", es.NoStream, event())); err != nil {
		t.Fatal(err)
	}
}

func TestRelativePathOutlivesAChangeOfDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, "events.db")
	if err := os.Mkdir("elsewhere", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "elsewhere"))
	if _, err := s.Append(t.Context(), write("1", es.NoStream, event())); err != nil {
		t.Fatal(err)
	}
	if head, err := s.Head(t.Context()); head != 1 || err != nil { // opens a connection
		t.Fatalf("Head() = %d, %v; want 1", head, err)
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "events.db")
	if s, err := sqlite.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("Open() = %v, %v; want context.Canceled", s, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("Open() made the file")
	}
}

// A clock that was set back, or another machine's that was ahead.
func TestRecordedAtNeverDecreasesThoughTheClockDoes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	s := open(t, path)
	appended := func(expect es.Expected) time.Time {
		t.Helper()
		if _, err := s.Append(t.Context(), write("1", expect, event())); err != nil {
			t.Fatal(err)
		}
		for rec, err := range s.Read(t.Context(), es.ReadQuery{Stream: write("1", expect).Stream, Backwards: true, Limit: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			return rec.RecordedAt
		}
		return time.Time{}
	}
	appended(es.NoStream)
	ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	bare(t, path, fmt.Sprintf("UPDATE events SET recorded_at = %d", ahead.UnixMicro()))
	if at := appended(es.Exactly(1)); !at.Equal(ahead) {
		t.Errorf("recorded at %v, after an event of %v", at, ahead)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if at := appended(es.Exactly(2)); !at.Equal(ahead) {
		t.Errorf("recorded at %v after reopening, after an event of %v", at, ahead)
	}
}

// Many rounds with several readers: two connections that close at once each see the
// other, and then neither removes the WAL.
func TestCloseWritesTheWALBack(t *testing.T) {
	t.Parallel()
	times := 100
	if testing.Short() {
		times = 10
	}
	for range times {
		path := filepath.Join(t.TempDir(), "events.db")
		s := open(t, path)
		if _, err := s.Append(t.Context(), write("1", es.NoStream, event())); err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				if _, err := s.Head(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		readers.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("after Close there is %s: %v", path+suffix, err)
			}
		}
	}
}

// Each older version, with events and a checkpoint in it; several processes open the file at once.
func TestAFileOfEachOlderVersionIsMigratedWithWhatItHolds(t *testing.T) {
	t.Parallel()
	schemaOf := func(path string) (all string) {
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow("SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	open(t, fresh)
	drops := [][]string{
		1: {"DROP TABLE store", "DROP TABLE groups", "DROP TABLE members", "DROP TABLE partitions", "DROP TABLE parked"},
		2: {"DROP TABLE read_models", "DROP TABLE timers"},
	}
	for version := 1; version < len(drops); version++ {
		path := filepath.Join(t.TempDir(), "store.db")
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(t.Context(), write("x", es.NoStream, event(), event())); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.SaveCheckpoint(t.Context(), "reader", 1), s.Close()); err != nil {
			t.Fatal(err)
		}
		for _, statements := range drops[version:] {
			bare(t, path, statements...)
		}
		bare(t, path, fmt.Sprint("PRAGMA user_version = ", version))
		var opening sync.WaitGroup
		for range 10 {
			opening.Go(func() {
				s, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Errorf("opening a file of version %d: %v", version, err)
					return
				}
				s.Close()
			})
		}
		opening.Wait()
		s = open(t, path)
		if got, want := schemaOf(path), schemaOf(fresh); got != want {
			t.Errorf("a file migrated from version %d has\n%s\nwant\n%s", version, got, want)
		}
		if p, err := s.Checkpoint(t.Context(), "reader"); err != nil || p != 1 {
			t.Errorf("the checkpoint is %d, %v, want 1", p, err)
		}
		if r, err := s.Append(t.Context(), write("x", es.Exactly(2), event())); err != nil || r.Position() != 3 {
			t.Errorf("the next event: %+v, %v, want position 3", r, err)
		}
		if id, err := s.Identity(t.Context()); err != nil || id.Store == [16]byte{} {
			t.Errorf("the store has no identity: %v, %v", id, err)
		}
	}
}
