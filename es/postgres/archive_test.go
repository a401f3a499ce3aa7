package postgres_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// archiveSQL is what the guide tells operators to run, for streams of any age.
func archiveSQL(t testing.TB) string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/guides/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "```sql\n-- archive\n")
	sql, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the guide has no SQL that archives")
	}
	return strings.ReplaceAll(sql, "7 years", "0 years")
}

func TestArchivingKeepsVersionsPositionsAndCheckpoints(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	store := openAt(t, url)
	ctx := t.Context()
	closed, open := es.Stream{Category: "account", ID: "closed"}, es.Stream{Category: "account", ID: "open"}
	event := func(name string) es.Event {
		return es.Event{ID: es.NewID(), Type: name, Schema: 1, Data: []byte(`{}`)}
	}
	first := []es.Event{event("account.opened"), event("account.deposited"), event("account.closed")}
	for _, w := range []es.Write{
		{Stream: closed, Expect: es.NoStream, Events: first},
		{Stream: open, Expect: es.NoStream, Events: []es.Event{event("account.opened"), event("account.deposited")}},
	} {
		if _, err := store.Append(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	before := table(t, url, "esgen")
	head := before[len(before)-1].Position
	if err := store.SaveCheckpoint(ctx, "reader", head); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time archives nothing more
		pgtest.Exec(t, url, archiveSQL(t))
	}

	after := table(t, url, "esgen")
	if len(after) != 3 || after[0] != before[2] || after[1] != before[3] || after[2] != before[4] {
		t.Fatalf("left are %+v\nof %+v", after, before)
	}
	if p, err := store.Checkpoint(ctx, "reader"); err != nil || p != head {
		t.Errorf("the checkpoint is %d, %v; want %d", p, err, head)
	}
	if got := feedOf(t, openAt(t, url), 0); len(got) != 3 {
		t.Errorf("a reader that begins now sees %d events, want the 3 that are left", len(got))
	}
	_, err := store.Append(ctx, es.Write{Stream: closed, Expect: es.NoStream, Events: []es.Event{event("account.opened")}})
	if conflict, ok := errors.AsType[*es.ConflictError](err); !ok || conflict.Actual != 3 {
		t.Errorf("beginning the archived stream anew: %v, want a conflict with version 3", err)
	}
	r, err := store.Append(ctx, es.Write{Stream: closed, Expect: es.Exactly(3), Events: []es.Event{event("account.reopened")}})
	if err != nil || r.Streams[0].First != 4 || r.Streams[0].Position <= head {
		t.Errorf("appending to the archived stream: %+v, %v; want version 4", r, err)
	}
	if _, err := store.Append(ctx, es.Write{Stream: closed, Expect: es.NoStream, Events: first[:2]}); !errors.Is(err, es.ErrConflict) {
		t.Errorf("appending again what was archived: %v, want a conflict", err)
	}
}
