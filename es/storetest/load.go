package storetest

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var loadClauses = []Clause{
	{
		Name:    "Load/Events",
		Promise: "A load yields version, type, schema version and data of the stream's events in order, up to a version where one is named; of a stream that does not exist, nothing and no error.",
		check:   loadEvents,
	},
	{
		Name:    "Load/Snapshot",
		Promise: "A load yields the newest snapshot of the fingerprint asked for first, marked by no type and schema version 0, then the events after it. Without a fingerprint, or as of a time, it yields no snapshot, and never one later than UpTo.",
		check:   loadSnapshot,
	},
	{
		Name:     "Load/AsOf",
		Promise:  "As of a time, a load yields the events recorded up to then, inclusive: a prefix of the stream.",
		Unforced: "two events that were recorded at different times, if the clock is too coarse.",
		check:    loadAsOf,
	},
	{
		Name:    "Load/Unless",
		Promise: "If the stream has the event that Unless names, wherever, a load yields es.ErrAlreadyAppended and no rows; if it has not, or only another stream has, nothing changes.",
		check:   loadUnless,
	},
	{
		Name:     "Load/OwnBuffers",
		Promise:  "A row's data stay as they are until that loop's next turn, whatever other loops do.",
		Unforced: "that nobody uses a row's data later: the store may then have overwritten them.",
		check:    loadOwnBuffers,
	},
}

// rowsOf returns what a load without snapshot should yield of events from a version on.
func rowsOf(events []es.Event, from es.Version) []es.Row {
	var rows []es.Row
	for i, ev := range events[from-1:] {
		rows = append(rows, es.Row{Version: from + es.Version(i), Type: ev.Type, Schema: ev.Schema, Data: ev.Data})
	}
	return rows
}

// mixed appends n events of several types and schema versions, in several appends.
func (e *env) mixed(s es.Stream, n int) []es.Event {
	e.Helper()
	var events []es.Event
	for i := range n {
		ev := e.event()
		ev.Type, ev.Schema = fmt.Sprint("storetest.type", i%3), 1+i%2
		e.append(e.store, write(s, es.Any, ev))
		events = append(events, ev)
	}
	return events
}

func (e *env) wantRows(q es.LoadQuery, want []es.Row) {
	e.Helper()
	if d := diff(want, e.load(e.store, q)); d != "" {
		e.Fatalf("Load(%+v) (-want +got):\n%s", q, d)
	}
}

func loadEvents(e *env) {
	a := stream("a")
	events := e.mixed(a, 7)
	e.mixed(stream("b"), 3)
	e.wantRows(es.LoadQuery{Stream: a}, rowsOf(events, 1))
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "none such"}, rowsOf(events, 1))
	for to := es.Version(1); to < 9; to++ {
		e.wantRows(es.LoadQuery{Stream: a, UpTo: to}, rowsOf(events[:min(to, 7)], 1))
	}
	missing := stream("missing")
	for _, q := range []es.LoadQuery{{Stream: missing}, {Stream: missing, Fingerprint: "f"}, {Stream: missing, Unless: es.NewID(), UpTo: 3}, {Stream: missing, AsOf: time.Now()}} {
		e.wantRows(q, nil)
	}
}

func (e *env) saveSnapshot(s es.Stream, v es.Version, fingerprint, data string) {
	e.Helper()
	if err := e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: s, Version: v, Fingerprint: fingerprint, Data: []byte(data)}); err != nil {
		e.Fatalf("SaveSnapshot of %s at version %d: %v", s, v, err)
	}
}

func loadSnapshot(e *env) {
	a := stream("a")
	events := e.mixed(a, 7)
	after := func(v es.Version, data string, last es.Version) []es.Row {
		return append([]es.Row{{Version: v, Data: []byte(data)}}, rowsOf(events[:last], v+1)...)
	}
	e.mixed(stream("b"), 6)
	e.saveSnapshot(stream("b"), 6, "f", `"b"`)
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f"}, rowsOf(events, 1))

	e.saveSnapshot(a, 4, "f", `"four"`)
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f"}, after(4, `"four"`, 7))
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "F"}, rowsOf(events, 1))
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f2"}, rowsOf(events, 1))
	e.wantRows(es.LoadQuery{Stream: a}, rowsOf(events, 1))
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f", AsOf: time.Now().Add(time.Hour)}, rowsOf(events, 1))
	for to := es.Version(1); to < 4; to++ {
		e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f", UpTo: to}, rowsOf(events[:to], 1))
	}
	for to := es.Version(4); to < 9; to++ {
		e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f", UpTo: to}, after(4, `"four"`, min(to, 7)))
	}

	e.saveSnapshot(a, 7, "f", `"seven"`)
	e.saveSnapshot(a, 2, "g", `"two"`)
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f"}, after(7, `"seven"`, 7))
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "g"}, after(2, `"two"`, 7))

	// With an older snapshot the store may begin at it, if it keeps it, or at the first event.
	q := es.LoadQuery{Stream: a, Fingerprint: "f", UpTo: 5}
	rows := e.load(e.store, q)
	if diff(after(4, `"four"`, 5), rows) != "" && diff(rowsOf(events[:5], 1), rows) != "" {
		e.Fatalf("Load(%+v) with snapshots at 4 and 7: %+v", q, rows)
	}
}

