package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var idempotencyClauses = []Clause{
	{
		Name: "Idempotency/Repeat",
		Promise: "Appending again what was appended is a success that says Duplicate and returns the original versions and positions, whatever is expected, " +
			"and also after others appended; nothing is written.",
		check: idempotencyRepeat,
	},
	{
		Name:    "Idempotency/PartOfAppends",
		Promise: "What is repeated need not be one whole append: any events that follow each other in the stream are a repeat, also across appends.",
		check:   idempotencyPart,
	},
	{
		Name:    "Idempotency/SeveralStreams",
		Promise: "An append to several streams is repeated as one, with the streams in any order; the receipt follows the order asked. Streams of separate appends may be repeated together.",
		check:   idempotencySeveralStreams,
	},
	{
		Name:    "Idempotency/Refused",
		Promise: "Only part of the ids present, another order, others in between, another type, schema version or data: *IdempotencyError with stream, event and its version, and nothing is written, whatever is expected.",
		check:   idempotencyRefused,
	},
	{
		Name:    "Idempotency/IDsArePerStream",
		Promise: "An event id identifies an event within its stream: another stream may have the same one, with other content.",
		check:   idempotencyPerStream,
	},
	{
		Name:     "Idempotency/Race",
		Promise:  "Of concurrent appends of the same events one writes, all others say Duplicate, and all return the same versions and positions; through one open store or several.",
		Unforced: "the moments inside the engine at which two would write.",
		check:    idempotencyRace,
	},
	{
		Name:    "Idempotency/AfterReopening",
		Promise: "A repeat is known as such after the store was closed and opened again.",
		check:   idempotencyAfterReopening,
	},
}

func expectations() []es.Expected {
	return []es.Expected{es.Any, es.NoStream, es.StreamExists, es.Exactly(1), es.Exactly(3), es.Exactly(99)}
}

// repeat appends what must be a duplicate, and checks the receipt.
func (e *env) repeat(s es.Store, want []es.Written, writes ...es.Write) {
	e.Helper()
	if err := repeated(s.Append(e.ctx, writes...))(want); err != nil {
		e.Fatalf("Append(%s) again: %v", describe(writes), err)
	}
}

// repeated tells what is wrong with the answer to a repeated append.
func repeated(r es.Receipt, err error) func(want []es.Written) error {
	return func(want []es.Written) error {
		switch {
		case err != nil:
			return fmt.Errorf("%w, want a Duplicate", err)
		case !r.Duplicate:
			return errors.New("does not say Duplicate")
		case !slices.Equal(r.Streams, want):
			return fmt.Errorf("receipt %+v, want that of the original %+v", r.Streams, want)
		}
		return nil
	}
}

func idempotencyRepeat(e *env) {
	a := stream("a")
	e.fill(a, 1)
	events := e.events(3)
	r := e.append(e.store, write(a, es.Exactly(1), events...))
	check := func(when string) {
		before := e.content(e.store, a)
		for _, expect := range expectations() {
			e.repeat(e.store, r.Streams, write(a, expect, events...))
			e.repeat(e.store, r.Streams, write(a, expect, events...))
		}
		other := slices.Clone(events)
		other[1].Meta = es.Metadata{Actor: "retry", CorrelationID: "another"}
		e.repeat(e.store, r.Streams, write(a, es.Any, other...))
		e.unchanged("repeated appends "+when, before)
	}
	check("at the end of the stream")
	e.fill(a, 2)
	e.fill(stream("b"), 2)
	check("after others appended")

	one := e.event()
	r1 := e.append(e.store, write(stream("single"), es.NoStream, one))
	e.repeat(e.store, r1.Streams, write(stream("single"), es.NoStream, one))
}

func idempotencyPart(e *env) {
	a := stream("a")
	events := slices.Concat(e.fill(a, 2), e.fill(a, 3), e.fill(a, 1))
	recs := e.read(e.store, es.ReadQuery{Stream: a})
	for from := range events {
		for to := from + 1; to <= len(events); to++ {
			want := []es.Written{{Stream: a, First: es.Version(from + 1), Last: es.Version(to), Position: recs[to-1].Position}}
			e.repeat(e.store, want, write(a, es.NoStream, events[from:to]...))
		}
	}
}

