package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/es"
)

var modelClauses = []Clause{
	{
		Name: "Model/RandomCalls",
		Promise: "Any sequence of calls, one after the other, through any of the open stores at a place and over reopenings, answers as a simple model does. " +
			"(Flags of pgregory.net/rapid set how many: -rapid.checks, -rapid.steps.)",
		check: modelRandomCalls,
	},
}

// model is what a store holds, in its plainest form.
type model struct {
	streams     map[es.Stream][]es.Recorded
	feed        []es.Recorded
	snapshots   map[modelKey]es.Snapshot
	checkpoints map[string]es.Position
}

type modelKey struct {
	stream      es.Stream
	fingerprint string
}

// modelRun is one random sequence on one store.
type modelRun struct {
	*env
	rt     *rapid.T
	m      model
	stores []es.Store
	serial int
}

func modelRandomCalls(e *env) {
	rapid.Check(e, func(rt *rapid.T) {
		ctx, cancel := context.WithTimeout(e.TB.Context(), e.harness.hangsAfter()) // of each sequence: there are a hundred
		defer cancel()
		run := &modelRun{
			env: &env{TB: rapidTB{e.TB, rt}, ctx: ctx, harness: e.harness, place: e.place},
			rt:  rt,
			m:   model{map[es.Stream][]es.Recorded{}, nil, map[modelKey]es.Snapshot{}, map[string]es.Position{}},
		}
		if e.harness.Place != nil {
			run.place = e.harness.Place(e)
		}
		run.store = run.open()
		run.stores = run.handles()
		defer func() {
			for _, s := range run.stores {
				_ = closeStore(s)
			}
		}()
		actions := map[string]func(*rapid.T){
			"append":   func(*rapid.T) { run.appends() },
			"append 2": func(*rapid.T) { run.appends() },
			"append 3": func(*rapid.T) { run.appends() },
			"read":     func(*rapid.T) { run.reads() },
			"load":     func(*rapid.T) { run.loads() },
			"load 2":   func(*rapid.T) { run.loads() },
			"snapshot": func(*rapid.T) { run.snapshots() },
		}
		if f, ok := es.Capability[es.Feed](run.store); ok && f != nil {
			actions["feed"] = func(*rapid.T) { run.feeds() }
			if _, ok := es.Capability[es.Checkpoints](run.store); ok {
				actions["checkpoint"] = func(*rapid.T) { run.checkpoints() }
			}
		}
		if _, ok := es.Capability[es.Lister](run.store); ok {
			actions["list"] = func(*rapid.T) { run.lists() }
		}
		if e.harness.Place != nil {
			actions["reopen"] = func(*rapid.T) { run.reopenAll() }
		}
		rt.Repeat(actions)
	})
}

var (
	modelStreams = []es.Stream{{Category: "one", ID: "a"}, {Category: "one", ID: "b"}, {Category: "two", ID: "a"}, {Category: "two", ID: "c"}}
	modelTypes   = []string{"t1", "t2", "t3"}
)

func draw[V any](r *modelRun, label string, from ...V) V {
	return rapid.SampledFrom(from).Draw(r.rt, label)
}

func (r *modelRun) number(label string, least, most int) int {
	return rapid.IntRange(least, most).Draw(r.rt, label)
}

func (r *modelRun) any() es.Store { return r.stores[r.number("open store", 0, len(r.stores)-1)] }

// freshEvent returns a new event with an id that follows from the sequence alone.
func (r *modelRun) freshEvent() es.Event {
	r.serial++
	return es.Event{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, r.serial)), Type: draw(r, "type", modelTypes...), Schema: r.number("schema", 1, 2),
		Data: fmt.Appendf(nil, `{"n":%d}`, r.serial), Meta: es.Metadata{Actor: draw(r, "actor", "", "me")},
	}
}

