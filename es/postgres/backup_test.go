package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// dump and restore run the server's own programs, which the packages for other versions lack.
func dump(t testing.TB, server *pgtest.Server, url string) (file string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(server.Bin, "pg_dump")); err != nil {
		t.Skipf("this server comes without pg_dump: %v", err)
	}
	var errs bytes.Buffer
	cmd := server.Command("pg_dump", "--format", "custom", "--dbname", url)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pg_dump: %v: %s", err, &errs)
	}
	file = filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func restore(t testing.TB, server *pgtest.Server, file string) (url string) {
	t.Helper()
	url = server.Database(t)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := server.Command("pg_restore", "--exit-on-error", "--dbname", url)
	cmd.Stdin = f
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pg_restore: %v: %s", err, out)
	}
	return url
}

func openAt(t testing.TB, url string) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// appendSome makes appends of a few events each, with some positions lost to transactions that were
// rolled back, and returns the head of the feed.
func appendSome(t testing.TB, url string, store *postgres.Store, appends int) es.Position {
	t.Helper()
	w := &writer{name: fmt.Sprint("w", es.NewID()), store: store, known: map[es.Stream]es.Version{}}
	for n := range appends {
		w.append(t.Context(), w.writes())
		if n%5 == 0 {
			pgtest.Exec(t, url, "BEGIN; INSERT INTO esgen.events (version, recorded_at, id, schema, category, stream, type, data) "+
				"VALUES (1, now(), gen_random_uuid(), 1, 'rolled', 'back', 'gone', '{}'); ROLLBACK")
		}
	}
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func feedOf(t testing.TB, store *postgres.Store, after es.Position) (all []es.Recorded) {
	t.Helper()
	for rec, err := range store.ReadAll(t.Context(), es.FeedQuery{After: after}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return all
}

func TestADumpKeepsPositionsAndCheckpoints(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	url := server.Database(t)
	store := openAt(t, url)
	ctx := t.Context()
	middle := appendSome(t, url, store, 30)
	if err := store.SaveCheckpoint(ctx, "reader", middle); err != nil {
		t.Fatal(err)
	}
	head := appendSome(t, url, store, 30)
	again := openAt(t, restore(t, server, dump(t, server, url)))

	if p, err := again.Checkpoint(ctx, "reader"); err != nil || p != middle {
		t.Fatalf("the restored checkpoint is %d, %v; want %d", p, err, middle)
	}
	if d := cmp.Diff(feedOf(t, store, 0), feedOf(t, again, 0)); d != "" {
		t.Errorf("the restored feed differs (-before +after):\n%s", d)
	}
	if d := cmp.Diff(feedOf(t, store, middle), feedOf(t, again, middle)); d != "" {
		t.Errorf("after its checkpoint, a reader of the restored feed sees other events (-before +after):\n%s", d)
	}
	receipt, err := again.Append(ctx, es.Write{Stream: es.Stream{Category: "new", ID: "a"}, Expect: es.NoStream,
		Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}}})
	if err != nil || receipt.Streams[0].Position <= head {
		t.Errorf("an append to the restored store: %+v, %v; want a position above %d", receipt, err, head)
	}
}

// A reader that keeps its checkpoint elsewhere has seen events that a restored older backup lacks.
func TestAnOlderBackupIsNeverReadFromALaterCheckpoint(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	url := server.Database(t)
	store := openAt(t, url)
	old := appendSome(t, url, store, 20)
	file := dump(t, server, url)
	checkpoint := appendSome(t, url, store, 20)
	_ = store.Close()

	restored := restore(t, server, file)
	fresh := openAt(t, restored)
	expectBeyond(t, fresh, checkpoint, old)
	_ = fresh.Close()

	beyond := checkpoint + 1000
	pgtest.Exec(t, restored, fmt.Sprintf("SELECT esgen.restored(%d)", beyond))
	again := openAt(t, restored)
	expectBeyond(t, again, checkpoint, old)
	head := appendSome(t, restored, again, 60)
	if head <= checkpoint {
		t.Fatalf("the head is %d after new appends, want it beyond the old checkpoint %d", head, checkpoint)
	}
	expectBeyond(t, again, checkpoint, old) // still
	expectBeyond(t, openAt(t, restored), checkpoint, old)
	after := feedOf(t, again, old)
	if len(after) == 0 || after[0].Position <= beyond {
		t.Errorf("%d events follow the restored ones, the first at %d: want them above %d", len(after), after[0].Position, beyond)
	}
	p := after[len(after)/2].Position
	if err := again.SaveCheckpoint(t.Context(), "reader", p); err != nil {
		t.Errorf("saving a checkpoint of the restored feed: %v", err)
	}
}

// expectBeyond expects every use of a position to be refused.
func expectBeyond(t testing.TB, store *postgres.Store, p, head es.Position) {
	t.Helper()
	var read error
	for _, err := range store.ReadAll(context.Background(), es.FeedQuery{After: p}) {
		read = err
	}
	for what, err := range map[string]error{
		"reading after it":        read,
		"saving it as checkpoint": store.SaveCheckpoint(context.Background(), "reader", p),
	} {
		beyond, ok := errors.AsType[*es.BeyondHeadError](err)
		if !ok || beyond.Position != p || beyond.Head != head {
			t.Errorf("position %d, of a restored store whose backup ends at %d: %s: %v", p, head, what, err)
		}
	}
}
