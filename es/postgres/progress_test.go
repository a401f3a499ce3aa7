package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// Wherever the connection is cut, progress is recorded, and who recorded it is not told for certain that it was
// somebody else.
func TestProgressIsRecordedThoughItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	at := place(t)
	_, url, _ := strings.Cut(at, " ")
	direct := newWorldAt(t, at)
	for range 12 {
		direct.append("a")
	}
	positions := direct.feed(direct.store)
	for name, direction := range map[string]pgtest.Direction{"to the server": pgtest.ToServer, "to the client": pgtest.ToClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
			w := newWorldAt(t, direct.schema+" "+pgtest.WithAddr(url, proxy.Addr()))
			if _, err := w.store.Head(w.ctx); err != nil {
				t.Fatal(err)
			}
			doubts := 0
			for i, from := 0, es.Position(0); i < len(positions); i++ {
				after := 2 * i // a statement's answer is short
				p := es.Progress{Name: name, From: from, To: positions[i]}
				if i%2 == 1 { // a transaction of several statements
					p.Park, after = []es.Parked{{Stream: stream("a"), Version: es.Version(i), Attempts: 1}}, 23*i
				}
				proxy.CutAfter(direction, after)
				err := w.store.Record(w.ctx, p)
				if errors.Is(err, es.ErrOutcomeUnknown) && errors.Is(err, es.ErrFenced) {
					doubts++
				} else if err != nil {
					t.Fatalf("cut after %d bytes: %v", after, err)
				}
				if at, err := direct.store.Checkpoint(w.ctx, name); err != nil || at != p.To {
					t.Fatalf("cut after %d bytes: the checkpoint is %d, %v, want %d", after, at, err, p.To)
				}
				from = p.To
			}
			if direction == pgtest.ToClient && doubts == 0 {
				t.Error("no answer was lost after its statement")
			}
		})
	}
}

func TestProgressIsRecordedWithTheCallersTransactionOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	last := w.append("a")
	p := es.Progress{Name: "reader", To: last}
	for _, commit := range []bool{false, true} {
		tx := w.begin()
		if err := w.store.RecordTx(w.ctx, tx, p); err != nil {
			t.Fatal(err)
		}
		if commit {
			w.commit(tx)
		} else if err := tx.Rollback(w.ctx); err != nil {
			t.Fatal(err)
		}
		want := es.Position(0)
		if commit {
			want = last
		}
		if at, err := w.store.Checkpoint(w.ctx, "reader"); err != nil || at != want {
			t.Fatalf("the checkpoint is %d, %v, want %d", at, err, want)
		}
	}
	refused := func(p es.Progress, want error) {
		t.Helper()
		if err := pgx.BeginFunc(w.ctx, w.session(), func(tx pgx.Tx) error { return w.store.RecordTx(w.ctx, tx, p) }); !errors.Is(err, want) {
			t.Fatalf("RecordTx(%+v): %v, want %v", p, err, want)
		}
	}
	refused(p, es.ErrFenced)
	refused(es.Progress{Name: "reader", From: last, To: last + 1}, es.ErrBeyondHead)
	refused(es.Progress{}, es.ErrInvalidName)
	refused(es.Progress{Name: "group", Claims: []es.Claim{{Partition: 1}}}, es.ErrFenced)
}

// A paused owner's transaction has recorded its progress and waits; meanwhile the partition is claimed. One of the two
// gives way.
func TestAClaimAndAnOwnersOpenTransactionExcludeEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	last := w.append("a")
	old := es.Membership{Group: "group", Partitions: 1, Member: uuid.New()}
	state, err := w.store.Beat(w.ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.store.Claim(w.ctx, "group", state.Partitions[0].Claim, old.Member)
	if err != nil {
		t.Fatal(err)
	}
	tx := w.begin()
	if err := w.store.RecordTx(w.ctx, tx, es.Progress{Name: "group", To: last, Claims: []es.Claim{p.Claim}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Claim(w.ctx, "group", p.Claim, uuid.New()); !errors.Is(err, es.ErrFenced) {
		t.Fatalf("Claim beside the owner's transaction: %v, want es.ErrFenced, at once", err)
	}
	w.commit(tx)
	q, err := w.store.Claim(w.ctx, "group", p.Claim, uuid.New())
	if err != nil || q.Position != last || q.Epoch <= p.Epoch {
		t.Fatalf("claimed is %+v, %v, want position %d, which was committed before", q, err, last)
	}
	if err := w.store.Record(w.ctx, es.Progress{Name: "group", From: last, To: last, Claims: []es.Claim{p.Claim}}); !errors.Is(err, es.ErrFenced) {
		t.Fatalf("Record with the former claim: %v, want es.ErrFenced", err)
	}
}

func TestTheIdentitysEpochChangesWithARestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("a")
	before, err := w.store.Identity(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for beyond := range 2 {
		pgtest.Exec(t, w.url, "SELECT "+w.schema+".restored("+string(rune('5'+beyond*4))+")")
		after, err := w.store.Identity(w.ctx)
		if err != nil || after.Store != before.Store || after.Epoch == before.Epoch {
			t.Fatalf("the identity was %+v, and is %+v, %v after a restore", before, after, err)
		}
		before = after
	}
}