// someEvents returns events for a write: new ones, stored ones, or a mixture.
func (r *modelRun) someEvents(s es.Stream) []es.Event {
	var events []es.Event
	stored := r.m.streams[s]
	kind := "new"
	if len(stored) > 0 {
		kind = draw(r, "events", "new", "new", "stored", "stored, changed", "mixed")
	}
	if kind != "new" {
		from := r.number("first stored", 0, len(stored)-1)
		for _, rec := range stored[from : r.number("last stored", from, min(from+3, len(stored)-1))+1] {
			ev := rec.Event
			ev.Meta = es.Metadata{Actor: "again"}
			events = append(events, ev)
		}
	}
	switch kind {
	case "new":
		for range r.number("new events", 1, 4) {
			events = append(events, r.freshEvent())
		}
	case "stored, changed":
		ev := &events[r.number("changed", 0, len(events)-1)]
		switch draw(r, "change", "type", "schema", "data", "order") {
		case "type":
			ev.Type = "changed"
		case "schema":
			ev.Schema = 3
		case "data":
			ev.Data = []byte(`"changed"`)
		case "order":
			slices.Reverse(events)
		}
	case "mixed":
		events = slices.Insert(events, r.number("place of the new one", 0, len(events)), r.freshEvent())
	}
	return events
}

func (r *modelRun) appends() {
	var writes []es.Write
	for _, s := range rapid.Permutation(modelStreams).Draw(r.rt, "streams")[:r.number("writes", 1, 3)] {
		v := es.Version(len(r.m.streams[s]))
		// Mostly one that is met.
		expect := draw(r, "expectation", es.Exactly(v), es.Exactly(v), es.Exactly(v), es.Any, es.Any, es.StreamExists, es.NoStream, es.Exactly(v+1), es.Exactly(max(v-1, 0)))
		writes = append(writes, write(s, expect, r.someEvents(s)...))
	}
	text := fmt.Sprintf("Append(%s)", describe(writes))
	receipt, err := r.any().Append(r.ctx, writes...)

	switch original, want := r.m.judge(writes); {
	case want == nil && original != nil:
		if err != nil || !receipt.Duplicate || !slices.Equal(receipt.Streams, original) {
			r.rt.Fatalf("%s: %+v, %v, want a Duplicate of %+v", text, receipt, err, original)
		}
	case want != nil:
		if !errors.Is(err, want) {
			r.rt.Fatalf("%s: error %v, want one that is %q", text, err, want)
		}
		r.judgeConflict(err, writes)
	case err != nil || receipt.Duplicate || len(receipt.Streams) != len(writes):
		r.rt.Fatalf("%s: %+v, %v, want a receipt of new events", text, receipt, err)
	default:
		r.note(receipt)
		r.learn(writes, receipt)
	}
}

// judge tells how an append must end: with an error, as a repeat with the original
// places, or (neither) with new events.
func (m *model) judge(writes []es.Write) (original []es.Written, want error) {
	found, missing, differs := 0, 0, false
	for _, w := range writes {
		written := es.Written{Stream: w.Stream}
		for _, ev := range w.Events {
			i := slices.IndexFunc(m.streams[w.Stream], func(rec es.Recorded) bool { return rec.ID == ev.ID })
			if i < 0 {
				missing++
				continue
			}
			found++
			rec := m.streams[w.Stream][i]
			differs = differs || rec.Type != ev.Type || rec.Schema != ev.Schema || string(rec.Data) != string(ev.Data)
			differs = differs || written.Last != 0 && rec.Version != written.Last+1
			if written.First == 0 {
				written.First = rec.Version
			}
			written.Last, written.Position = rec.Version, rec.Position
		}
		original = append(original, written)
	}
	switch {
	case found > 0 && (missing > 0 || differs):
		return nil, es.ErrIdempotency
	case found > 0:
		return original, nil
	}
	for _, w := range writes {
		if !w.Expect.Met(es.Version(len(m.streams[w.Stream]))) {
			return nil, es.ErrConflict
		}
	}
	return nil, nil
}