func idempotencySeveralStreams(e *env) {
	a, b := stream("a"), stream("b")
	wa, wb := write(a, es.NoStream, e.events(2)...), write(b, es.NoStream, e.events(1)...)
	r := e.append(e.store, wa, wb)
	e.fill(a, 1)
	wc := write(stream("c"), es.NoStream, e.events(2)...)
	rc := e.append(e.store, wc)
	before := e.content(e.store, a, b, wc.Stream)
	e.repeat(e.store, r.Streams, wa, wb)
	e.repeat(e.store, []es.Written{r.Streams[1], r.Streams[0]}, wb, wa)
	e.repeat(e.store, []es.Written{rc.Streams[0], r.Streams[0]}, wc, wa)
	e.repeat(e.store, r.Streams[1:], wb)
	e.unchanged("repeated appends to several streams", before)
}

func idempotencyRefused(e *env) {
	a, b := stream("a"), stream("b")
	old := slices.Concat(e.fill(a, 2), e.fill(a, 2)) // versions 1 to 4
	e.append(e.store, write(b, es.NoStream, e.events(1)...))
	with := func(i int, change func(*es.Event)) []es.Event {
		events := slices.Clone(old)
		change(&events[i])
		return events
	}
	fresh := e.event()
	cases := []struct {
		name   string
		events []es.Event
		at     es.Version // of the event that is the trouble; 0 if it can be told in several ways
	}{
		{"a new event after stored ones", append(slices.Clone(old), fresh), 0},
		{"a new event before stored ones", append([]es.Event{fresh}, old...), 0},
		{"a new event between stored ones", slices.Insert(slices.Clone(old), 2, fresh), 0},
		{"another order", []es.Event{old[1], old[0]}, 0},
		{"another order at the end", []es.Event{old[0], old[1], old[3], old[2]}, 0},
		{"one left out", []es.Event{old[0], old[2]}, 0},
		{"another type", with(1, func(ev *es.Event) { ev.Type = "storetest.other" }), 2},
		{"a type of other case", with(1, func(ev *es.Event) { ev.Type = "storetest.Happened" }), 2},
		{"another schema version", with(2, func(ev *es.Event) { ev.Schema = 2 }), 3},
		{"other data", with(0, func(ev *es.Event) { ev.Data = []byte(`{"n":-1}`) }), 1},
		{"data of other spelling", with(3, func(ev *es.Event) { ev.Data = append([]byte(" "), ev.Data...) }), 4},
		{"other data of one event alone", with(2, func(ev *es.Event) { ev.Data = []byte(`0`) })[2:3], 3},
	}
	stored := func(s es.Stream, id uuid.UUID) es.Version {
		i := slices.IndexFunc(old, func(ev es.Event) bool { return s == a && ev.ID == id })
		return es.Version(i + 1)
	}
	before := e.content(e.store, a, b, stream("new"))
	refused := func(name string, at es.Version, writes ...es.Write) {
		e.Helper()
		_, err := e.store.Append(e.ctx, writes...)
		var got *es.IdempotencyError
		if !errors.As(err, &got) || !errors.Is(err, es.ErrIdempotency) {
			e.Fatalf("Append of stored events with %s (%s): error %v (%T), want a *es.IdempotencyError", name, describe(writes), err, err)
		}
		named := slices.ContainsFunc(writes, func(w es.Write) bool {
			return w.Stream == got.Stream && slices.ContainsFunc(w.Events, func(ev es.Event) bool { return ev.ID == got.EventID })
		})
		if !named || got.Version != stored(got.Stream, got.EventID) || at > 0 && got.Version != at || got.Reason == "" {
			e.Fatalf("Append of stored events with %s: %+v, want the event that is the trouble, its stream, its version there, and a reason", name, *got)
		}
		e.unchanged("an append of stored events with "+name, before)
	}
	for _, c := range cases {
		for _, expect := range append(expectations(), es.Exactly(4)) {
			refused(c.name, c.at, write(a, expect, c.events...))
		}
		refused(c.name+" beside a new stream", 0, write(stream("new"), es.NoStream, e.event()), write(a, es.Any, c.events...))
	}
	refused("a stream that is new", 0, write(a, es.Any, old...), write(stream("new"), es.NoStream, e.event()))
	refused("a stream before that is new", 0, write(stream("new"), es.NoStream, e.event()), write(a, es.Any, old...))
	refused("new events of another stream", 0, write(b, es.Exactly(1), e.event()), write(a, es.Any, old...))
}

