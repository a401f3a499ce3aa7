package storetest

import (
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

var appendClauses = []Clause{
	{
		Name: "Append/Receipt",
		Promise: "The events of an append take the next versions of their streams, without gaps, and positions above all earlier ones, increasing " +
			"in a stream. The receipt has one entry a write, in the order of the writes, and tells where the events are read.",
		check: appendReceipt,
	},
	{
		Name:    "Append/AllOrNothing",
		Promise: "If one stream of an append can't be written, whichever it is and for whatever reason, no stream is: no reader sees any event of it.",
		check:   appendAllOrNothing,
	},
	{
		Name:     "Append/AtomicToReaders",
		Promise:  "A reader of a stream sees all events of an append to it or none, also while other appends are under way.",
		Unforced: "the moments inside the engine at which a torn append would show.",
		check:    appendAtomicToReaders,
	},
	{
		Name:    "Append/AppendOnly",
		Promise: "Nothing that was stored changes: not by further appends, refused ones, repeated ones, snapshots or checkpoints.",
		check:   appendOnly,
	},
	{
		Name:    "Append/OwnMemory",
		Promise: "After Append returned nil, the caller may change the memory of what it appended; nothing stored changes with it. It never changes what the caller passed.",
		check:   appendOwnMemory,
	},
	{
		Name:     "Append/RecordedAt",
		Promise:  "Events are recorded at the store's clock, in UTC, with microseconds, the same for all readers, and never decreasing within a stream.",
		Unforced: "a clock that is set back between two appends.",
		check:    appendRecordedAt,
	},
	{
		Name:    "Append/StreamsApart",
		Promise: "Streams are told apart by category and id, byte for byte: the case of letters matters, and no pair of category and id is taken for another.",
		check:   appendStreamsApart,
	},
	{
		Name:    "Append/Limits",
		Promise: "The store takes as many events and streams in one append as its limits say. (Invalid/Table has one more.)",
		check:   appendLimits,
	},
}

func appendReceipt(e *env) {
	a, b := stream("a"), stream("b")
	var head es.Position
	versions := map[es.Stream]es.Version{}
	for round, counts := range [][2]int{{1, 3}, {2, 1}, {5, 5}} {
		writes := []es.Write{
			write(a, es.Exactly(versions[a]), e.events(counts[0])...),
			write(b, es.Exactly(versions[b]), e.events(counts[1])...),
		}
		if round == 1 {
			writes[0], writes[1] = writes[1], writes[0]
		}
		r := e.append(e.store, writes...)
		if len(r.Streams) != len(writes) {
			e.Fatalf("Append of %d writes: receipt has %d entries", len(writes), len(r.Streams))
		}
		lastHead := head
		for i, w := range writes {
			got := r.Streams[i]
			first := versions[w.Stream] + 1
			last := versions[w.Stream] + es.Version(len(w.Events))
			if got.Stream != w.Stream || got.First != first || got.Last != last {
				e.Fatalf("receipt entry %d is %+v, want %s from version %d to %d", i, got, w.Stream, first, last)
			}
			recs := e.read(e.store, es.ReadQuery{Stream: w.Stream, From: first})
			if len(recs) != len(w.Events) {
				e.Fatalf("read %d events of %s from version %d, appended %d", len(recs), w.Stream, first, len(w.Events))
			}
			at := lastHead
			for j, rec := range recs {
				want := es.Recorded{Event: w.Events[j], Stream: w.Stream, Version: first + es.Version(j), Position: rec.Position, RecordedAt: rec.RecordedAt}
				if d := diff(want, rec); d != "" {
					e.Fatalf("event %d of %s is not read as appended (-want +got):\n%s", j, w.Stream, d)
				}
				if rec.Position <= at {
					e.Fatalf("event %d of %s is at position %d, after one at %d", j, w.Stream, rec.Position, at)
				}
				at = rec.Position
			}
			if got.Position != at {
				e.Fatalf("receipt says that %s ends at position %d, it is read at %d", w.Stream, got.Position, at)
			}
			head = max(head, at)
			versions[w.Stream] = last
		}
	}
}

func appendAllOrNothing(e *env) {
	old, fresh1, fresh2 := stream("old"), stream("fresh1"), stream("fresh2")
	stored := e.fill(old, 2)
	before := e.content(e.store, old, fresh1, fresh2)

	reasons := []struct {
		name string
		bad  func() es.Write
		want error
	}{
		{"a conflict", func() es.Write { return write(old, es.Exactly(1), e.events(2)...) }, es.ErrConflict},
		{"an id used before", func() es.Write { return write(old, es.Any, stored[1], e.event()) }, es.ErrIdempotency},
		{"a repeated write beside new ones", func() es.Write { return write(old, es.Any, stored...) }, es.ErrIdempotency},
		{"an invalid event", func() es.Write {
			bad := e.event()
			bad.Data = []byte(`{`)
			return write(old, es.Exactly(2), e.event(), bad)
		}, es.ErrInvalidData},
	}
	for _, reason := range reasons {
		for at := range 3 {
			writes := []es.Write{write(fresh1, es.NoStream, e.events(2)...), write(fresh2, es.Any, e.event())}
			writes = append(writes[:at], append([]es.Write{reason.bad()}, writes[at:]...)...)
			what := fmt.Sprintf("an append of three writes whose write %d has %s", at, reason.name)
			if _, err := e.store.Append(e.ctx, writes...); !errors.Is(err, reason.want) {
				e.Fatalf("%s: error %v, want one that is %q", what, err, reason.want)
			}
			e.unchanged(what, before)
		}
	}
}

func appendAtomicToReaders(e *env) {
	const size = 5
	stores := e.handles()
	rounds := some(40)
	e.concurrently(2*len(stores), func(i int) error {
		s := stores[i/2]
		if i%2 == 0 {
			for range rounds {
				if _, err := s.Append(e.ctx, write(stream("a"), es.Any, e.events(size)...), write(stream("b"), es.Any, e.events(size)...)); err != nil {
					return err
				}
			}
			return nil
		}
		for range rounds {
			for _, id := range []string{"a", "b"} {
				recs, err := collect(s.Read(e.ctx, es.ReadQuery{Stream: stream(id)}))
				if err != nil && !errors.Is(err, es.ErrNotFound) {
					return err
				}
				rows, err := load(e.ctx, s, es.LoadQuery{Stream: stream(id)})
				if err != nil {
					return err
				}
				if len(recs)%size != 0 || len(rows)%size != 0 {
					return fmt.Errorf("a reader saw %d and loaded %d events of a stream that is appended to by %d at once", len(recs), len(rows), size)
				}
			}
		}
		return nil
	})
}

func appendOnly(e *env) {
	a, b := stream("a"), stream("b")
	first := e.fill(a, 3)
	e.fill(b, 2)
	before := e.content(e.store, a, b)

	changed := first[0]
	changed.Data = []byte(`"changed"`)
	if _, err := e.store.Append(e.ctx, write(a, es.Any, changed)); !errors.Is(err, es.ErrIdempotency) {
		e.Fatalf("Append of an event that is stored with other data: error %v, want a *es.IdempotencyError", err)
	}
	if _, err := e.store.Append(e.ctx, write(a, es.Exactly(1), e.event())); !errors.Is(err, es.ErrConflict) {
		e.Fatalf("Append to %s expecting version 1, at version 3: error %v, want a *es.ConflictError", a, err)
	}
	again := first[0]
	again.Meta.Actor = "somebody else"
	if _, err := e.store.Append(e.ctx, write(a, es.Any, again)); err != nil {
		e.Fatalf("Append of an event that is stored with other metadata: %v", err)
	}
	if err := e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: a, Version: 2, Fingerprint: "f", Data: []byte("{}")}); err != nil {
		e.Fatalf("SaveSnapshot: %v", err)
	}
	if c, ok := es.Capability[es.Checkpoints](e.store); ok {
		if err := c.SaveCheckpoint(e.ctx, "reader", before.Streams[a][1].Position); err != nil {
			e.Fatalf("SaveCheckpoint: %v", err)
		}
	}
	e.unchanged("refused and repeated appends, a snapshot and a checkpoint", before)

	e.fill(a, 2)
	e.fill(stream("c"), 1)
	after := e.content(e.store, a, b)
	if d := diff(before.Streams[a], after.Streams[a][:min(3, len(after.Streams[a]))]); d != "" {
		e.Fatalf("further appends changed what was stored (-before +after):\n%s", d)
	}
	if before.Feed != nil {
		if d := diff(before.Feed, after.Feed[:min(5, len(after.Feed))]); d != "" {
			e.Fatalf("further appends changed the beginning of the feed (-before +after):\n%s", d)
		}
	}
}