func loadAsOf(e *env) {
	a := stream("a")
	events := e.mixed(a, 8)
	e.saveSnapshot(a, 2, "f", `"two"`)
	recs := e.read(e.store, es.ReadQuery{Stream: a})
	upTo := func(at time.Time) (n int) {
		for n < len(recs) && !recs[n].RecordedAt.After(at) {
			n++
		}
		return n
	}
	elsewhere := time.FixedZone("elsewhere", 5*3600)
	for _, rec := range recs {
		for _, at := range []time.Time{rec.RecordedAt, rec.RecordedAt.In(elsewhere), rec.RecordedAt.Add(-time.Microsecond), rec.RecordedAt.Add(time.Nanosecond), rec.RecordedAt.Add(-time.Nanosecond)} {
			n := upTo(at)
			e.wantRows(es.LoadQuery{Stream: a, AsOf: at, Fingerprint: "f"}, rowsOf(events[:n], 1))
			e.wantRows(es.LoadQuery{Stream: a, AsOf: at, UpTo: 3}, rowsOf(events[:min(n, 3)], 1))
		}
	}
	e.wantRows(es.LoadQuery{Stream: a, AsOf: recs[0].RecordedAt.Add(-time.Hour)}, nil)
	e.wantRows(es.LoadQuery{Stream: a, AsOf: time.Unix(0, 1)}, nil)
	e.wantRows(es.LoadQuery{Stream: a, AsOf: recs[7].RecordedAt.Add(time.Hour)}, rowsOf(events, 1))
}

func loadUnless(e *env) {
	a := stream("a")
	events := e.mixed(a, 5)
	other := e.mixed(stream("b"), 1)[0]
	e.saveSnapshot(a, 4, "f", `"four"`)
	for _, ev := range events {
		for _, q := range []es.LoadQuery{{Stream: a}, {Stream: a, Fingerprint: "f"}, {Stream: a, UpTo: 2}, {Stream: a, AsOf: time.Now().Add(-time.Hour)}} {
			q.Unless = ev.ID
			if rows, err := load(e.ctx, e.store, q); len(rows) > 0 || !errors.Is(err, es.ErrAlreadyAppended) {
				e.Fatalf("Load(%+v) of a stream that has the event: %d rows, error %v, want none and es.ErrAlreadyAppended", q, len(rows), err)
			}
		}
	}
	for _, id := range []uuid.UUID{uuid.Nil, es.NewID(), other.ID} {
		e.wantRows(es.LoadQuery{Stream: a, Unless: id}, rowsOf(events, 1))
		e.wantRows(es.LoadQuery{Stream: a, Unless: id, UpTo: 3}, rowsOf(events[:3], 1))
		e.wantRows(es.LoadQuery{Stream: a, Unless: id, Fingerprint: "f"}, append([]es.Row{{Version: 4, Data: []byte(`"four"`)}}, rowsOf(events, 5)...))
	}
}

func loadOwnBuffers(e *env) {
	names := []es.Stream{stream("a"), stream("b"), stream("c")}
	var events [3][]es.Event
	var next [3]func() (es.Row, error, bool)
	for i, s := range names {
		events[i] = e.mixed(s, 20)
		n, stop := iter.Pull2(e.store.Load(e.ctx, es.LoadQuery{Stream: s}))
		defer stop()
		next[i] = n
	}
	for turn := range 20 {
		var rows [3]es.Row
		for i := range next {
			row, err, ok := next[i]()
			if err != nil || !ok {
				e.Fatalf("Load of %s, turn %d: error %v, more rows: %t", names[i], turn, err, ok)
			}
			rows[i] = row
		}
		e.load(e.store, es.LoadQuery{Stream: names[turn%3]})
		for i, row := range rows {
			if string(row.Data) != string(events[i][turn].Data) {
				e.Fatalf("Load of %s: data of row %d became %q while other loops ran, want %q", names[i], turn, row.Data, events[i][turn].Data)
			}
		}
	}
}