func idempotencyPerStream(e *env) {
	ev := e.event()
	other := ev
	other.Type, other.Data = "storetest.other", []byte(`"other"`)
	ra := e.append(e.store, write(stream("a"), es.NoStream, ev))
	rb := e.append(e.store, write(stream("b"), es.NoStream, other))
	rcd := e.append(e.store, write(stream("c"), es.NoStream, ev), write(es.Stream{Category: "other", ID: "c"}, es.NoStream, other))
	e.repeat(e.store, ra.Streams, write(stream("a"), es.Any, ev))
	e.repeat(e.store, rb.Streams, write(stream("b"), es.Any, other))
	e.repeat(e.store, rcd.Streams[:1], write(stream("c"), es.Any, ev))
	for id, want := range map[string]es.Event{"a": ev, "b": other, "c": ev} {
		if recs := e.read(e.store, es.ReadQuery{Stream: stream(id)}); len(recs) != 1 || diff(want, recs[0].Event) != "" {
			e.Fatalf("stream %s reads %+v, want %+v", id, recs, want)
		}
	}
}

func idempotencyRace(e *env) {
	stores := e.handles()
	for round := range some(10) {
		a, b := stream(fmt.Sprint("a-", round)), stream(fmt.Sprint("b-", round))
		writes := []es.Write{write(a, es.NoStream, e.events(2)...), write(b, es.Any, e.events(1)...)}
		var fresh atomic.Int64
		receipts := make([]es.Receipt, 12)
		e.concurrently(len(receipts), func(i int) error {
			mine := slices.Clone(writes)
			if i%2 == 1 {
				mine[0].Expect = es.Exactly(7) // the repeat's expectation plays no part, unless it comes first
			}
			r, err := stores[i%len(stores)].Append(e.ctx, mine...)
			if i%2 == 1 && errors.Is(err, es.ErrConflict) {
				return wantConflict(err, a, es.Exactly(7), 0)
			}
			if err != nil {
				return err
			}
			if !r.Duplicate {
				fresh.Add(1)
			}
			receipts[i] = r
			return nil
		})
		if n := fresh.Load(); n != 1 {
			e.Fatalf("of 12 concurrent appends of the same events %d were no Duplicate, want 1", n)
		}
		for i, r := range receipts {
			if r.Streams != nil && !slices.Equal(r.Streams, receipts[0].Streams) {
				e.Fatalf("concurrent appends of the same events returned %+v and %+v", receipts[0].Streams, receipts[i].Streams)
			}
		}
		if n := len(e.read(e.store, es.ReadQuery{Stream: a})); n != 2 {
			e.Fatalf("%d events are stored of 2 that were appended 12 times at once", n)
		}
	}
}

func idempotencyAfterReopening(e *env) {
	e.needPlace()
	a, b := stream("a"), stream("b")
	wa, wb := write(a, es.NoStream, e.events(3)...), write(b, es.NoStream, e.event())
	r := e.append(e.store, wa, wb)
	e.reopen()
	before := e.content(e.store, a, b)
	e.repeat(e.store, r.Streams, wa, wb)
	bad := write(a, es.Any, wa.Events[0], e.event())
	if _, err := e.store.Append(e.ctx, bad); !errors.Is(err, es.ErrIdempotency) {
		e.Fatalf("Append(%s), one of them stored before the store was closed: error %v, want a *es.IdempotencyError", describe([]es.Write{bad}), err)
	}
	e.unchanged("repeats after reopening", before)
}
