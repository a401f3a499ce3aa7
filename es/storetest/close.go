package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/esgen-go/esgen/es"
)

var closeClauses = []Clause{
	{
		Name:    "Close/ThenErrClosed",
		Promise: "Every call on a closed store returns es.ErrClosed; closing it again returns nil.",
		check:   closeThenErrClosed,
	},
	{
		Name: "Close/DuringAppends",
		Promise: "A store may be closed by several at once and while it is in use: calls under way succeed or return es.ErrClosed (an append, es.ErrOutcomeUnknown too), " +
			"and what was acknowledged is there when the store is opened again.",
		Unforced: "which calls are under way when the store is closed.",
		check:    closeDuringAppends,
	},
	{
		Name:    "Close/OthersGoOn",
		Promise: "Closing one of several open stores at a place leaves the others working.",
		check:   closeOthersGoOn,
	},
}

// needClose skips the clause if the store has no Close.
func (e *env) needClose() {
	e.Helper()
	capability[io.Closer](e, e.store)
}

func closeThenErrClosed(e *env) {
	e.needClose()
	e.fill(stream("a"), 2)
	ops := e.ops(e.store)
	for range 2 {
		if err := closeStore(e.store); err != nil {
			e.Fatalf("Close: %v", err)
		}
		for name, op := range ops {
			if err := op(e.ctx); !errors.Is(err, es.ErrClosed) {
				e.Errorf("%s on a closed store: error %v, want es.ErrClosed", name, err)
			}
		}
	}
}

func closeDuringAppends(e *env) {
	e.needClose()
	for range some(10) {
		if e.harness.Place != nil {
			e.place = e.harness.Place(e)
		}
		s := e.open()
		e.store = s
		e.fill(stream("a"), 3)
		var mu sync.Mutex
		acknowledged := map[es.Stream]es.Version{}
		started, now := make(chan struct{}), make(chan struct{})
		e.concurrently(10, func(i int) error {
			switch i {
			case 0:
				for range 15 {
					<-started
				}
				close(now)
				return closeStore(s)
			case 1, 2:
				<-now
				return closeStore(s)
			}
			own := stream(fmt.Sprint("own-", i))
			for {
				select {
				case started <- struct{}{}:
				case <-now:
				}
				r, err := s.Append(e.ctx, write(own, es.Any, e.events(2)...))
				if err != nil {
					if errors.Is(err, es.ErrClosed) || errors.Is(err, es.ErrOutcomeUnknown) {
						return nil
					}
					return fmt.Errorf("an append while the store was closed: %w, want es.ErrClosed or es.ErrOutcomeUnknown", err)
				}
				mu.Lock()
				acknowledged[own] = r.Streams[0].Last
				mu.Unlock()
				for name, err := range map[string]error{
					"Read": drain(s.Read(e.ctx, es.ReadQuery{Stream: own})),
					"Load": drain(s.Load(e.ctx, es.LoadQuery{Stream: own})),
				} {
					if err != nil && !errors.Is(err, es.ErrClosed) {
						return fmt.Errorf("%s while the store was closed: %w, want es.ErrClosed", name, err)
					}
				}
			}
		})
		if e.harness.Place == nil {
			continue
		}
		e.store = e.open()
		for own, last := range acknowledged {
			recs := e.read(e.store, es.ReadQuery{Stream: own})
			if n := es.Version(len(recs)); n < last || n%2 != 0 {
				e.Fatalf("%s has %d events after the store was closed in use; %d were acknowledged, by twos", own, n, last)
			}
		}
		if err := closeStore(e.store); err != nil {
			e.Fatalf("Close: %v", err)
		}
	}
}

// drain returns what a loop ends with.
func drain[V any](seq func(yield func(V, error) bool)) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

func closeOthersGoOn(e *env) {
	other := e.second()
	e.needClose()
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	w, watched := es.Capability[es.Watcher](other)
	var signals <-chan struct{}
	if watched {
		signals = w.Watch(ctx)
	}
	e.fill(stream("a"), 2)
	if err := closeStore(e.store); err != nil {
		e.Fatalf("Close: %v", err)
	}
	for name, op := range e.ops(other) {
		if err := op(e.ctx); err != nil {
			e.Errorf("%s on a store, after another one at its place was closed: %v", name, err)
		}
	}
	if watched {
		e.awake(signals, "after another store at its place was closed")
	}
	e.store = other
	if n := len(e.read(other, es.ReadQuery{Stream: stream("a")})); n != 3 {
		e.Fatalf("after another store was closed, a stream has %d events, want 3", n)
	}
}
