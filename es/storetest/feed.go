package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
)

var feedClauses = []Clause{
	{
		Name:    "Feed/Order",
		Promise: "The feed holds every event once, as its stream has it, at positions above 0 that increase; each stream's events come in the order of their versions.",
		check:   feedOrder,
	},
	{
		Name: "Feed/Query",
		Promise: "A feed read yields the events after a position up to another, of the categories and types asked for, at most so many. Scanned never moves below After, " +
			"is that of the event yielded at each turn, and in the end covers what was left out: reading on from it skips and repeats nothing.",
		check: feedQuery,
	},
	{
		Name:    "Feed/FilterAdvances",
		Promise: "A filter that matches nothing, or little, in a long feed still advances Scanned over all that it left out.",
		check:   feedFilterAdvances,
	},
	{
		Name:    "Feed/BeyondHead",
		Promise: "Reading after a position beyond the head is a *BeyondHeadError with both, never an empty read; reading after the head itself yields nothing.",
		check:   feedBeyondHead,
	},
	{
		Name:    "Feed/Head",
		Promise: "The head is 0 in an empty store, and else the position up to which the feed can be read.",
		check:   feedHead,
	},
	{
		Name:    "Feed/EndsAtTheHead",
		Promise: "A feed read ends at the head as it was when the loop began, though the loop's body appends; what was appended comes with the next read.",
		check:   feedEndsAtTheHead,
	},
	{
		Name: "Feed/StablePrefix",
		Promise: "Once a reader has seen a position, no event appears below it: readers that go on from where they came, with filters or without, while several writers append to " +
			"several streams at once, see exactly the feed as it is in the end; through one open store or several.",
		Unforced: "an interleaving inside the engine. An engine that takes positions before it commits should hold a writer between the two in a test of its own.",
		check:    feedStablePrefix,
	},
}

func feedOrder(e *env) {
	f := capability[es.Feed](e, e.store)
	names := []es.Stream{stream("a"), stream("b"), {Category: "other", ID: "a"}}
	for i := range 20 {
		e.append(e.store, write(names[i%3], es.Any, e.events(1+i%4)...), write(names[(i+1)%3], es.Any, e.event()))
	}
	e.settled(f)
	byStream := map[es.Stream][]es.Recorded{}
	at := es.Position(0)
	for rec, err := range f.ReadAll(e.ctx, es.FeedQuery{}) {
		if err != nil {
			e.Fatalf("ReadAll: %v", err)
		}
		if rec.Position <= at {
			e.Fatalf("ReadAll: %s version %d at position %d comes after position %d", rec.Stream, rec.Version, rec.Position, at)
		}
		at = rec.Position
		byStream[rec.Stream] = append(byStream[rec.Stream], rec)
	}
	for _, s := range names {
		if d := diff(e.read(e.store, es.ReadQuery{Stream: s}), byStream[s]); d != "" {
			e.Fatalf("the feed's events of %s are not those of the stream (-stream +feed):\n%s", s, d)
		}
	}
}

// assorted appends events of several categories and types, and returns the feed.
func (e *env) assorted(f es.Feed, appends int) []es.Recorded {
	e.Helper()
	for i := range appends {
		var events []es.Event
		for j := range 1 + i%3 {
			ev := e.event()
			ev.Type = fmt.Sprint("type", (i+j)%4)
			events = append(events, ev)
		}
		e.append(e.store, write(es.Stream{Category: fmt.Sprint("category", i%3), ID: fmt.Sprint(i % 2)}, es.Any, events...))
	}
	return e.feed(e.store)
}

func feedQuery(e *env) {
	f := capability[es.Feed](e, e.store)
	all := e.assorted(f, 12)
	head := all[len(all)-1].Position
	filters := []es.FeedQuery{
		{},
		{Categories: []string{"category1"}},
		{Categories: []string{"category0", "category2"}},
		{Types: []string{"type0"}},
		{Types: []string{"type0", "type3", "none"}},
		{Categories: []string{"category0"}, Types: []string{"type1", "type2"}},
		{Categories: []string{"none"}},
		{Types: []string{"none"}},
		{Categories: []string{"category"}},
		{Categories: []string{"category"}, Types: []string{"type"}},
	}
	afters := []es.Position{0, all[0].Position, all[len(all)/2].Position, all[len(all)-2].Position, head}
	upTos := []es.Position{0, all[0].Position, all[len(all)/2].Position, head, head + 1000}
	for _, q := range filters {
		for _, q.After = range afters {
			for _, q.UpTo = range upTos {
				for _, q.Limit = range []int{0, 1, 2, 100} {
					e.checkFeedQuery(f, q, all)
				}
			}
		}
	}
}

