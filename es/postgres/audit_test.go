package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// stored is an event as the table has it.
type stored struct {
	Position es.Position
	Stream   es.Stream
	Version  es.Version
	ID       uuid.UUID
}

// table reads all events in order of position, past the store.
func table(t testing.TB, url, schema string) []stored {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT position, category, stream, version, id FROM "+schema+".events ORDER BY position")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stored, err error) {
		err = row.Scan(&s.Position, &s.Stream.Category, &s.Stream.ID, &s.Version, &s.ID)
		return s, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// audit compares the table with what writers and readers were told.
func audit(t testing.TB, truth []stored, told ledger, followers []*follower) {
	t.Helper()
	var a auditor
	versions := map[es.Stream]es.Version{}
	at := make(map[uuid.UUID]stored, len(truth))
	for _, s := range truth {
		if _, twice := at[s.ID]; twice {
			a.doubled("event %s is stored twice", s.ID)
		}
		if versions[s.Stream]++; s.Version != versions[s.Stream] {
			a.reordered("position %d has version %d of %s after version %d", s.Position, s.Version, s.Stream, versions[s.Stream]-1)
		}
		at[s.ID] = s
	}
	for _, ack := range told.Acks {
		a.ack(at, ack)
	}
	for _, id := range told.Absent {
		if s, ok := at[id]; ok {
			a.doubled("event %s was refused or rolled back, but is at position %d", id, s.Position)
		}
	}
	for _, f := range followers {
		a.follower(truth, f)
	}
	t.Logf("%d events in %d appends: %d lost, %d doubled, %d reordered, %d raw errors; %d conflicts, %d transactions rolled back, %d sent again, of which %d had been stored; the longest append took %v",
		len(truth), len(told.Acks), a.nLost, a.nDoubled, a.nReordered, len(told.Raw), told.Conflicts, told.RolledBack, told.Resent, told.Duplicates, told.Longest)
	for _, f := range followers {
		t.Logf("reader %s: %d events, %d of them again after %d restarts; %d reads failed", f.name, len(f.Seen), f.Redelivered, f.Restarts, f.Failed)
	}
	if len(told.Raw) > 0 {
		t.Errorf("%d errors that a caller can't match, such as\n%s", len(told.Raw), unique(told.Raw))
	}
	if len(a.wrong) > 0 {
		t.Errorf("%d findings, such as\n%s", len(a.wrong), unique(a.wrong))
	}
}

type auditor struct {
	nLost, nDoubled, nReordered int
	wrong                       []string
}

func (a *auditor) lost(format string, args ...any) {
	a.nLost++
	a.wrong = append(a.wrong, "lost: "+fmt.Sprintf(format, args...))
}

func (a *auditor) doubled(format string, args ...any) {
	a.nDoubled++
	a.wrong = append(a.wrong, "doubled: "+fmt.Sprintf(format, args...))
}

func (a *auditor) reordered(format string, args ...any) {
	a.nReordered++
	a.wrong = append(a.wrong, "reordered: "+fmt.Sprintf(format, args...))
}

// ack checks that what a writer was told is so.
func (a *auditor) ack(at map[uuid.UUID]stored, ack ack) {
	for i, id := range ack.IDs {
		switch s, ok := at[id]; {
		case !ok:
			a.lost("event %s, acknowledged as version %d of %s", id, ack.First+es.Version(i), ack.Stream)
		case s.Stream != ack.Stream || s.Version != ack.First+es.Version(i):
			a.reordered("event %s is version %d of %s, acknowledged as version %d of %s", id, s.Version, s.Stream, ack.First+es.Version(i), ack.Stream)
		case i == len(ack.IDs)-1 && s.Position != ack.Position:
			a.reordered("event %s is at position %d, acknowledged at %d", id, s.Position, ack.Position)
		}
	}
}

// follower checks that a reader saw all events, once, and in their order.
func (a *auditor) follower(truth []stored, f *follower) {
	for _, wrong := range f.Wrong {
		a.reordered("reader %s: %s", f.name, wrong)
	}
	i := 0
	for _, seen := range f.Seen {
		for ; i < len(truth) && truth[i].Position < seen.Position; i++ {
			a.lost("reader %s never saw position %d", f.name, truth[i].Position)
		}
		if i == len(truth) || truth[i].Position != seen.Position || truth[i].ID != seen.ID {
			a.doubled("reader %s saw event %s at position %d, which is not there", f.name, seen.ID, seen.Position)
			continue
		}
		i++
	}
	for ; i < len(truth); i++ {
		a.lost("reader %s never saw position %d", f.name, truth[i].Position)
	}
}
