package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
)

var watchClauses = []Clause{
	{
		Name:    "Watch/Wakes",
		Promise: "A watcher is signalled at the start and after every append that it has not been signalled for, be it by this open store or another one at the same place.",
		check:   watchWakes,
	},
	{
		Name:    "Watch/Coalesces",
		Promise: "Signals coalesce: a watcher that does not receive holds up no append, and finds few signals later, but one at least.",
		check:   watchCoalesces,
	},
	{
		Name:    "Watch/Ends",
		Promise: "The channel is closed when the context ends and when the store is closed, at once if either was so before, and nothing is left running.",
		check:   watchEnds,
	},
	{
		Name: "Watch/Follow",
		Promise: "A subscription made of Watch, ReadAll and a checkpoint delivers every event at least once and each stream's in order, though its handler is slow and fails, " +
			"several writers append meanwhile, and it starts again from its checkpoint on a store opened anew.",
		check: watchFollow,
	},
}

// awake waits for a signal of a watcher.
func (e *env) awake(signals <-chan struct{}, when string) {
	e.Helper()
	select {
	case _, open := <-signals:
		if !open {
			e.Fatalf("Watch: the channel was closed, waiting for a signal %s", when)
		}
	case <-e.ctx.Done():
		e.Fatalf("Watch: no signal %s", when)
	}
}

func watchWakes(e *env) {
	capability[es.Watcher](e, e.store)
	stores := e.handles()
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	watches := make([]<-chan struct{}, len(stores))
	for i, s := range stores {
		w, _ := es.Capability[es.Watcher](s)
		watches[i] = w.Watch(ctx)
		e.awake(watches[i], "at the start")
	}
	for round := range 6 {
		writer := round % len(stores)
		r := e.append(stores[writer], write(stream("a"), es.Any, e.event()))
		for i, signals := range watches {
			// A signal may be an old one: what counts is that some signal comes when the feed
			// has the event.
			for {
				e.awake(signals, fmt.Sprintf("in store %d after an append by store %d", i, writer))
				f, ok := es.Capability[es.Feed](stores[i])
				if !ok {
					break
				}
				head, err := f.Head(e.ctx)
				if err != nil {
					e.Fatalf("Head: %v", err)
				}
				if head >= r.Streams[0].Position {
					break
				}
			}
		}
	}
}

func watchCoalesces(e *env) {
	w := capability[es.Watcher](e, e.store)
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	const watchers, appends = 10, 100
	var watches []<-chan struct{}
	for range watchers {
		watches = append(watches, w.Watch(ctx))
	}
	for range appends {
		e.fill(stream("a"), 1)
	}
	for _, signals := range watches {
		e.awake(signals, "though events were appended")
		n := 1
		for waiting := true; waiting; {
			select {
			case <-signals:
				n++
			default:
				waiting = false
			}
		}
		if n > appends/2 {
			e.Fatalf("Watch: %d signals of %d appends were waiting", n, appends)
		}
	}
}

// closed waits until a watcher's channel is closed.
func (e *env) closed(signals <-chan struct{}, when string) {
	e.Helper()
	for {
		select {
		case _, open := <-signals:
			if !open {
				return
			}
		case <-e.ctx.Done():
			e.Fatalf("Watch: the channel was not closed %s", when)
		}
	}
}

func watchEnds(e *env) {
	w := capability[es.Watcher](e, e.store)
	leaks := e.leaks(func() {
		for range 100 {
			ctx, cancel := context.WithCancel(e.ctx)
			signals := w.Watch(ctx)
			e.awake(signals, "at the start")
			cancel()
			e.closed(signals, "when the context ended")
		}
		ctx, cancel := context.WithCancel(e.ctx)
		cancel()
		e.closed(w.Watch(ctx), "though the context had ended")
	})
	if leaks != "" {
		e.Fatalf("goroutines of ended watches go on:\n%s", leaks)
	}
	e.fill(stream("a"), 1)

	signals := w.Watch(e.ctx)
	e.needClose()
	if err := closeStore(e.store); err != nil {
		e.Fatalf("closing the store: %v", err)
	}
	e.closed(signals, "when the store was closed")
	e.closed(w.Watch(e.ctx), "though the store was closed")
}

// follow is what a subscription does, at its least: it hands every event after the
// checkpoint to handle, saves the checkpoint after each, and goes on at the next signal.
func follow(ctx context.Context, s es.Store, name string, q es.FeedQuery, handle func(es.Recorded) error) error {
	f, _ := es.Capability[es.Feed](s)
	c, _ := es.Capability[es.Checkpoints](s)
	w, _ := es.Capability[es.Watcher](s)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	at, err := c.Checkpoint(ctx, name)
	if err != nil {
		return err
	}
	for range w.Watch(ctx) {
		q.After, q.Scanned = at, &at
		for rec, err := range f.ReadAll(ctx, q) {
			if err != nil {
				return err
			}
			if err := handle(rec); err != nil {
				return err
			}
			if rec.Position%3 == 0 { // seldom enough to make repeats
				if err := c.SaveCheckpoint(ctx, name, rec.Position); err != nil {
					return err
				}
			}
		}
		if err := c.SaveCheckpoint(ctx, name, at); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func watchFollow(e *env) {
	capability[es.Feed](e, e.store)
	capability[es.Checkpoints](e, e.store)
	capability[es.Watcher](e, e.store)
	writer := e.store
	reader := e.store
	anew := func() {}
	if e.harness.Place != nil && !e.harness.Exclusive {
		reader = e.open()
		anew = func() {
			_ = closeStore(reader)
			reader = e.open()
		}
	}
	const writers = 4
	each := some(40)
	types := []string{"one", "two"}
	written := make(chan error, writers)
	for i := range writers {
		go func() { written <- e.scribble(writer, i, each, types) }()
	}
	total := writers * each * 3
	versions := map[es.Stream]es.Version{} // seen without a gap
	delivered := 0
	errAgain, errDone := errors.New("the handler fails"), errors.New("all seen")
	restarts := 0
	// The last event is seen when all were: versions have no gaps.
	for distinct := 0; distinct < total; {
		err := follow(e.ctx, reader, "follower", es.FeedQuery{}, func(rec es.Recorded) error {
			delivered++
			switch due := versions[rec.Stream] + 1; {
			case rec.Version > due:
				return fmt.Errorf("version %d of %s was delivered where version %d is due", rec.Version, rec.Stream, due)
			case rec.Version == due:
				versions[rec.Stream] = due
				distinct++
			}
			if distinct == total {
				return errDone
			}
			if delivered%16 == 0 {
				time.Sleep(time.Millisecond)
			}
			if delivered%(total/4) == 0 {
				return errAgain
			}
			return nil
		})
		switch {
		case errors.Is(err, errAgain):
			restarts++
			anew()
		case !errors.Is(err, errDone):
			e.Fatalf("following the feed, %d of %d events seen: %v", distinct, total, err)
		}
	}
	for range writers {
		if err := <-written; err != nil {
			e.Fatal(err)
		}
	}
	if restarts == 0 {
		e.Fatal("the follower was never restarted")
	}
	if d := diff(len(e.feed(e.store)), total); d != "" {
		e.Fatalf("the feed has other events than were followed (-feed +followed):\n%s", d)
	}
}
