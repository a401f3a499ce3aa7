package storetest

import (
	"errors"
	"slices"

	"github.com/esgen-go/esgen/es"
)

var readClauses = []Clause{
	{
		Name:    "Read/Ranges",
		Promise: "A read yields the stream's events from a version on, forwards or backwards, at most so many as asked; a range without events yields nothing.",
		check:   readRanges,
	},
	{
		Name:    "Read/MissingStream",
		Promise: "A stream that does not exist yields es.ErrNotFound and nothing else, whatever the range.",
		check:   readMissing,
	},
	{
		Name:    "Read/LongStream",
		Promise: "A long stream is read whole and in order, forwards, backwards and from its middle, whatever the pages that the store reads it in.",
		check:   readLong,
	},
}

func readRanges(e *env) {
	a, b := stream("a"), stream("b")
	for range 4 {
		e.fill(a, 2)
		e.fill(b, 1)
	}
	all := e.read(e.store, es.ReadQuery{Stream: a})
	if len(all) != 8 {
		e.Fatalf("read %d events of 8", len(all))
	}
	for _, from := range []es.Version{0, 1, 2, 5, 7, 8, 9, 100} {
		for _, limit := range []int{0, 1, 3, 8, 9} {
			for _, backwards := range []bool{false, true} {
				q := es.ReadQuery{Stream: a, From: from, Limit: limit, Backwards: backwards}
				want := slices.Clone(all)
				if backwards {
					if from > 0 {
						want = want[:min(int(from), len(want))]
					}
					slices.Reverse(want)
				} else {
					want = want[min(max(int(from)-1, 0), len(want)):]
				}
				if limit > 0 {
					want = want[:min(limit, len(want))]
				}
				got, err := collect(e.store.Read(e.ctx, q))
				if err != nil {
					e.Fatalf("Read(%+v): %v", q, err)
				}
				if d := diff(want, got); d != "" {
					e.Fatalf("Read(%+v) is not the range asked for (-want +got):\n%s", q, d)
				}
			}
		}
	}
}

func readMissing(e *env) {
	e.fill(stream("there"), 2)
	for _, s := range []es.Stream{stream("missing"), stream("ther"), stream("there2"), {Category: "other", ID: "there"}} {
		for _, q := range []es.ReadQuery{{Stream: s}, {Stream: s, From: 5}, {Stream: s, Backwards: true, Limit: 1}} {
			if recs, err := collect(e.store.Read(e.ctx, q)); !errors.Is(err, es.ErrNotFound) || len(recs) > 0 {
				e.Fatalf("Read(%+v): %d events and error %v, want none and es.ErrNotFound", q, len(recs), err)
			}
		}
	}
}

func readLong(e *env) {
	a := stream("a")
	n := some(3000)
	var events []es.Event
	for len(events) < n {
		events = append(events, e.fill(a, min(700, n-len(events)))...)
		e.fill(stream("b"), 30)
	}
	check := func(q es.ReadQuery, want []es.Event) {
		e.Helper()
		i := 0
		for rec, err := range e.store.Read(e.ctx, q) {
			if err != nil {
				e.Fatalf("Read(%+v) of %d events: %v", q, n, err)
			}
			if i == len(want) || rec.ID != want[i].ID || events[rec.Version-1].ID != rec.ID {
				e.Fatalf("Read(%+v) of %d events: event %d of the loop is not the right one: version %d", q, n, i, rec.Version)
			}
			i++
		}
		if i != len(want) {
			e.Fatalf("Read(%+v) of %d events: %d, want %d", q, n, i, len(want))
		}
	}
	check(es.ReadQuery{Stream: a}, events)
	check(es.ReadQuery{Stream: a, From: es.Version(n / 3), Limit: n / 2}, events[n/3-1:][:n/2])
	back := slices.Clone(events)
	slices.Reverse(back)
	check(es.ReadQuery{Stream: a, Backwards: true}, back)
	check(es.ReadQuery{Stream: a, Backwards: true, From: es.Version(n - 1), Limit: n / 2}, back[1:][:n/2])

	i := 0
	for row, err := range e.store.Load(e.ctx, es.LoadQuery{Stream: a}) {
		if err != nil {
			e.Fatalf("Load of %d events: %v", n, err)
		}
		if i == n || row.Version != es.Version(i+1) || string(row.Data) != string(events[i].Data) {
			e.Fatalf("Load of %d events: row %d is version %d with %s", n, i, row.Version, row.Data)
		}
		i++
	}
	if i != n {
		e.Fatalf("Load of %d events: %d rows", n, i)
	}
}
