package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/esgen-go/esgen/es"
)

var iteratorClauses = []Clause{
	{
		Name:    "Iterator/BodyUsesTheStore",
		Promise: "The body of any loop may call the store, loops within loops included, and may append to what is being read: nothing that the store has few of is held meanwhile.",
		check:   iteratorBody,
	},
	{
		Name:    "Iterator/SlowReadersHoldNobodyUp",
		Promise: "While many loops stand still in their bodies, appends, reads, snapshots and checkpoints go on, and the loops go on after.",
		check:   iteratorSlow,
	},
	{
		Name:    "Iterator/Break",
		Promise: "A loop that breaks off, at whatever turn, stops the read, and leaves nothing running.",
		check:   iteratorBreak,
	},
	{
		Name:    "Iterator/ContextEnds",
		Promise: "When the context ends, the next turn of a loop is its last and yields the context's error; a loop whose context had ended before yields that error alone.",
		check:   iteratorContext,
	},
}

// loop is one of the ways of reading, each of at least 20 turns.
type loop struct {
	name string
	over func(ctx context.Context) iter.Seq[error] // one turn a value, its error if it has one
}

// loops makes streams, and lists all ways of reading them.
func (e *env) loops(s es.Store) []loop {
	e.Helper()
	a := stream("looped")
	for range 4 {
		e.fill(a, 10)
	}
	e.saveSnapshot(a, 3, "f", "three")
	all := []loop{
		{"Read", func(ctx context.Context) iter.Seq[error] { return turns(s.Read(ctx, es.ReadQuery{Stream: a})) }},
		{"Read backwards", func(ctx context.Context) iter.Seq[error] {
			return turns(s.Read(ctx, es.ReadQuery{Stream: a, Backwards: true}))
		}},
		{"Load", func(ctx context.Context) iter.Seq[error] { return turns(s.Load(ctx, es.LoadQuery{Stream: a})) }},
		{"Load with a snapshot", func(ctx context.Context) iter.Seq[error] {
			return turns(s.Load(ctx, es.LoadQuery{Stream: a, Fingerprint: "f"}))
		}},
	}
	if f, ok := es.Capability[es.Feed](s); ok {
		all = append(all,
			loop{"ReadAll", func(ctx context.Context) iter.Seq[error] { return turns(f.ReadAll(ctx, es.FeedQuery{})) }},
			loop{"ReadAll with a filter", func(ctx context.Context) iter.Seq[error] {
				return turns(f.ReadAll(ctx, es.FeedQuery{Categories: []string{a.Category}, Types: []string{e.event().Type}}))
			}})
	}
	if l, ok := es.Capability[es.Lister](s); ok {
		for i := range 20 {
			e.fill(es.Stream{Category: "listed", ID: strconv.Itoa(i)}, 1)
		}
		all = append(all, loop{"Streams", func(ctx context.Context) iter.Seq[error] {
			return turns(l.Streams(ctx, es.ListQuery{Category: "listed"}))
		}})
	}
	return all
}

func turns[V any](seq iter.Seq2[V, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

func iteratorBody(e *env) {
	loops := e.loops(e.store)
	// Each loop within all others, so that any kind is held while any other begins.
	var nest func(depth, first int) error
	nest = func(depth, first int) error {
		if depth == 0 {
			if _, err := e.store.Append(e.ctx, write(stream("looped"), es.Any, e.event())); err != nil {
				return err
			}
			return e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: stream("looped"), Version: 5, Fingerprint: "g"})
		}
		l, n := loops[first%len(loops)], 0
		for err := range l.over(e.ctx) {
			if err != nil {
				return fmt.Errorf("turn %d of %s, with %d loops within it: %w", n, l.name, depth-1, err)
			}
			if n == 1 {
				if err := nest(depth-1, first+1); err != nil {
					return err
				}
			}
			if n++; n == 15 {
				break
			}
		}
		if n != 15 {
			return fmt.Errorf("%s ended after %d turns, of 15 at least", l.name, n)
		}
		return nil
	}
	for first := range loops {
		if err := nest(2*len(loops), first); err != nil {
			e.Fatal(err)
		}
	}
}

