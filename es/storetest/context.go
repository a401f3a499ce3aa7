package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
)

var contextClauses = []Clause{
	{
		Name:    "Context/EndedBefore",
		Promise: "With a context that has ended, every call returns the context's error, and nothing is written.",
		check:   contextEndedBefore,
	},
	{
		Name: "Context/EndsMidway",
		Promise: "An append whose context ends while it is under way succeeds or returns the context's error or es.ErrOutcomeUnknown, nothing else. " +
			"Sent again it settles: it is a Duplicate if the first one was stored, and its events are there once.",
		Unforced: "at which moment of the append the context ends.",
		check:    contextEndsMidway,
	},
	{
		Name:    "Context/OthersGoOn",
		Promise: "The end of one caller's context is no other caller's: appends, loops and watches at the same time go on.",
		check:   contextOthersGoOn,
	},
}

// ops are all calls that return an error, by name, each of which would succeed.
func (e *env) ops(s es.Store) map[string]func(ctx context.Context) error {
	a := stream("a")
	ops := map[string]func(ctx context.Context) error{
		"Append": func(ctx context.Context) error {
			_, err := s.Append(ctx, write(a, es.Any, e.event()))
			return err
		},
		"Read": func(ctx context.Context) error { return exhaust(s.Read(ctx, es.ReadQuery{Stream: a})) },
		"Load": func(ctx context.Context) error {
			return exhaust(s.Load(ctx, es.LoadQuery{Stream: a, Fingerprint: "f"}))
		},
		"SaveSnapshot": func(ctx context.Context) error {
			return s.SaveSnapshot(ctx, es.Snapshot{Stream: a, Version: 1, Fingerprint: "f", Data: []byte("{}")})
		},
	}
	if f, ok := es.Capability[es.Feed](s); ok {
		ops["ReadAll"] = func(ctx context.Context) error { return exhaust(f.ReadAll(ctx, es.FeedQuery{})) }
		ops["Head"] = func(ctx context.Context) error {
			_, err := f.Head(ctx)
			return err
		}
	}
	if c, ok := es.Capability[es.Checkpoints](s); ok {
		ops["Checkpoint"] = func(ctx context.Context) error {
			_, err := c.Checkpoint(ctx, "reader")
			return err
		}
		ops["SaveCheckpoint"] = func(ctx context.Context) error { return c.SaveCheckpoint(ctx, "reader", 0) }
	}
	if t, ok := es.Capability[es.Tracker](s); ok {
		ops["Record"] = func(ctx context.Context) error { return t.Record(ctx, es.Progress{Name: "tracked"}) }
	}
	if t, ok := es.Capability[es.Timers](s); ok {
		ops["RecordTimers"] = func(ctx context.Context) error {
			return t.RecordTimers(ctx, es.Progress{Name: "tracked"}, "timed", es.TimerChanges{Set: []es.Timer{timer("a", 1)}})
		}
		ops["Timers"] = func(ctx context.Context) error {
			_, err := t.Timers(ctx, "timed", 0)
			return err
		}
		ops["ClearTimer"] = func(ctx context.Context) error { return t.ClearTimer(ctx, "timed", timer("a", 1)) }
	}
	if p, ok := es.Capability[es.Parking](s); ok {
		if t, ok := es.Capability[es.Tracker](s); ok {
			_ = t.Record(e.ctx, es.Progress{Name: "parker", Park: []es.Parked{{Stream: a, Version: 1}}}) // a closed store's calls fail before they look
		}
		ops["Parked"] = func(ctx context.Context) error {
			_, err := p.Parked(ctx, es.ParkedQuery{Name: "parker"})
			return err
		}
		ops["Decide"] = func(ctx context.Context) error { return p.Decide(ctx, "parker", a, 1, es.Skip) }
	}
	if g, ok := es.Capability[es.Groups](s); ok {
		member := es.Membership{Group: "group", Partitions: 2, Member: es.NewID()}
		_, _ = g.Beat(e.ctx, member)
		ops["Beat"] = func(ctx context.Context) error {
			_, err := g.Beat(ctx, member)
			return err
		}
		ops["Group"] = func(ctx context.Context) error {
			_, err := g.Group(ctx, member.Group)
			return err
		}
		ops["Claim"] = func(ctx context.Context) error {
			for {
				var c es.Claim
				if state, err := g.Group(e.ctx, member.Group); err == nil {
					c = state.Partitions[0].Claim
				}
				if _, err := g.Claim(ctx, member.Group, c, member.Member); !errors.Is(err, es.ErrFenced) { // others claim it too
					return err
				}
			}
		}
		ops["Release"] = func(ctx context.Context) error { return g.Release(ctx, member.Group, []es.Claim{{Partition: 1}}) }
		ops["Leave"] = func(ctx context.Context) error { return g.Leave(ctx, member.Group, member.Member, 0) }
	}
	if i, ok := es.Capability[es.Identified](s); ok {
		ops["Identity"] = func(ctx context.Context) error {
			_, err := i.Identity(ctx)
			return err
		}
	}
	if l, ok := es.Capability[es.Lister](s); ok {
		ops["Streams"] = func(ctx context.Context) error { return exhaust(l.Streams(ctx, es.ListQuery{Category: a.Category})) }
	}
	return ops
}