// checkFeedQuery compares one feed read with what it must yield of the whole feed.
func (e *env) checkFeedQuery(f es.Feed, q es.FeedQuery, all []es.Recorded) {
	e.Helper()
	head := es.Position(0)
	if len(all) > 0 {
		head = all[len(all)-1].Position
	}
	var want []es.Recorded
	last := q.After // the last event in range, matching or not
	for _, rec := range all {
		if rec.Position <= q.After || q.UpTo > 0 && rec.Position > q.UpTo {
			continue
		}
		last = rec.Position
		if passes(q, rec) {
			want = append(want, rec)
		}
	}
	matching := len(want)
	if q.Limit > 0 {
		want = want[:min(q.Limit, matching)]
	}

	text := fmt.Sprintf("ReadAll(%+v) of a feed up to %d", q, head)
	scanned := es.Position(-1)
	q.Scanned = &scanned
	var got []es.Recorded
	for rec, err := range f.ReadAll(e.ctx, q) {
		if err != nil {
			e.Fatalf("%s: %v", text, err)
		}
		if scanned != rec.Position {
			e.Fatalf("%s: Scanned is %d in the turn of position %d", text, scanned, rec.Position)
		}
		got = append(got, rec)
	}
	if d := diff(want, got); d != "" {
		e.Fatalf("%s (-want +got):\n%s", text, d)
	}
	least, most := max(q.After, last), max(q.After, head)
	if q.UpTo > 0 {
		most = max(q.After, min(head, q.UpTo))
	}
	if q.Limit > 0 && len(got) == q.Limit {
		least = got[len(got)-1].Position
		for _, rec := range all {
			if rec.Position > least && passes(q, rec) {
				most = min(most, rec.Position-1)
				break
			}
		}
	}
	if scanned < least || scanned > most {
		e.Fatalf("%s: Scanned ends at %d, want %d to %d", text, scanned, least, most)
	}
}

// passes reports whether a query's filters let an event through.
func passes(q es.FeedQuery, rec es.Recorded) bool {
	return (len(q.Categories) == 0 || slices.Contains(q.Categories, rec.Stream.Category)) && (len(q.Types) == 0 || slices.Contains(q.Types, rec.Type))
}

func feedFilterAdvances(e *env) {
	f := capability[es.Feed](e, e.store)
	n := some(3000)
	for made := 0; made < n; made += 500 {
		e.fill(stream("many"), min(500, n-made))
	}
	rare := e.event()
	rare.Type = "rare"
	e.append(e.store, write(stream("a"), es.Any, rare))
	e.fill(stream("many"), 500)
	all := e.feed(e.store)
	for _, q := range []es.FeedQuery{
		{Types: []string{"none"}}, {Categories: []string{"none"}}, {Types: []string{"rare"}}, {Types: []string{"rare"}, Limit: 1},
		{Types: []string{"rare"}, Limit: 2}, {Types: []string{"none"}, UpTo: all[n/2].Position}, {Types: []string{"none"}, After: all[n/2].Position}, {},
	} {
		e.checkFeedQuery(f, q, all)
	}
}

func feedBeyondHead(e *env) {
	f := capability[es.Feed](e, e.store)
	check := func() {
		e.Helper()
		head := e.settled(f)
		for _, after := range []es.Position{head + 1, head + 1000, 1 << 62} {
			for _, q := range []es.FeedQuery{{After: after}, {After: after, Limit: 1}, {After: after, Types: []string{"x"}}, {After: after, UpTo: after + 1}} {
				scanned := es.Position(-1)
				q.Scanned = &scanned
				recs, err := collect(f.ReadAll(e.ctx, q))
				var beyond *es.BeyondHeadError
				if len(recs) > 0 || !errors.As(err, &beyond) || !errors.Is(err, es.ErrBeyondHead) || *beyond != (es.BeyondHeadError{Position: after, Head: head}) {
					e.Fatalf("ReadAll after %d of a feed up to %d: %d events and %v, want none and a *es.BeyondHeadError with both", after, head, len(recs), err)
				}
				if scanned != -1 && scanned != after {
					e.Fatalf("ReadAll after %d of a feed up to %d set Scanned to %d", after, head, scanned)
				}
			}
		}
		if recs, err := collect(f.ReadAll(e.ctx, es.FeedQuery{After: head})); err != nil || len(recs) > 0 {
			e.Fatalf("ReadAll after the head %d: %d events and %v, want nothing", head, len(recs), err)
		}
	}
	check()
	e.fill(stream("a"), 3)
	check()
}

func feedHead(e *env) {
	f := capability[es.Feed](e, e.store)
	if head := e.settled(f); head != 0 {
		e.Fatalf("the head of an empty feed is %d, want 0", head)
	}
	for range 3 {
		r := e.append(e.store, write(stream("a"), es.Any, e.events(2)...), write(stream("b"), es.Any, e.events(2)...))
		want := max(r.Streams[0].Position, r.Streams[1].Position)
		if head := e.settled(f); head != want {
			e.Fatalf("the head is %d after an append up to position %d", head, want)
		}
	}
	if _, err := e.store.Append(e.ctx, write(stream("a"), es.NoStream, e.event())); !errors.Is(err, es.ErrConflict) {
		e.Fatalf("Append to a stream that exists, expecting none: error %v, want a *es.ConflictError", err)
	}
	head := e.settled(f)
	all := e.feed(e.store)
	if len(all) != 12 || all[11].Position > head {
		e.Fatalf("the feed has %d events, want 12 up to the head %d", len(all), head)
	}
}

