package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/esgen-go/esgen/es"
)

// env is what a clause works with: a store in a place of its own, and helpers that
// fail the test where something goes wrong that the clause is not about.
type env struct {
	testing.TB
	ctx     context.Context
	harness Harness
	place   string
	store   es.Store
	made    atomic.Int64 // events so far
	acked   atomic.Int64 // the highest position of a receipt so far
}

func (e *env) open() es.Store {
	e.Helper()
	s, err := e.harness.Open(e.ctx, e.place)
	if err != nil {
		e.Fatalf("opening the store at %q: %v", e.place, err)
	}
	e.Cleanup(func() { _ = closeStore(s) })
	return s
}

// reopen closes the store and opens its place again.
func (e *env) reopen() {
	e.Helper()
	e.needPlace()
	if err := closeStore(e.store); err != nil {
		e.Fatalf("closing the store: %v", err)
	}
	e.store = e.open()
}

// needPlace skips the clause if nothing outlives the store.
func (e *env) needPlace() {
	e.Helper()
	if e.harness.Place == nil {
		e.Skip("the harness has no Place: nothing outlives the store")
	}
}

// handles returns the store, and a second one that was opened at the same place if
// that can be done.
func (e *env) handles() []es.Store {
	e.Helper()
	if e.harness.Place == nil || e.harness.Exclusive {
		return []es.Store{e.store}
	}
	return []es.Store{e.store, e.open()}
}

// second returns another store at the same place, or skips the clause.
func (e *env) second() es.Store {
	e.Helper()
	e.needPlace()
	if e.harness.Exclusive {
		e.Skip("the harness is Exclusive: a place takes one open store")
	}
	return e.open()
}

func closeStore(s es.Store) error {
	if c, ok := es.Capability[io.Closer](s); ok {
		return c.Close()
	}
	return nil
}

// capability returns an optional interface of the store, or skips the clause.
func capability[C any](e *env, s es.Store) C {
	e.Helper()
	c, ok := es.Capability[C](s)
	if !ok {
		missing := fmt.Sprintf("%T does not implement %s", s, reflect.TypeFor[C]())
		if e.harness.Complete {
			e.Fatalf("the harness is Complete, but %s", missing)
		}
		e.Skip(missing)
	}
	return c
}

// stream names a stream of the suite's usual category.
func stream(id string) es.Stream { return es.Stream{Category: "storetest", ID: id} }

