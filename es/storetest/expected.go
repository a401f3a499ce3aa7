package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/esgen-go/esgen/es"
)

var expectedClauses = []Clause{
	{
		Name:    "Expected/Table",
		Promise: "Each expectation is met by the versions that it names and by no other; who does not meet it gets a *ConflictError with stream, expectation and actual version.",
		check:   expectedTable,
	},
	{
		Name: "Expected/OneWins",
		Promise: "Of any number of concurrent appends that expect the same version, one wins. Every other gets a *ConflictError with the right stream, expectation " +
			"and actual version, and no other error; through one open store or several.",
		Unforced: "the moments inside the engine at which two would win.",
		check:    expectedOneWins,
	},
	{
		Name:     "Expected/OneWinsOverSeveralStreams",
		Promise:  "The same holds for appends to several streams that overlap, named in any order: no deadlock, no error but *ConflictError, and nothing of a loser is stored.",
		Unforced: "the moments inside the engine at which they would lock each other out.",
		check:    expectedOneWinsOverSeveralStreams,
	},
	{
		Name:    "Expected/AnyNeverConflicts",
		Promise: "Concurrent appends that expect Any all succeed, and so do those that expect StreamExists of a stream that does; their versions have no gap and no double.",
		check:   expectedAnyNeverConflicts,
	},
}

func expectedTable(e *env) {
	expectations := []struct {
		expect es.Expected
		met    func(actual es.Version) bool
	}{
		{es.Any, func(es.Version) bool { return true }},
		{es.NoStream, func(actual es.Version) bool { return actual == 0 }},
		{es.StreamExists, func(actual es.Version) bool { return actual > 0 }},
		{es.Exactly(0), func(actual es.Version) bool { return actual == 0 }},
		{es.Exactly(1), func(actual es.Version) bool { return actual == 1 }},
		{es.Exactly(2), func(actual es.Version) bool { return actual == 2 }},
		{es.Exactly(3), func(actual es.Version) bool { return actual == 3 }},
		{es.Exactly(1 << 62), func(es.Version) bool { return false }},
	}
	for i, x := range expectations {
		for actual := range es.Version(4) {
			s := stream(fmt.Sprintf("expects-%d-at-%d", i, actual))
			if actual > 0 {
				e.fill(s, int(actual))
			}
			before := e.content(e.store, s)
			r, err := e.store.Append(e.ctx, write(s, x.expect, e.events(2)...))
			if x.met(actual) {
				if err != nil || r.Streams[0].First != actual+1 || r.Streams[0].Last != actual+2 {
					e.Fatalf("Append expecting %s of a stream at version %d: %+v, %v; want versions %d to %d", x.expect, actual, r, err, actual+1, actual+2)
				}
				continue
			}
			if err := wantConflict(err, s, x.expect, actual); err != nil {
				e.Fatal(err)
			}
			e.unchanged("a conflict", before)
		}
	}
}

// wantConflict checks that err is the conflict that it should be.
func wantConflict(err error, s es.Stream, expect es.Expected, actual es.Version) error {
	var conflict *es.ConflictError
	if !errors.As(err, &conflict) || !errors.Is(err, es.ErrConflict) {
		return fmt.Errorf("an append to %s expecting %s, at version %d: error %v (%T), want a *es.ConflictError", s, expect, actual, err, err)
	}
	if want := (es.ConflictError{Stream: s, Expected: expect, Actual: actual}); *conflict != want {
		return fmt.Errorf("an append to %s expecting %s, at version %d: conflict says %+v, want %+v", s, expect, actual, *conflict, want)
	}
	return nil
}

func expectedOneWins(e *env) {
	stores := e.handles()
	for round := range some(10) {
		s, expect := stream(fmt.Sprint("raced-", round)), es.NoStream
		start := es.Version(round % 3)
		if start > 0 {
			e.fill(s, int(start))
			expect = es.Exactly(start)
		}
		var won atomic.Int64
		e.concurrently(16, func(i int) error {
			r, err := stores[i%len(stores)].Append(e.ctx, write(s, expect, e.event()))
			if err != nil {
				return wantConflict(err, s, expect, start+1)
			}
			if won.Add(1); r.Duplicate || r.Streams[0].Last != start+1 {
				return fmt.Errorf("the winner's receipt says %+v, want version %d", r, start+1)
			}
			return nil
		})
		if n := won.Load(); n != 1 {
			e.Fatalf("%d of 16 concurrent appends to %s expecting %s won, want 1", n, s, expect)
		}
		if n := len(e.read(e.store, es.ReadQuery{Stream: s})); n != int(start)+1 {
			e.Fatalf("after a race for version %d, %s has %d events", start+1, s, n)
		}
	}
}

func expectedOneWinsOverSeveralStreams(e *env) {
	stores := e.handles()
	names := []es.Stream{stream("x"), stream("y"), stream("z")}
	for round := range some(10) {
		v := es.Version(round)
		var won atomic.Int64
		e.concurrently(12, func(i int) error {
			// All overlap in x; every order of the streams is tried.
			a, b, c := names[i%3], names[(i+1+i/6)%3], names[(i+2-i/6)%3]
			if b == a || c == a || b == c {
				a, b, c = names[0], names[1], names[2]
			}
			_, err := stores[i%len(stores)].Append(e.ctx,
				write(a, es.Exactly(v), e.event()), write(b, es.Exactly(v), e.event()), write(c, es.Exactly(v), e.event()))
			if err == nil {
				won.Add(1)
				return nil
			}
			var conflict *es.ConflictError
			if !errors.As(err, &conflict) {
				return fmt.Errorf("a loser got %w (%T), want a *es.ConflictError", err, err)
			}
			return wantConflict(err, conflict.Stream, es.Exactly(v), v+1)
		})
		if n := won.Load(); n != 1 {
			e.Fatalf("%d of 12 concurrent appends to the same three streams won, want 1", n)
		}
		for _, s := range names {
			if n := len(e.read(e.store, es.ReadQuery{Stream: s})); n != round+1 {
				e.Fatalf("after %d races, %s has %d events", round+1, s, n)
			}
		}
	}
}

func expectedAnyNeverConflicts(e *env) {
	stores := e.handles()
	any, exists := stream("any"), stream("exists")
	e.fill(exists, 1)
	const writers = 8
	each := some(20)
	e.concurrently(writers, func(i int) error {
		s := stores[i%len(stores)]
		for range each {
			r, err := s.Append(e.ctx, write(any, es.Any, e.events(2)...), write(exists, es.StreamExists, e.event()))
			if err != nil {
				return err
			}
			if got := r.Streams[0]; got.Last != got.First+1 {
				return fmt.Errorf("two events of one append were given versions %d to %d", got.First, got.Last)
			}
		}
		return nil
	})
	for s, want := range map[es.Stream]int{any: 2 * writers * each, exists: 1 + writers*each} {
		recs := e.read(e.store, es.ReadQuery{Stream: s})
		if len(recs) != want {
			e.Fatalf("%s has %d events, want %d", s, len(recs), want)
		}
		for i, rec := range recs {
			if rec.Version != es.Version(i+1) {
				e.Fatalf("event %d of %s has version %d", i+1, s, rec.Version)
			}
		}
	}
}