// judgeConflict checks that a conflict names a stream whose expectation was not met.
func (r *modelRun) judgeConflict(err error, writes []es.Write) {
	var conflict *es.ConflictError
	if !errors.As(err, &conflict) {
		return
	}
	actual := es.Version(len(r.m.streams[conflict.Stream]))
	for _, w := range writes {
		if w.Stream == conflict.Stream && w.Expect == conflict.Expected && conflict.Actual == actual && !w.Expect.Met(actual) {
			return
		}
	}
	r.rt.Fatalf("Append(%s): conflict %+v, but that stream is at version %d", describe(writes), *conflict, actual)
}

// learn adds an append to the model, with the positions and times that the store gave it.
func (r *modelRun) learn(writes []es.Write, receipt es.Receipt) {
	head := es.Position(0)
	if n := len(r.m.feed); n > 0 {
		head = r.m.feed[n-1].Position
	}
	for i, w := range writes {
		first := es.Version(len(r.m.streams[w.Stream]) + 1)
		recs := r.read(r.any(), es.ReadQuery{Stream: w.Stream, From: first})
		at := head
		for j, ev := range w.Events {
			want := es.Recorded{Event: ev, Stream: w.Stream, Version: first + es.Version(j)}
			if j < len(recs) {
				want.Position, want.RecordedAt = recs[j].Position, recs[j].RecordedAt
			}
			if j >= len(recs) || diff(want, recs[j]) != "" || want.Position <= at {
				r.rt.Fatalf("after Append(%s), version %d of %s is not read as appended, or not above position %d: %+v", describe(writes), want.Version, w.Stream, at, recs)
			}
			at = want.Position
			r.m.streams[w.Stream] = append(r.m.streams[w.Stream], want)
			r.m.feed = append(r.m.feed, want)
		}
		written := es.Written{Stream: w.Stream, First: first, Last: first + es.Version(len(w.Events)) - 1, Position: at}
		if receipt.Streams[i] != written || len(recs) != len(w.Events) {
			r.rt.Fatalf("Append(%s): receipt says %+v, %d events are read; want %+v", describe(writes), receipt.Streams[i], len(recs), written)
		}
	}
	slices.SortFunc(r.m.feed, func(a, b es.Recorded) int { return cmp.Compare(a.Position, b.Position) })
}

func (r *modelRun) reads() {
	q := es.ReadQuery{Stream: draw(r, "stream", modelStreams...), From: es.Version(r.number("from", 0, 12)), Limit: r.number("limit", 0, 4), Backwards: draw(r, "backwards", false, true)}
	all := r.m.streams[q.Stream]
	var want []es.Recorded
	for _, rec := range all {
		if q.From == 0 || !q.Backwards && rec.Version >= q.From || q.Backwards && rec.Version <= q.From {
			want = append(want, rec)
		}
	}
	if q.Backwards {
		slices.Reverse(want)
	}
	if q.Limit > 0 {
		want = want[:min(q.Limit, len(want))]
	}
	got, err := collect(r.any().Read(r.ctx, q))
	if missing := len(all) == 0; missing != errors.Is(err, es.ErrNotFound) || !missing && err != nil {
		r.rt.Fatalf("Read(%+v) of a stream of %d events: %v", q, len(all), err)
	}
	if d := diff(want, got); d != "" {
		r.rt.Fatalf("Read(%+v) (-want +got):\n%s", q, d)
	}
}

