package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
)

// sighting is an event that a reader of the feed was given.
type sighting struct {
	Position es.Position
	ID       uuid.UUID
}

// follower reads the feed as a subscription does: it stores how far it has come under its name, and
// now and then forgets that, as if its process were started again, and goes on from the stored
// checkpoint.
type follower struct {
	name  string
	store *postgres.Store

	Seen        []sighting // each event once, in the order in which it came
	Redelivered int
	Restarts    int
	Failed      int      // reads that ended in a typed error
	Wrong       []string // what no reader may see
}

// run reads until it has seen all up to the position that comes from until.
func (f *follower) run(ctx context.Context, until <-chan es.Position) {
	news := f.store.Watch(ctx)
	after, goal := es.Position(0), es.Position(-1)
	for ctx.Err() == nil && (goal < 0 || after < goal) {
		select {
		case goal = <-until:
		case <-news:
		case <-time.After(time.Second):
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if after, more, err = f.read(ctx, after); err != nil {
				f.fail(err)
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
}

// read reads up to 500 events and reports whether there may be more.
func (f *follower) read(ctx context.Context, after es.Position) (es.Position, bool, error) {
	if rand.IntN(50) == 0 {
		stored, err := f.store.Checkpoint(ctx, f.name)
		if err != nil {
			return after, true, fmt.Errorf("its checkpoint: %w", err)
		}
		if stored > after {
			f.Wrong = append(f.Wrong, fmt.Sprintf("checkpoint %d, but it was at %d", stored, after))
		}
		after = stored
		f.Restarts++
	}
	const limit = 500
	n, scanned := 0, after
	for rec, err := range f.store.ReadAll(ctx, es.FeedQuery{After: after, Limit: limit, Scanned: &scanned}) {
		if err != nil {
			return scanned, true, err
		}
		n++
		f.see(sighting{rec.Position, rec.ID})
	}
	if rand.IntN(4) == 0 {
		if err := f.store.SaveCheckpoint(ctx, f.name, scanned); err != nil {
			return scanned, true, fmt.Errorf("saving its checkpoint: %w", err)
		}
	}
	return scanned, n == limit, nil
}

// see notes an event. One that comes again must be the one that was at its place before.
func (f *follower) see(s sighting) {
	if n := len(f.Seen); n == 0 || s.Position > f.Seen[n-1].Position {
		f.Seen = append(f.Seen, s)
		return
	}
	i := sort.Search(len(f.Seen), func(i int) bool { return f.Seen[i].Position >= s.Position })
	if f.Seen[i] != s {
		f.Wrong = append(f.Wrong, fmt.Sprintf("position %d appeared below %d", s.Position, f.Seen[len(f.Seen)-1].Position))
	}
	f.Redelivered++
}

func (f *follower) fail(err error) {
	f.Failed++
	if !isTyped(err) {
		f.Wrong = append(f.Wrong, "raw error: "+err.Error())
	}
}