func iteratorSlow(e *env) {
	loops := e.loops(e.store)
	const each = 6
	inBody, goOn := make(chan struct{}, each*len(loops)), make(chan struct{})
	var running sync.WaitGroup
	ends := make(chan error, each*len(loops))
	for _, l := range loops {
		for range each {
			running.Go(func() {
				n := 0
				for err := range l.over(e.ctx) {
					if err != nil {
						ends <- fmt.Errorf("turn %d of %s: %w", n, l.name, err)
						return
					}
					if n == 2 {
						inBody <- struct{}{}
						<-goOn
					}
					n++
				}
				if n < 20 {
					ends <- fmt.Errorf("%s went on after a while and yielded %d turns in all, want 20 at least", l.name, n)
				}
			})
		}
	}
	for range each * len(loops) {
		select {
		case <-inBody:
		case err := <-ends:
			close(goOn)
			running.Wait()
			e.Fatal(err)
		}
	}
	var failed error
	for i := range 30 {
		_, err := e.store.Append(e.ctx, write(stream("looped"), es.Any, e.events(2)...), write(stream("b"), es.Any, e.event()))
		failed = errors.Join(failed, err)
		_, err = collect(e.store.Read(e.ctx, es.ReadQuery{Stream: stream("b")}))
		failed = errors.Join(failed, err, e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: stream("looped"), Version: es.Version(4 + i), Fingerprint: "f"}))
		if c, ok := es.Capability[es.Checkpoints](e.store); ok {
			failed = errors.Join(failed, c.SaveCheckpoint(e.ctx, "reader", 0))
		}
	}
	close(goOn)
	running.Wait()
	close(ends)
	for err := range ends {
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		e.Fatal(failed)
	}
}

func iteratorBreak(e *env) {
	loops := e.loops(e.store)
	leaks := e.leaks(func() {
		for _, l := range loops {
			for after := 1; after <= 60; after++ {
				n := 0
				for err := range l.over(e.ctx) {
					if err != nil {
						e.Fatalf("turn %d of %s: %v", n, l.name, err)
					}
					if n++; n == 1+after%20 {
						break
					}
				}
			}
		}
	})
	if leaks != "" {
		e.Fatalf("loops that were broken off left goroutines:\n%s", leaks)
	}
	e.fill(stream("looped"), 1)
}

func iteratorContext(e *env) {
	loops := e.loops(e.store)
	leaks := e.leaks(func() {
		for _, l := range loops {
			for _, last := range []int{0, 1, 2, 7, 15} {
				ctx, cancel := context.WithCancel(e.ctx)
				if last == 0 {
					cancel()
				}
				n := 0
				var failed error
				for err := range l.over(ctx) {
					if failed != nil {
						e.Fatalf("%s went on after its error %v", l.name, failed)
					}
					if failed = err; failed != nil {
						continue
					}
					if n++; n > last {
						e.Fatalf("%s yielded turn %d though the context ended in turn %d", l.name, n, last)
					}
					if n == last {
						cancel()
					}
				}
				cancel()
				if !errors.Is(failed, context.Canceled) {
					e.Fatalf("%s, cancelled in turn %d, ended with error %v, want the context's", l.name, last, failed)
				}
			}
			ctx, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
			for err := range l.over(ctx) {
				if !errors.Is(err, context.DeadlineExceeded) {
					e.Fatalf("%s past its deadline yielded error %v, want the context's", l.name, err)
				}
			}
			cancel()
		}
	})
	if leaks != "" {
		e.Fatalf("loops whose context ended left goroutines:\n%s", leaks)
	}
	e.fill(stream("looped"), 1)
}

// leaks runs do, and returns the stacks of the goroutines that were started
// meanwhile, here or by what started here, if many of them do not end. A few may stay: a
// store may open connections as they are needed.
func (e *env) leaks(do func()) string {
	const few, longEnough = 16, 30 * time.Second
	began := time.Now()
	label := fmt.Sprintf("%s-%d", e.Name(), e.made.Add(1))
	pprof.Do(context.Background(), pprof.Labels("storetest", label), func(context.Context) { do() })
	for {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			e.Fatalf("reading the goroutines: %v", err)
		}
		n := 0
		var stacks []string
		for stack := range strings.SplitSeq(profile.String(), "\n\n") {
			if strings.Contains(stack, strconv.Quote(label)) {
				stacks = append(stacks, stack)
				many, _ := strconv.Atoi(goroutines.FindStringSubmatch(stack)[1])
				n += many
			}
		}
		if n <= few {
			return ""
		}
		if e.ctx.Err() != nil || time.Since(began) > longEnough {
			return strings.Join(stacks, "\n\n")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// goroutines finds how many of them share a stack of the profile: "3 @ 0x1 0x2".
var goroutines = regexp.MustCompile(`(?m)^(\d+) @ `)