// event returns an event that no other equals.
func (e *env) event() es.Event {
	n := e.made.Add(1)
	return es.Event{ID: es.NewID(), Type: "storetest.happened", Schema: 1, Data: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func (e *env) events(n int) []es.Event {
	events := make([]es.Event, n)
	for i := range events {
		events[i] = e.event()
	}
	return events
}

func write(s es.Stream, expect es.Expected, events ...es.Event) es.Write {
	return es.Write{Stream: s, Expect: expect, Events: events}
}

// append appends what the store must take.
func (e *env) append(s es.Store, writes ...es.Write) es.Receipt {
	e.Helper()
	r, err := s.Append(e.ctx, writes...)
	if err != nil {
		e.Fatalf("Append(%s): %v", describe(writes), err)
	}
	if r.Duplicate {
		e.Fatalf("Append(%s): says Duplicate of events that were never appended", describe(writes))
	}
	e.note(r)
	return r
}

// note remembers how far the feed must come.
func (e *env) note(r es.Receipt) {
	for _, w := range r.Streams {
		for seen := e.acked.Load(); int64(w.Position) > seen && !e.acked.CompareAndSwap(seen, int64(w.Position)); {
			seen = e.acked.Load()
		}
	}
}

// reached waits until the feed covers all that was appended, and returns its head: a
// store may hold back what it acknowledged until no lower position can appear.
func (e *env) reached(f es.Feed) (es.Position, error) {
	for {
		head, err := f.Head(e.ctx)
		if err != nil {
			return 0, fmt.Errorf("waiting for the feed to reach position %d: %w", e.acked.Load(), err)
		}
		if int64(head) >= e.acked.Load() {
			return head, nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (e *env) settled(f es.Feed) es.Position {
	e.Helper()
	head, err := e.reached(f)
	if err != nil {
		e.Fatal(err)
	}
	return head
}

// fill appends n new events to a stream in one append, whatever its version.
func (e *env) fill(s es.Stream, n int) []es.Event {
	e.Helper()
	events := e.events(n)
	e.append(e.store, write(s, es.Any, events...))
	return events
}

func describe(writes []es.Write) string {
	var b bytes.Buffer
	for i, w := range writes {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 3 && len(writes) > 4 {
			fmt.Fprintf(&b, "%d more", len(writes)-i)
			break
		}
		fmt.Fprintf(&b, "%d events to %.60s expecting %s", len(w.Events), w.Stream, w.Expect)
	}
	return b.String()
}

// collect reads an iterator to its end, and sees to it that an error comes last and
// with a zero value.
func collect[V any](seq iter.Seq2[V, error]) (all []V, err error) {
	for v, failed := range seq {
		if err != nil {
			return all, fmt.Errorf("the iterator went on after its error: %v", err)
		}
		if err = failed; err != nil {
			var zero V
			if !cmp.Equal(v, zero) {
				return all, fmt.Errorf("the iterator yielded %+v with its error: %v", v, err)
			}
			continue
		}
		all = append(all, v)
	}
	return all, err
}

// read reads a stream, which may be missing.
func (e *env) read(s es.Store, q es.ReadQuery) []es.Recorded {
	e.Helper()
	recs, err := collect(s.Read(e.ctx, q))
	if err != nil && !errors.Is(err, es.ErrNotFound) {
		e.Fatalf("Read(%+v): %v", q, err)
	}
	return recs
}

// load reads the rows of a stream and keeps copies of their data.
func load(ctx context.Context, s es.Store, q es.LoadQuery) (rows []es.Row, err error) {
	_, err = collect(func(yield func(es.Row, error) bool) {
		for row, err := range s.Load(ctx, q) {
			if err == nil {
				kept := row
				kept.Data = bytes.Clone(row.Data)
				rows = append(rows, kept)
			}
			if !yield(row, err) {
				return
			}
		}
	})
	return rows, err
}

func (e *env) load(s es.Store, q es.LoadQuery) []es.Row {
	e.Helper()
	rows, err := load(e.ctx, s, q)
	if err != nil {
		e.Fatalf("Load(%+v): %v", q, err)
	}
	return rows
}

// feed reads the whole feed; nil if the store has none.
func (e *env) feed(s es.Store) []es.Recorded {
	e.Helper()
	f, ok := es.Capability[es.Feed](s)
	if !ok {
		return nil
	}
	e.settled(f)
	recs, err := collect(f.ReadAll(e.ctx, es.FeedQuery{}))
	if err != nil {
		e.Fatalf("ReadAll of everything: %v", err)
	}
	return recs
}

// content is what a store holds, as its readers see it.
type content struct {
	Feed    []es.Recorded
	Streams map[es.Stream][]es.Recorded
}

func (e *env) content(s es.Store, streams ...es.Stream) content {
	e.Helper()
	c := content{Feed: cloned(e.feed(s)), Streams: map[es.Stream][]es.Recorded{}}
	for _, stream := range streams {
		c.Streams[stream] = cloned(e.read(s, es.ReadQuery{Stream: stream}))
	}
	return c
}

// cloned gives events memory that no store knows, so that they stay as they were read.
func cloned(recs []es.Recorded) []es.Recorded {
	for i := range recs {
		recs[i].Data = bytes.Clone(recs[i].Data)
		recs[i].Meta.Keys = maps.Clone(recs[i].Meta.Keys)
	}
	return recs
}

// unchanged fails the test if the store's content is not as it was before.
func (e *env) unchanged(after string, before content) {
	e.Helper()
	streams := make([]es.Stream, 0, len(before.Streams))
	for s := range before.Streams {
		streams = append(streams, s)
	}
	if d := diff(before, e.content(e.store, streams...)); d != "" {
		e.Fatalf("after %s the store is not as it was (-before +after):\n%s", after, d)
	}
}

// diff compares what the suite compares, and shows where it differs: an empty map or
// slice is as good as none.
func diff(want, got any) string {
	if equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// equal spares long lists of equal events the much slower look for a difference.
func equal(want, got any) bool {
	switch want := want.(type) {
	case []es.Recorded:
		got, ok := got.([]es.Recorded)
		return ok && slices.EqualFunc(want, got, equalEvents)
	case content:
		got, ok := got.(content)
		return ok && slices.EqualFunc(want.Feed, got.Feed, equalEvents) && maps.EqualFunc(want.Streams, got.Streams, func(want, got []es.Recorded) bool {
			return slices.EqualFunc(want, got, equalEvents)
		})
	}
	return false
}

func equalEvents(a, b es.Recorded) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Schema == b.Schema && bytes.Equal(a.Data, b.Data) &&
		a.Stream == b.Stream && a.Version == b.Version && a.Position == b.Position && a.RecordedAt.Equal(b.RecordedAt) &&
		a.Meta.CorrelationID == b.Meta.CorrelationID && a.Meta.CausationID == b.Meta.CausationID && a.Meta.Actor == b.Meta.Actor &&
		a.Meta.Tenant == b.Meta.Tenant && maps.Equal(a.Meta.Keys, b.Meta.Keys)
}

// concurrently runs n functions at once and returns when all have. The errors that
// they return fail the test.
func (e *env) concurrently(n int, run func(i int) error) {
	e.Helper()
	start := make(chan struct{})
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			errs[i] = run(i)
		})
	}
	close(start)
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		e.Fatal(err)
	}
}

// some returns a number of repetitions: n, or a fraction of it under -short.
func some(n int) int {
	if testing.Short() {
		return max(n/5, 2)
	}
	return n
}
