package storetest

import (
	"context"
	"flag"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// broken is a journal with some calls replaced.
type broken struct {
	*journal
	append         func(ctx context.Context, writes ...es.Write) (es.Receipt, error)
	read           func(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error]
	load           func(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error]
	saveSnapshot   func(ctx context.Context, s es.Snapshot) error
	readAll        func(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error]
	head           func(ctx context.Context) (es.Position, error)
	checkpoint     func(ctx context.Context, name string) (es.Position, error)
	saveCheckpoint func(ctx context.Context, name string, p es.Position) error
	record         func(ctx context.Context, p es.Progress) error
	recordTimers   func(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error
	timers         func(ctx context.Context, name string, limit int) ([]es.Timer, error)
	clearTimer     func(ctx context.Context, name string, t es.Timer) error
	parked         func(ctx context.Context, q es.ParkedQuery) ([]es.Parked, error)
	decide         func(ctx context.Context, name string, s es.Stream, v es.Version, verdict es.Verdict) error
	beat           func(ctx context.Context, m es.Membership) (es.GroupState, error)
	group          func(ctx context.Context, name string) (es.GroupState, error)
	claim          func(ctx context.Context, name string, c es.Claim, member uuid.UUID) (es.Partition, error)
	release        func(ctx context.Context, name string, claims []es.Claim) error
	leave          func(ctx context.Context, name string, member uuid.UUID, beat int64) error
	readers        func(ctx context.Context) ([]es.Reader, error)
	forget         func(ctx context.Context, name string) error
	identity       func(ctx context.Context) (es.Identity, error)
	streams        func(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error]
	watch          func(ctx context.Context) <-chan struct{}
	close          func() error
}

func (b *broken) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	return b.append(ctx, writes...)
}
func (b *broken) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	return b.read(ctx, q)
}
func (b *broken) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return b.load(ctx, q)
}
func (b *broken) SaveSnapshot(ctx context.Context, s es.Snapshot) error {
	return b.saveSnapshot(ctx, s)
}
func (b *broken) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return b.readAll(ctx, q)
}
func (b *broken) Head(ctx context.Context) (es.Position, error) { return b.head(ctx) }
func (b *broken) Checkpoint(ctx context.Context, name string) (es.Position, error) {
	return b.checkpoint(ctx, name)
}
func (b *broken) SaveCheckpoint(ctx context.Context, name string, p es.Position) error {
	return b.saveCheckpoint(ctx, name, p)
}
func (b *broken) Record(ctx context.Context, p es.Progress) error { return b.record(ctx, p) }
func (b *broken) RecordTimers(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error {
	return b.recordTimers(ctx, p, name, c)
}
func (b *broken) Timers(ctx context.Context, name string, limit int) ([]es.Timer, error) {
	return b.timers(ctx, name, limit)
}
func (b *broken) ClearTimer(ctx context.Context, name string, t es.Timer) error {
	return b.clearTimer(ctx, name, t)
}
func (b *broken) Parked(ctx context.Context, q es.ParkedQuery) ([]es.Parked, error) {
	return b.parked(ctx, q)
}
func (b *broken) Decide(ctx context.Context, name string, s es.Stream, v es.Version, verdict es.Verdict) error {
	return b.decide(ctx, name, s, v, verdict)
}
func (b *broken) Beat(ctx context.Context, m es.Membership) (es.GroupState, error) {
	return b.beat(ctx, m)
}
func (b *broken) Group(ctx context.Context, name string) (es.GroupState, error) {
	return b.group(ctx, name)
}
func (b *broken) Claim(ctx context.Context, name string, c es.Claim, member uuid.UUID) (es.Partition, error) {
	return b.claim(ctx, name, c, member)
}
func (b *broken) Release(ctx context.Context, name string, claims []es.Claim) error {
	return b.release(ctx, name, claims)
}
func (b *broken) Leave(ctx context.Context, name string, member uuid.UUID, beat int64) error {
	return b.leave(ctx, name, member, beat)
}
func (b *broken) Readers(ctx context.Context) ([]es.Reader, error)  { return b.readers(ctx) }
func (b *broken) Forget(ctx context.Context, name string) error     { return b.forget(ctx, name) }
func (b *broken) Identity(ctx context.Context) (es.Identity, error) { return b.identity(ctx) }
func (b *broken) Streams(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
	return b.streams(ctx, q)
}
func (b *broken) Watch(ctx context.Context) <-chan struct{} { return b.watch(ctx) }
func (b *broken) Close() error                              { return b.close() }

// fault is one way to break a store, and the clause that must notice.
type fault struct {
	clause string
	name   string
	breaks func(b *broken, j *journal)
}

func (f fault) harness() Harness {
	return Harness{
		Place: journalPlace,
		Open: func(_ context.Context, place string) (es.Store, error) {
			j, err := openJournal(place)
			if err != nil {
				return nil, err
			}
			b := &broken{j, j.Append, j.Read, j.Load, j.SaveSnapshot, j.ReadAll, j.Head, j.Checkpoint, j.SaveCheckpoint,
				j.Record, j.RecordTimers, j.Timers, j.ClearTimer, j.Parked, j.Decide, j.Beat, j.Group, j.Claim, j.Release, j.Leave, j.Readers, j.Forget, j.Identity, j.Streams, j.Watch, j.Close}
			f.breaks(b, j)
			return b, nil
		},
		Complete: true,
		patience: 3 * time.Second,
	}
}

// Every clause must be able to fail: each has a store that breaks it, beside the sound
// one that passes.
func TestEachClauseFailsTheStoreThatBreaksIt(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: stores that are wrong on purpose")
	}
	if err := flag.Set("rapid.nofailfile", "true"); err != nil { // these failures are meant
		t.Fatal(err)
	}
	clauses := map[string]Clause{}
	for _, c := range Clauses() {
		clauses[c.Name] = c
	}
	tried := map[string]bool{}
	for _, f := range faults {
		c, ok := clauses[f.clause]
		if !ok {
			t.Fatalf("there is no clause %s", f.clause)
		}
		tried[c.Name] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			failed, _, log := verdict(t, c, f.harness())
			if !failed {
				t.Errorf("%s passes a store that %s", c.Name, f.name)
			}
			t.Logf("%.1500s", log)
		})
	}
	for name := range clauses {
		if !tried[name] {
			t.Errorf("no store breaks %s", name)
		}
	}
}