func appendOwnMemory(e *env) {
	a := stream("a")
	ev := e.event()
	ev.Meta = es.Metadata{Actor: "alice", Keys: map[string]string{"k": "v"}}
	data := string(ev.Data)
	events := []es.Event{ev, e.event()}
	writes := []es.Write{write(a, es.NoStream, events...)}
	e.append(e.store, writes...)
	if string(ev.Data) != data || len(ev.Meta.Keys) != 1 || ev.Meta.Keys["k"] != "v" || writes[0].Events[0].ID != ev.ID {
		e.Fatal("Append changed what it was given")
	}
	before := e.content(e.store, a)
	for i := range ev.Data {
		ev.Data[i] = 'x'
	}
	ev.Meta.Keys["k"] = "changed"
	ev.Meta.Keys["new"] = "key"
	clear(events)
	clear(writes)
	e.unchanged("changing the memory of appended events", before)

	// And back: what one reader got is no other's.
	for _, recs := range [][]es.Recorded{e.read(e.store, es.ReadQuery{Stream: a}), e.feed(e.store)} {
		for _, rec := range recs {
			clear(rec.Data)
			if rec.Meta.Keys != nil {
				rec.Meta.Keys["k"] = "changed"
			}
		}
	}
	for row, err := range e.store.Load(e.ctx, es.LoadQuery{Stream: a}) {
		if err != nil {
			e.Fatal(err)
		}
		clear(row.Data)
	}
	e.unchanged("changing the memory of what was read", before)
}