func (r *modelRun) loads() {
	q := es.LoadQuery{Stream: draw(r, "stream", modelStreams...), Fingerprint: draw(r, "fingerprint", "", "f", "g"), UpTo: es.Version(r.number("up to", 0, 12))}
	all := r.m.streams[q.Stream]
	hit := false
	if len(r.m.feed) > 0 {
		rec := draw(r, "some event", r.m.feed...)
		switch draw(r, "narrowed by", "nothing", "nothing", "unless", "time") {
		case "unless":
			q.Unless = rec.ID
			hit = slices.ContainsFunc(all, func(of es.Recorded) bool { return of.ID == rec.ID })
		case "time":
			q.AsOf = rec.RecordedAt
		}
	}
	rows, err := load(r.ctx, r.any(), q)
	if hit {
		if !errors.Is(err, es.ErrAlreadyAppended) || len(rows) > 0 {
			r.rt.Fatalf("Load(%+v): %d rows, %v, want es.ErrAlreadyAppended alone", q, len(rows), err)
		}
		return
	}
	var want []es.Row
	for _, rec := range all {
		if (q.UpTo == 0 || rec.Version <= q.UpTo) && (q.AsOf.IsZero() || !rec.RecordedAt.After(q.AsOf)) {
			want = append(want, es.Row{Version: rec.Version, Type: rec.Type, Schema: rec.Schema, Data: rec.Data})
		}
	}
	snapshot, usable := r.m.snapshots[modelKey{q.Stream, q.Fingerprint}]
	switch {
	case !usable || q.Fingerprint == "" || !q.AsOf.IsZero():
	case q.UpTo == 0 || snapshot.Version <= q.UpTo:
		want = append([]es.Row{{Version: snapshot.Version, Data: snapshot.Data}}, want[snapshot.Version:]...)
	case len(rows) > 0 && rows[0].Type == "" && rows[0].Version <= q.UpTo: // an older one that the store kept
		want = append(rows[:1:1], want[rows[0].Version:]...)
	}
	if d := diff(want, rows); err != nil || d != "" {
		r.rt.Fatalf("Load(%+v): %v (-want +got):\n%s", q, err, d)
	}
}

func (r *modelRun) snapshots() {
	s := es.Snapshot{Stream: draw(r, "stream", modelStreams...), Fingerprint: draw(r, "fingerprint", "f", "g")}
	version := es.Version(len(r.m.streams[s.Stream]))
	s.Version = es.Version(r.number("version", 0, int(version)+1))
	r.serial++
	s.Data = fmt.Append(nil, "state ", r.serial)
	err := r.any().SaveSnapshot(r.ctx, s)
	if refused := s.Version < 1 || s.Version > version; refused != errors.Is(err, es.ErrNotFound) || !refused && err != nil {
		r.rt.Fatalf("SaveSnapshot at version %d of a stream at version %d: %v", s.Version, version, err)
	}
	key := modelKey{s.Stream, s.Fingerprint}
	if err == nil && r.m.snapshots[key].Version <= s.Version {
		r.m.snapshots[key] = s
	}
}

// position draws one of the feed, 0 or one beyond its head.
func (r *modelRun) position(label string) (p, head es.Position) {
	choices := []es.Position{0}
	for _, rec := range r.m.feed {
		choices = append(choices, rec.Position)
	}
	head = choices[len(choices)-1]
	return draw(r, label, append(choices, head+1)...), head
}

func (r *modelRun) feeds() {
	s := r.any()
	f, _ := es.Capability[es.Feed](s)
	if head := r.settled(f); len(r.m.feed) == 0 && head != 0 || len(r.m.feed) > 0 && head < r.m.feed[len(r.m.feed)-1].Position {
		r.rt.Fatalf("Head is %d, with %d events", head, len(r.m.feed))
	}
	q := es.FeedQuery{Limit: r.number("limit", 0, 4)}
	for _, c := range []string{"one", "two"} {
		if draw(r, "category "+c, false, false, true) {
			q.Categories = append(q.Categories, c)
		}
	}
	for _, t := range modelTypes {
		if draw(r, "type "+t, false, false, true) {
			q.Types = append(q.Types, t)
		}
	}
	var head es.Position
	q.After, head = r.position("after")
	q.UpTo, _ = r.position("up to")
	if q.After > head {
		if recs, err := collect(f.ReadAll(r.ctx, q)); !errors.Is(err, es.ErrBeyondHead) || len(recs) > 0 {
			r.rt.Fatalf("ReadAll(%+v) of a feed up to %d: %d events, %v, want es.ErrBeyondHead", q, head, len(recs), err)
		}
		return
	}
	r.checkFeedQuery(f, q, r.m.feed)
}