// exhaust returns what a loop ends with, and an error of its own if it yields values
// before an error.
func exhaust[V any](seq func(yield func(V, error) bool)) error {
	all, err := collect(seq)
	if err != nil && len(all) > 0 {
		return fmt.Errorf("%d values were yielded before the error: %v", len(all), err)
	}
	return err
}

func contextEndedBefore(e *env) {
	e.fill(stream("a"), 2)
	before := e.content(e.store, stream("a"))
	cancelled, cancel := context.WithCancel(e.ctx)
	cancel()
	late, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for name, op := range e.ops(e.store) {
		if err := op(cancelled); !errors.Is(err, context.Canceled) {
			e.Errorf("%s with a cancelled context: error %v, want context.Canceled", name, err)
		}
		if err := op(late); !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("%s past its deadline: error %v, want context.DeadlineExceeded", name, err)
		}
	}
	e.unchanged("calls whose context had ended", before)
	for name, op := range e.ops(e.store) {
		if err := op(e.ctx); err != nil {
			e.Errorf("%s after calls whose context had ended: %v", name, err)
		}
	}
}

func contextEndsMidway(e *env) {
	stores := e.handles()
	const writers = 8
	each := some(40)
	e.concurrently(writers, func(i int) error {
		s, own := stores[i%len(stores)], stream(fmt.Sprint("own-", i))
		random := rand.New(rand.NewPCG(uint64(i), 1))
		typical := 200 * time.Microsecond // follows what an append takes here
		for n := range each {
			writes := []es.Write{write(own, es.Exactly(es.Version(2*n)), e.events(2)...), write(stream("shared"), es.Any, e.event())}
			ctx, cancel := context.WithCancel(e.ctx)
			timer := time.AfterFunc(time.Duration(random.Int64N(int64(2*typical)+1)), cancel)
			began := time.Now()
			first, err := s.Append(ctx, writes...)
			timer.Stop()
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, es.ErrOutcomeUnknown) {
				return fmt.Errorf("an append whose context ended: %w, want the context's error or es.ErrOutcomeUnknown", err)
			}
			if err == nil {
				typical = (3*typical + time.Since(began)) / 4
			}
			again, againErr := s.Append(e.ctx, writes...)
			if againErr != nil {
				return fmt.Errorf("an append sent again, after %v: %w", err, againErr)
			}
			if err == nil && (!again.Duplicate || !slices.Equal(again.Streams, first.Streams)) {
				return fmt.Errorf("an acknowledged append sent again: %+v, want a Duplicate of %+v", again, first)
			}
		}
		return nil
	})
	// Appends that were given up may not come after their repeats either.
	for i := range writers {
		if n := len(e.read(e.store, es.ReadQuery{Stream: stream(fmt.Sprint("own-", i))})); n != 2*each {
			e.Fatalf("stream %d has %d events, want %d", i, n, 2*each)
		}
	}
	if n := len(e.read(e.store, es.ReadQuery{Stream: stream("shared")})); n != writers*each {
		e.Fatalf("the shared stream has %d events, want %d", n, writers*each)
	}
}

func contextOthersGoOn(e *env) {
	e.fill(stream("a"), 20)
	e.concurrently(12, func(i int) error {
		ops := e.ops(e.store)
		for range some(20) {
			if i%2 == 0 {
				ctx, cancel := context.WithTimeout(e.ctx, time.Duration(rand.IntN(300))*time.Microsecond)
				for range 2 { // while the context ends, and after
					for _, op := range ops {
						_ = op(ctx)
					}
					<-ctx.Done()
				}
				cancel()
				continue
			}
			for name, op := range ops {
				if err := op(e.ctx); err != nil {
					return fmt.Errorf("%s, while others' contexts ended: %w", name, err)
				}
			}
		}
		return nil
	})
	for name, op := range e.ops(e.store) {
		if err := op(e.ctx); err != nil {
			e.Errorf("%s, after others' contexts ended: %v", name, err)
		}
	}
}
