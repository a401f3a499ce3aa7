package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

func TestWALThatAReaderKeptFromEndingIsTrimmedOnceItHasGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	s := open(t, path, sqlite.WithDurability(sqlite.Relaxed))
	appendEvents := func(n int, data string) {
		t.Helper()
		for range n {
			e := event()
			e.Data = []byte(data)
			if _, err := s.Append(t.Context(), write("1", es.Any, e)); err != nil {
				t.Fatal(err)
			}
		}
	}
	appendEvents(1, "{}")

	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	reader, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT count(*) FROM events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		t.Helper()
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	const long = 16 << 20
	appendEvents(100, fmt.Sprintf("%q", strings.Repeat("x", 200<<10)))
	before := size()
	if before < long {
		t.Fatalf("the WAL has %d bytes while a reader holds it", before)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	appendEvents(1200, "{}")
	if after := size(); after >= long {
		t.Errorf("the WAL has %d bytes, and had %d when its reader went", after, before)
	}
	if head, err := s.Head(t.Context()); head != 1301 || err != nil {
		t.Errorf("Head() = %d, %v; want 1301", head, err)
	}
}
