package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
)

var parkingClauses = []Clause{
	{
		Name:    "Parked/Keeps",
		Promise: "What is parked is listed by the subscription's name, in the byte order of categories and ids, after a stream and up to a limit, as it was recorded last, with the store's time of that in UTC, until it is taken up again.",
		check:   parkedKeeps,
	},
	{
		Name:    "Parked/Decide",
		Promise: "A verdict is noted on the parked event that it names; where its stream is not parked at that version the error is es.ErrNotParked. A verdict that is none is refused with es.ErrInvalidName.",
		check:   parkedDecide,
	},
	{
		Name:    "Parked/AfterReopening",
		Promise: "What is parked and what was decided is there after the store was closed and opened again.",
		check:   parkedAfterReopening,
	},
	{
		Name:    "Parked/Tried",
		Promise: "Progress that names a parked event as tried is recorded if the stream is parked at that version after as many attempts, and else refused with a *FencedError that has the name and the stream; nothing of it is recorded then. So of several that tried it at once, also through several open stores, one records what came of it.",
		check:   parkedTried,
	},
	{
		Name:    "Parked/Verdict",
		Promise: "A verdict that is given while the parked event is tried stays if it is parked again at that version; the verdict that it was tried for does not, nor one that is given on an event which was handled.",
		check:   parkedVerdict,
	},
}

func (e *env) parkedBy(p es.Parking, name string) []es.Parked {
	e.Helper()
	all, err := p.Parked(e.ctx, es.ParkedQuery{Name: name})
	if err != nil {
		e.Fatalf("Parked(%q): %v", name, err)
	}
	return all
}

func parkedKeeps(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	at := e.positions(2)
	park := func(s es.Stream, attempts int, text string) es.Parked {
		return es.Parked{Stream: s, Version: 2, Position: at[1], Attempts: attempts, Error: text}
	}
	streams := []es.Stream{{Category: "b", ID: "1"}, {Category: "a", ID: "a"}, {Category: "a", ID: "B"}, {Category: "a", ID: "-"}, {Category: "a_b", ID: "1"}}
	for i, s := range streams {
		e.record(t, es.Progress{Name: "reader", Park: []es.Parked{park(s, i, "first")}})
	}
	e.record(t, es.Progress{Name: "other", Park: []es.Parked{park(streams[0], 9, "other")}})
	again := park(streams[1], 7, "second: é 𝄞 \"'\\\n")
	again.Version, again.Verdict = 3, es.Retry
	e.record(t, es.Progress{Name: "reader", To: at[0], Park: []es.Parked{again}, Unpark: []es.Stream{streams[4]}})
	want := []es.Parked{park(streams[3], 3, "first"), park(streams[2], 2, "first"), again, park(streams[0], 0, "first")}
	same := func(got, want []es.Parked) bool {
		return slices.EqualFunc(got, want, func(a, b es.Parked) bool {
			timed := a.At.Location() == time.UTC && time.Since(a.At).Abs() < time.Hour
			a.At = b.At
			return timed && a == b
		})
	}
	if got := e.parkedBy(p, "reader"); !same(got, want) {
		e.Fatalf("parked is\n%+v, want\n%+v", got, want)
	}
	for i := range want {
		for limit := 1; limit <= len(want); limit++ {
			q := es.ParkedQuery{Name: "reader", Limit: limit}
			if i > 0 {
				q.After = want[i-1].Stream
			}
			got, err := p.Parked(e.ctx, q)
			if err != nil || !same(got, want[i:min(i+limit, len(want))]) {
				e.Fatalf("Parked(%+v): %+v, %v", q, got, err)
			}
		}
	}
	e.record(t, es.Progress{Name: "reader", From: at[0], To: at[0], Unpark: streams})
	if got := e.parkedBy(p, "reader"); len(got) > 0 {
		e.Fatalf("after all was taken up again, parked is %+v", got)
	}
	if got := e.parkedBy(p, "other"); len(got) != 1 || got[0].Attempts != 9 {
		e.Fatalf("another subscription has parked %+v", got)
	}
}

func parkedDecide(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	e.positions(2)
	a := stream("a")
	e.record(t, es.Progress{Name: "reader", Park: []es.Parked{{Stream: a, Version: 2, Attempts: 1}, {Stream: stream("b"), Version: 1}}})
	for _, c := range []struct {
		name    string
		stream  es.Stream
		version es.Version
		verdict es.Verdict
		want    error
	}{
		{"reader", a, 1, es.Retry, es.ErrNotParked},
		{"reader", a, 3, es.Retry, es.ErrNotParked},
		{"reader", stream("c"), 2, es.Retry, es.ErrNotParked},
		{"other", a, 2, es.Retry, es.ErrNotParked},
		{"reader", a, 2, es.Undecided, es.ErrInvalidName},
		{"reader", a, 2, "perhaps", es.ErrInvalidName},
		{"", a, 2, es.Retry, es.ErrInvalidName},
		{"reader", es.Stream{}, 2, es.Retry, es.ErrInvalidStream},
		{"reader", a, 2, es.Retry, nil},
		{"reader", a, 2, es.Skip, nil},
	} {
		if err := p.Decide(e.ctx, c.name, c.stream, c.version, c.verdict); !errors.Is(err, c.want) {
			e.Fatalf("Decide(%q, %s, %d, %q): %v, want %v", c.name, c.stream, c.version, c.verdict, err, c.want)
		}
	}
	if all := e.parkedBy(p, "reader"); len(all) != 2 || all[0].Verdict != es.Skip || all[1].Verdict != es.Undecided {
		e.Fatalf("parked is %+v, want a verdict on the first alone", all)
	}
}