func (r *modelRun) checkpoints() {
	s := r.any()
	c, _ := es.Capability[es.Checkpoints](s)
	f, _ := es.Capability[es.Feed](s)
	r.settled(f)
	name := draw(r, "reader", "x", "y")
	p, head := r.position("checkpoint")
	err := c.SaveCheckpoint(r.ctx, name, p)
	if beyond := p > head; beyond != errors.Is(err, es.ErrBeyondHead) || !beyond && err != nil {
		r.rt.Fatalf("SaveCheckpoint(%q, %d) with a head of %d: %v", name, p, head, err)
	}
	if err == nil {
		r.m.checkpoints[name] = p
	}
	c, _ = es.Capability[es.Checkpoints](r.any())
	for _, name := range []string{"x", "y"} {
		if got, err := c.Checkpoint(r.ctx, name); err != nil || got != r.m.checkpoints[name] {
			r.rt.Fatalf("Checkpoint(%q) = %d, %v, want %d", name, got, err, r.m.checkpoints[name])
		}
	}
}

func (r *modelRun) lists() {
	l, _ := es.Capability[es.Lister](r.any())
	q := es.ListQuery{Category: draw(r, "category", "one", "two", "three"), After: draw(r, "after", "", "a", "b", "bb"), Limit: r.number("limit", 0, 2)}
	var want []es.StreamInfo
	for s := range maps.Keys(r.m.streams) {
		if s.Category == q.Category && s.ID > q.After && len(r.m.streams[s]) > 0 {
			want = append(want, es.StreamInfo{Stream: s, Version: es.Version(len(r.m.streams[s]))})
		}
	}
	slices.SortFunc(want, func(a, b es.StreamInfo) int { return strings.Compare(a.Stream.ID, b.Stream.ID) })
	if q.Limit > 0 {
		want = want[:min(q.Limit, len(want))]
	}
	got, err := collect(l.Streams(r.ctx, q))
	if d := diff(want, got); err != nil || d != "" {
		r.rt.Fatalf("Streams(%+v): %v (-want +got):\n%s", q, err, d)
	}
}

func (r *modelRun) reopenAll() {
	if r.number("reopen", 0, 3) > 0 { // it takes much longer than the others
		return
	}
	for _, s := range r.stores {
		if err := closeStore(s); err != nil {
			r.rt.Fatalf("Close: %v", err)
		}
	}
	r.store = r.open()
	r.stores = r.handles()
}

// rapidTB is a test whose failures are rapid's to shrink.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (t rapidTB) Fatal(args ...any)                 { t.rt.Helper(); t.rt.Fatal(args...) }
func (t rapidTB) Fatalf(format string, args ...any) { t.rt.Helper(); t.rt.Fatalf(format, args...) }
func (t rapidTB) Error(args ...any)                 { t.rt.Helper(); t.rt.Error(args...) }
func (t rapidTB) Errorf(format string, args ...any) { t.rt.Helper(); t.rt.Errorf(format, args...) }
func (t rapidTB) Log(args ...any)                   { t.rt.Helper(); t.rt.Log(args...) }
func (t rapidTB) Logf(format string, args ...any)   { t.rt.Helper(); t.rt.Logf(format, args...) }
func (t rapidTB) FailNow()                          { t.rt.FailNow() }
func (t rapidTB) Fail()                             { t.rt.Fail() }
func (t rapidTB) Failed() bool                      { return t.rt.Failed() }
func (t rapidTB) Helper()                           { t.rt.Helper() }