func appendRecordedAt(e *env) {
	a := stream("a")
	for range 20 {
		e.fill(a, 1)
		e.fill(stream("b"), 2)
	}
	recs := e.read(e.store, es.ReadQuery{Stream: a})
	for i, rec := range recs {
		at := rec.RecordedAt
		if at.IsZero() || at.Location().String() != "UTC" || at.Nanosecond()%1000 != 0 {
			e.Fatalf("event %d of %s was recorded at %v, want UTC in whole microseconds", i, a, at)
		}
		if i > 0 && at.Before(recs[i-1].RecordedAt) {
			e.Fatalf("event %d of %s was recorded at %v, before the one before it at %v", i, a, at, recs[i-1].RecordedAt)
		}
	}
	again := e.read(e.store, es.ReadQuery{Stream: a, Backwards: true})
	for i, rec := range recs {
		if !rec.RecordedAt.Equal(again[len(recs)-1-i].RecordedAt) {
			e.Fatalf("event %d of %s was recorded at %v and, read backwards, at %v", i, a, rec.RecordedAt, again[len(recs)-1-i].RecordedAt)
		}
	}
	for _, rec := range e.feed(e.store) {
		if rec.Stream == a && !rec.RecordedAt.Equal(recs[rec.Version-1].RecordedAt) {
			e.Fatalf("event %d of %s was recorded at %v and, in the feed, at %v", rec.Version, a, recs[rec.Version-1].RecordedAt, rec.RecordedAt)
		}
	}
}

func appendStreamsApart(e *env) {
	streams := []es.Stream{
		{Category: "a", ID: "b-c"}, {Category: "a", ID: "b"}, {Category: "a", ID: "B"}, {Category: "a_b", ID: "c"}, {Category: "a", ID: "b_c"},
		{Category: "ab", ID: "c"}, {Category: "a", ID: "bc"}, {Category: "a", ID: "-b"}, {Category: "a", ID: "b-"}, {Category: "1", ID: "1"},
		{Category: "1", ID: "01"}, {Category: "1", ID: "1+0"}, {Category: "1", ID: "1:0"}, {Category: "a", ID: "="}, {Category: "a", ID: "@"}, {Category: "a", ID: "_"},
		{Category: "a", ID: "AbC"}, {Category: "a", ID: "aBc"},
	}
	want := map[es.Stream]es.Event{}
	for _, s := range streams {
		ev := e.event()
		e.append(e.store, write(s, es.NoStream, ev))
		want[s] = ev
	}
	for _, s := range streams {
		recs := e.read(e.store, es.ReadQuery{Stream: s})
		if len(recs) != 1 || recs[0].ID != want[s].ID || recs[0].Stream != s {
			e.Fatalf("stream %s: read %+v, want the one event that was appended to it", s, recs)
		}
		rows := e.load(e.store, es.LoadQuery{Stream: s})
		if len(rows) != 1 || string(rows[0].Data) != string(want[s].Data) {
			e.Fatalf("stream %s: loaded %+v, want the one event that was appended to it", s, rows)
		}
	}
}

func appendLimits(e *env) {
	limits := e.store.Limits()
	if limits.EventBytes < 1<<20 || limits.MetadataBytes < 1 || limits.Events < 1 || limits.Streams < 1 {
		e.Fatalf("Limits() = %+v: none may be below 1, and EventBytes not below 1 MiB", limits)
	}
	if limits.Events > 10_000 || limits.Streams > 10_000 {
		e.Logf("Limits() = %+v: not tried above 10,000", limits)
	}
	n := min(limits.Events, 10_000)
	r := e.append(e.store, write(stream("many"), es.NoStream, e.events(n)...))
	if r.Streams[0].Last != es.Version(n) {
		e.Fatalf("Append of %d events ended at version %d", n, r.Streams[0].Last)
	}
	if got := len(e.load(e.store, es.LoadQuery{Stream: stream("many")})); got != n {
		e.Fatalf("loaded %d of %d events of one append", got, n)
	}
	var writes []es.Write
	for i := range min(limits.Streams, limits.Events, 10_000) {
		writes = append(writes, write(stream(fmt.Sprintf("one-of-many-%d", i)), es.NoStream, e.event()))
	}
	r = e.append(e.store, writes...)
	for i, w := range writes {
		if got := r.Streams[i]; got.Stream != w.Stream || got.First != 1 || got.Last != 1 {
			e.Fatalf("Append to %d streams: receipt entry %d is %+v, want %s at version 1", len(writes), i, got, w.Stream)
		}
	}
}