func parkedTried(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	stores := e.handles()
	at := e.positions(3)
	a := es.Parked{Stream: stream("a"), Version: 2, Position: at[1], Attempts: 3, Error: "e"}
	b := es.Parked{Stream: stream("b"), Version: 2, Position: at[1]}
	e.record(t, es.Progress{Name: "reader", To: at[1], Park: []es.Parked{a}})
	refused := func(tried es.Parked) {
		e.Helper()
		err := t.Record(e.ctx, es.Progress{Name: "reader", From: at[1], To: at[2], Park: []es.Parked{b}, Tried: []es.Parked{tried}})
		if fenced, ok := errors.AsType[*es.FencedError](err); !ok || !errors.Is(err, es.ErrFenced) || *fenced != (es.FencedError{Name: "reader", Partition: -1, Stream: tried.Stream}) {
			e.Fatalf("Record of what came of %+v: %v, want a *es.FencedError with its stream", tried, err)
		}
		e.wantCheckpoint(t, "reader", at[1])
		if all := e.parkedBy(p, "reader"); len(all) != 1 || all[0].Attempts != a.Attempts {
			e.Fatalf("after progress that was refused, parked is %+v, want %+v", all, a)
		}
	}
	for _, other := range []es.Parked{
		{Stream: a.Stream, Version: 1, Attempts: 3}, {Stream: a.Stream, Version: 3, Attempts: 3},
		{Stream: a.Stream, Version: 2, Attempts: 2}, {Stream: a.Stream, Version: 2, Attempts: 4}, b,
	} {
		refused(other)
	}
	for range some(10) {
		var won atomic.Int32
		next := a
		next.Attempts++
		e.concurrently(4, func(i int) error {
			t, _ := es.Capability[es.Tracker](stores[i%len(stores)])
			err := t.Record(e.ctx, es.Progress{Name: "reader", From: at[1], To: at[1], Park: []es.Parked{next}, Tried: []es.Parked{a}})
			if err == nil {
				won.Add(1)
			} else if _, fenced := errors.AsType[*es.FencedError](err); !fenced {
				return fmt.Errorf("an attempt that lost: %w, want a *es.FencedError", err)
			}
			return nil
		})
		if won.Load() != 1 {
			e.Fatalf("what came of one attempt was recorded %d times by 4 at once, want once", won.Load())
		}
		a = next
	}
	e.record(t, es.Progress{Name: "reader", From: at[1], To: at[1], Unpark: []es.Stream{a.Stream}, Tried: []es.Parked{a}})
	if all := e.parkedBy(p, "reader"); len(all) != 0 {
		e.Fatalf("after all was taken up again, parked is %+v", all)
	}
}

func parkedVerdict(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	e.positions(3)
	for _, c := range []struct {
		found, given es.Verdict
		next         es.Version
		want         es.Verdict
	}{
		{es.Undecided, es.Skip, 2, es.Skip},
		{es.Undecided, es.Retry, 2, es.Retry},
		{es.Retry, es.Skip, 2, es.Skip},
		{es.Retry, es.Retry, 2, es.Undecided},
		{es.Undecided, es.Undecided, 2, es.Undecided},
		{es.Undecided, es.Skip, 3, es.Undecided},
	} {
		found := es.Parked{Stream: stream("a"), Version: 2, Attempts: 1, Verdict: c.found}
		e.record(t, es.Progress{Name: "reader", Unpark: []es.Stream{found.Stream}})
		e.record(t, es.Progress{Name: "reader", Park: []es.Parked{found}})
		if c.given != es.Undecided {
			if err := p.Decide(e.ctx, "reader", found.Stream, 2, c.given); err != nil {
				e.Fatalf("Decide: %v", err)
			}
		}
		e.record(t, es.Progress{Name: "reader", Tried: []es.Parked{found}, Park: []es.Parked{{Stream: found.Stream, Version: c.next, Attempts: 2}}})
		if all := e.parkedBy(p, "reader"); len(all) != 1 || all[0].Verdict != c.want || all[0].Attempts != 2 {
			e.Fatalf("tried with verdict %q, given %q meanwhile, and parked again at version %d: parked is %+v, want verdict %q", c.found, c.given, c.next, all, c.want)
		}
	}
}

func parkedAfterReopening(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	e.needPlace()
	e.positions(2)
	e.record(t, es.Progress{Name: "reader", Park: []es.Parked{{Stream: stream("a"), Version: 2, Attempts: 4, Error: "e"}}})
	if err := p.Decide(e.ctx, "reader", stream("a"), 2, es.Retry); err != nil {
		e.Fatalf("Decide: %v", err)
	}
	before := e.parkedBy(p, "reader")
	e.reopen()
	if after := e.parkedBy(capability[es.Parking](e, e.store), "reader"); diff(before, after) != "" {
		e.Fatalf("after reopening, what is parked is not as it was (-before +after):\n%s", diff(before, after))
	}
}