func feedEndsAtTheHead(e *env) {
	f := capability[es.Feed](e, e.store)
	e.fill(stream("a"), 5)
	head := e.settled(f)
	scanned := es.Position(0)
	turns := 0
	for _, err := range f.ReadAll(e.ctx, es.FeedQuery{Scanned: &scanned}) {
		if err != nil {
			e.Fatalf("ReadAll: %v", err)
		}
		e.fill(stream("a"), 1)
		e.fill(stream("b"), 1)
		if turns++; turns > 5 {
			e.Fatal("ReadAll yields what its loop's body appended")
		}
	}
	if turns != 5 || scanned != head {
		e.Fatalf("ReadAll yielded %d of 5 events and scanned to %d, want %d", turns, scanned, head)
	}
	e.settled(f)
	if recs, err := collect(f.ReadAll(e.ctx, es.FeedQuery{After: scanned})); err != nil || len(recs) != 10 {
		e.Fatalf("reading on from %d: %d events and %v, want the 10 that were appended meanwhile", scanned, len(recs), err)
	}
}

func feedStablePrefix(e *env) {
	capability[es.Feed](e, e.store)
	stores := e.handles()
	const writers = 6
	each := some(60)
	types := []string{"one", "two", "three"}
	queries := []es.FeedQuery{{}, {Limit: 3}, {Types: []string{"two"}}, {Categories: []string{"storetest"}, Types: []string{"three", "one"}, Limit: 2}}
	seen := make([][]es.Recorded, len(queries)*len(stores))

	var writing atomic.Int64
	writing.Store(writers)
	e.concurrently(writers+len(seen), func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			return e.scribble(stores[i%len(stores)], i, each, types)
		}
		reader := i - writers
		f, _ := es.Capability[es.Feed](stores[reader%len(stores)])
		q := queries[reader/len(stores)]
		q.Scanned = &q.After
		for done := false; !done; {
			// One last look after the last append.
			done = writing.Load() == 0
			if done {
				if _, err := e.reached(f); err != nil {
					return err
				}
			}
			for more := true; more; {
				n := 0
				after := q.After
				for rec, err := range f.ReadAll(e.ctx, q) {
					if err != nil {
						return err
					}
					if rec.Position <= after {
						return fmt.Errorf("position %d was delivered after %d", rec.Position, after)
					}
					after = rec.Position
					seen[reader] = append(seen[reader], rec)
					n++
				}
				more = q.Limit > 0 && n == q.Limit
			}
			time.Sleep(time.Millisecond) // or the readers take all the processors
		}
		return nil
	})

	all := e.feed(e.store)
	versions := map[es.Stream]es.Version{}
	for _, rec := range all {
		if versions[rec.Stream]++; rec.Version != versions[rec.Stream] {
			e.Fatalf("the feed has version %d of %s where version %d is due", rec.Version, rec.Stream, versions[rec.Stream])
		}
	}
	if want := writers * each * 3; len(all) != want {
		e.Fatalf("the feed has %d events, %d were appended", len(all), want)
	}
	for reader, got := range seen {
		q := queries[reader/len(stores)]
		want := slices.DeleteFunc(slices.Clone(all), func(rec es.Recorded) bool { return !passes(q, rec) })
		if len(got) != len(want) {
			e.Errorf("a reader with %+v, reading on while others appended, saw %d events of %d", q, len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			if d := diff(want[i], got[i]); d != "" {
				e.Errorf("a reader with %+v, reading on while others appended, saw another event at its place %d (-feed +seen):\n%s", q, i, d)
				break
			}
		}
	}
}

// scribble appends three events at a time, to a stream of the writer's own and to
// streams that all share; sometimes one that fails, which may cost a position.
func (e *env) scribble(s es.Store, writer, appends int, types []string) error {
	own := stream(fmt.Sprint("own-", writer))
	for i := range appends {
		events := e.events(3)
		for j := range events {
			events[j].Type = types[(writer+i+j)%len(types)]
		}
		shared := stream(fmt.Sprint("shared-", (writer+i)%3))
		r, err := s.Append(e.ctx, write(own, es.Exactly(es.Version(2*i)), events[:2]...), write(shared, es.Any, events[2]))
		if err != nil {
			return err
		}
		e.note(r)
		if i%7 == 0 {
			if _, err := s.Append(e.ctx, write(stream("other"), es.StreamExists, e.event()), write(own, es.Any, e.event())); !errors.Is(err, es.ErrConflict) {
				return fmt.Errorf("an append to a missing stream expecting one: error %v, want a conflict", err)
			}
		}
	}
	return nil
}
