package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var progressClauses = []Clause{
	{
		Name:    "Progress/Moves",
		Promise: "Recorded progress moves the checkpoint of its name, from 0 if there is none, and is read as any checkpoint is. Progress from a position to itself is recorded where the checkpoint is there.",
		check:   progressMoves,
	},
	{
		Name:    "Progress/Fenced",
		Promise: "Progress from a position at which the checkpoint is not is refused with a *FencedError that has the name and partition -1; the checkpoint stays.",
		check:   progressFenced,
	},
	{
		Name:    "Progress/AllOrNothing",
		Promise: "Progress that is refused parks nothing and takes nothing up again.",
		check:   progressAllOrNothing,
	},
	{
		Name:    "Progress/BeyondHead",
		Promise: "Progress beyond the head of the feed is refused with a *BeyondHeadError.",
		check:   progressBeyondHead,
	},
	{
		Name:    "Progress/Invalid",
		Promise: "Progress of a bad name is refused with es.ErrInvalidName, with a negative position or backwards with es.ErrNegative, and of a bad stream with es.ErrInvalidStream.",
		check:   progressInvalid,
	},
	{
		Name:    "Progress/OneWins",
		Promise: "Of progress that several record at once from one position, also through several open stores, one is recorded, and every other is refused with a *FencedError.",
		check:   progressOneWins,
	},
	{
		Name:    "Progress/AfterReopening",
		Promise: "Recorded progress is there after the store was closed and opened again.",
		check:   progressAfterReopening,
	},
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
	{
		Name:    "Readers/Listed",
		Promise: "All checkpoints and groups are listed in the byte order of their names, each with its position, a group with that of the partition furthest behind and the number of its members, and with the number of streams that are parked.",
		check:   readersListed,
	},
	{
		Name:    "Readers/Forget",
		Promise: "A forgotten name has no checkpoint, group and parked streams, also after reopening; other names keep theirs. A reader under it begins anew, and one that goes on is refused with a *FencedError. A group with members is refused with es.ErrInUse, a name of which nothing is kept with es.ErrNotFound, a bad one with es.ErrInvalidName.",
		check:   readersForget,
	},
	{
		Name:    "Group/Beats",
		Promise: "The first beat makes the group, with its partitions at the start position, without owners; each beat raises its member's counter and returns the group's state, members in the order of their ids. A group that was never made is es.ErrNotFound.",
		check:   groupBeats,
	},
	{
		Name:    "Group/Partitions",
		Promise: "A member that comes with another number of partitions is refused with a *PartitionsError, one with an impossible number with es.ErrPartitions, one without an id or with a bad name with es.ErrInvalidName; the group stays as it is.",
		check:   groupPartitions,
	},
	{
		Name:    "Group/Claim",
		Promise: "A claim with the partition's epoch gives it to the member under a higher epoch, at the position recorded; an outdated one is refused with a *FencedError that names group and partition.",
		check:   groupClaim,
	},
	{
		Name:    "Group/Fenced",
		Promise: "Progress with an outdated claim, or from a position at which the partition is not, is refused with a *FencedError, though the owner is the same; the current claim's is recorded, and the checkpoint of the name is another matter.",
		check:   groupFenced,
	},
	{
		Name:    "Group/AllClaims",
		Promise: "Progress of several partitions is recorded for all or, if one claim is outdated, for none.",
		check:   groupAllClaims,
	},
	{
		Name:    "Group/Release",
		Promise: "A released partition has no owner and another epoch, at which it can be claimed; outdated claims are passed over.",
		check:   groupRelease,
	},
	{
		Name:    "Group/Leave",
		Promise: "A member leaves if its counter is as given, or at any if 0 is given; its partitions stay with it.",
		check:   groupLeave,
	},
	{
		Name:    "Group/OneOwner",
		Promise: "While members claim a partition from each other at once, also through several open stores, each recorded step of its position was made by its owner at that moment: no step is made twice.",
		check:   groupOneOwner,
	},
	{
		Name:    "Group/AfterReopening",
		Promise: "A group is as it was after the store was closed and opened again.",
		check:   groupAfterReopening,
	},
	{
		Name:    "Identity/Stable",
		Promise: "A store has an identity, which is the same each time, through all stores that are open at the place, and after it was closed and opened again.",
		check:   identityStable,
	},
}

func (e *env) record(t es.Tracker, p es.Progress) {
	e.Helper()
	if err := t.Record(e.ctx, p); err != nil {
		e.Fatalf("Record(%+v): %v", p, err)
	}
}

// wantFenced sees that progress is refused, because of a partition.
func (e *env) wantFenced(t es.Tracker, p es.Progress, partition int) {
	e.Helper()
	e.isFenced(t.Record(e.ctx, p), p.Name, partition)
}

func (e *env) isFenced(err error, name string, partition int) {
	e.Helper()
	var fenced *es.FencedError
	if !errors.As(err, &fenced) || !errors.Is(err, es.ErrFenced) || *fenced != (es.FencedError{Name: name, Partition: partition}) {
		e.Fatalf("error %v, want a *es.FencedError of %q, partition %d", err, name, partition)
	}
}

func progressMoves(e *env) {
	t := capability[es.Tracker](e, e.store)
	at := e.positions(5)
	e.record(t, es.Progress{Name: "reader"})
	e.wantCheckpoint(t, "reader", 0)
	e.record(t, es.Progress{Name: "reader", To: at[1]})
	e.wantCheckpoint(t, "reader", at[1])
	e.record(t, es.Progress{Name: "reader", From: at[1], To: at[1]})
	e.record(t, es.Progress{Name: "reader", From: at[1], To: at[4]})
	e.wantCheckpoint(t, "reader", at[4])
	e.wantCheckpoint(t, "other", 0)
	e.saveCheckpoint(t, "reader", at[2]) // a checkpoint like any other
	e.record(t, es.Progress{Name: "reader", From: at[2], To: at[3]})
	e.wantCheckpoint(t, "reader", at[3])
}

func progressFenced(e *env) {
	t := capability[es.Tracker](e, e.store)
	at := e.positions(5)
	e.wantFenced(t, es.Progress{Name: "reader", From: at[0], To: at[1]}, -1)
	e.wantCheckpoint(t, "reader", 0)
	e.record(t, es.Progress{Name: "reader", To: at[2]})
	for _, from := range []es.Position{0, at[1], at[3]} {
		e.wantFenced(t, es.Progress{Name: "reader", From: from, To: at[4]}, -1)
		e.wantFenced(t, es.Progress{Name: "reader", From: from, To: from}, -1)
	}
	e.wantCheckpoint(t, "reader", at[2])
}

func (e *env) parkedBy(p es.Parking, name string) []es.Parked {
	e.Helper()
	all, err := p.Parked(e.ctx, es.ParkedQuery{Name: name})
	if err != nil {
		e.Fatalf("Parked(%q): %v", name, err)
	}
	return all
}

func progressAllOrNothing(e *env) {
	t, p := capability[es.Tracker](e, e.store), capability[es.Parking](e, e.store)
	at := e.positions(3)
	a, b := es.Parked{Stream: stream("a"), Version: 1, Attempts: 1}, es.Parked{Stream: stream("b"), Version: 1, Attempts: 1}
	e.record(t, es.Progress{Name: "reader", To: at[0], Park: []es.Parked{a}})
	e.wantFenced(t, es.Progress{Name: "reader", To: at[1], Park: []es.Parked{b}, Unpark: []es.Stream{a.Stream}}, -1)
	var beyond *es.BeyondHeadError
	if err := t.Record(e.ctx, es.Progress{Name: "reader", From: at[0], To: at[2] + 1, Park: []es.Parked{b}}); !errors.As(err, &beyond) {
		e.Fatalf("Record beyond the head: %v", err)
	}
	if all := e.parkedBy(p, "reader"); len(all) != 1 || all[0].Stream != a.Stream {
		e.Fatalf("after progress that was refused, parked is %+v, want %s alone", all, a.Stream)
	}
}

func progressBeyondHead(e *env) {
	t := capability[es.Tracker](e, e.store)
	at := e.positions(2)
	err := t.Record(e.ctx, es.Progress{Name: "reader", To: at[1] + 1})
	var beyond *es.BeyondHeadError
	if !errors.As(err, &beyond) || *beyond != (es.BeyondHeadError{Position: at[1] + 1, Head: at[1]}) {
		e.Fatalf("Record at %d of a feed up to %d: %v, want a *es.BeyondHeadError", at[1]+1, at[1], err)
	}
	e.wantCheckpoint(t, "reader", 0)
}

func progressInvalid(e *env) {
	t := capability[es.Tracker](e, e.store)
	at := e.positions(2)
	bad := es.Stream{Category: "A", ID: "1"}
	for _, c := range []struct {
		p    es.Progress
		want error
	}{
		{es.Progress{}, es.ErrInvalidName},
		{es.Progress{Name: strings.Repeat("n", 201)}, es.ErrInvalidName},
		{es.Progress{Name: "a\x00b"}, es.ErrInvalidName},
		{es.Progress{Name: "reader", From: -1}, es.ErrNegative},
		{es.Progress{Name: "reader", From: at[1], To: at[0]}, es.ErrNegative},
		{es.Progress{Name: "reader", Park: []es.Parked{{Stream: bad}}}, es.ErrInvalidStream},
		{es.Progress{Name: "reader", Park: []es.Parked{{Stream: stream("a"), Version: -1}}}, es.ErrNegative},
		{es.Progress{Name: "reader", Unpark: []es.Stream{bad}}, es.ErrInvalidStream},
	} {
		if err := t.Record(e.ctx, c.p); !errors.Is(err, c.want) {
			e.Errorf("Record(%+v): %v, want %v", c.p, err, c.want)
		}
	}
}

func progressOneWins(e *env) {
	capability[es.Tracker](e, e.store)
	stores := e.handles()
	at := e.positions(some(20))
	from := es.Position(0)
	for _, to := range at {
		var won atomic.Int32
		e.concurrently(6, func(i int) error {
			t, _ := es.Capability[es.Tracker](stores[i%len(stores)])
			err := t.Record(e.ctx, es.Progress{Name: "reader", From: from, To: to})
			if err == nil {
				won.Add(1)
			} else if _, fenced := errors.AsType[*es.FencedError](err); !fenced {
				return fmt.Errorf("progress that lost: %w, want a *es.FencedError", err)
			}
			return nil
		})
		if won.Load() != 1 {
			e.Fatalf("progress from %d to %d was recorded %d times by 6 at once, want once", from, to, won.Load())
		}
		from = to
	}
}

func progressAfterReopening(e *env) {
	t := capability[es.Tracker](e, e.store)
	e.needPlace()
	at := e.positions(3)
	e.record(t, es.Progress{Name: "reader", To: at[1]})
	e.reopen()
	t = capability[es.Tracker](e, e.store)
	e.wantCheckpoint(t, "reader", at[1])
	e.record(t, es.Progress{Name: "reader", From: at[1], To: at[2]})
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

func (e *env) wantReaders(r es.Readers, want ...es.Reader) {
	e.Helper()
	got, err := r.Readers(e.ctx)
	if err != nil || !slices.Equal(got, want) {
		e.Fatalf("Readers: %+v, %v, want %+v", got, err, want)
	}
}

func readersListed(e *env) {
	r, g := capability[es.Readers](e, e.store), capability[es.Groups](e, e.store)
	at := e.positions(3)
	e.wantReaders(r)
	id := es.NewID()
	e.beat(g, 2, at[0], id)
	e.beat(g, 2, at[0], es.NewID())
	e.record(g, es.Progress{Name: "group", From: at[0], To: at[2], Claims: []es.Claim{e.claim(g, 1, id).Claim}})
	e.saveCheckpoint(g, "group", at[1])
	e.record(g, es.Progress{Name: "b"}) // one at the beginning
	e.record(g, es.Progress{Name: "Z", To: at[1], Park: []es.Parked{{Stream: stream("a"), Version: 1}, {Stream: stream("b"), Version: 1}}})
	e.wantReaders(r, es.Reader{Name: "Z", Position: at[1], Parked: 2}, es.Reader{Name: "b"}, es.Reader{Name: "group", Position: at[1]},
		es.Reader{Name: "group", Partitions: 2, Position: at[0], Members: 2})
}

func readersForget(e *env) {
	r, g := capability[es.Readers](e, e.store), capability[es.Groups](e, e.store)
	at := e.positions(3)
	forget := func(name string, want error) {
		e.Helper()
		if err := r.Forget(e.ctx, name); !errors.Is(err, want) {
			e.Fatalf("Forget(%q): %v, want %v", name, err, want)
		}
	}
	forget("", es.ErrInvalidName)
	forget("nobody", es.ErrNotFound)
	id := es.NewID()
	e.beat(g, 2, at[0], id)
	old := e.claim(g, 1, id)
	for _, name := range []string{"group", "reader", "other"} {
		e.record(g, es.Progress{Name: name, To: at[1], Park: []es.Parked{{Stream: stream("a"), Version: 1}}})
	}
	forget("reader", nil)
	forget("reader", es.ErrNotFound)
	e.wantCheckpoint(g, "reader", 0)
	e.wantFenced(g, es.Progress{Name: "reader", From: at[1], To: at[2]}, -1)
	forget("group", es.ErrInUse)
	e.wantReaders(r, es.Reader{Name: "group", Position: at[1], Parked: 1}, es.Reader{Name: "group", Partitions: 2, Position: at[0], Members: 1, Parked: 1},
		es.Reader{Name: "other", Position: at[1], Parked: 1})
	if err := g.Leave(e.ctx, "group", id, 0); err != nil {
		e.Fatalf("Leave: %v", err)
	}
	forget("group", nil)
	e.wantFenced(g, es.Progress{Name: "group", From: at[0], To: at[2], Claims: []es.Claim{old.Claim}}, 1)
	if e.harness.Place != nil {
		e.reopen()
		r, g = capability[es.Readers](e, e.store), capability[es.Groups](e, e.store)
	}
	e.wantReaders(r, es.Reader{Name: "other", Position: at[1], Parked: 1})
	e.beat(g, 3, at[2], id) // a new group, with another number
	e.record(g, es.Progress{Name: "reader", To: at[0]})
	if all := e.parkedBy(capability[es.Parking](e, e.store), "reader"); len(all) != 0 {
		e.Fatalf("after it was forgotten, %+v is parked", all)
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

// members returns n ids in order.
func memberIDs(n int) (ids []uuid.UUID) {
	for range n {
		ids = append(ids, es.NewID())
	}
	return ids
}

func (e *env) beat(g es.Groups, n int, start es.Position, member uuid.UUID) es.GroupState {
	e.Helper()
	state, err := g.Beat(e.ctx, es.Membership{Group: "group", Partitions: n, Start: start, Member: member})
	if err != nil {
		e.Fatalf("Beat: %v", err)
	}
	return state
}

func (e *env) group(g es.Groups) es.GroupState {
	e.Helper()
	state, err := g.Group(e.ctx, "group")
	if err != nil {
		e.Fatalf("Group: %v", err)
	}
	return state
}

func (e *env) claim(g es.Groups, partition int, member uuid.UUID) es.Partition {
	e.Helper()
	p, err := g.Claim(e.ctx, "group", e.group(g).Partitions[partition].Claim, member)
	if err != nil {
		e.Fatalf("Claim: %v", err)
	}
	return p
}

func groupBeats(e *env) {
	g := capability[es.Groups](e, e.store)
	at := e.positions(3)
	if _, err := g.Group(e.ctx, "group"); !errors.Is(err, es.ErrNotFound) {
		e.Fatalf("Group of none: %v, want es.ErrNotFound", err)
	}
	ids := memberIDs(3)
	e.beat(g, 3, at[1], ids[2])
	e.beat(g, 3, at[2], ids[0])
	e.beat(g, 3, 0, ids[1])
	want := es.GroupState{Members: []es.Member{{ID: ids[0], Beat: 1}, {ID: ids[1], Beat: 1}, {ID: ids[2], Beat: 2}}}
	for i := range 3 {
		want.Partitions = append(want.Partitions, es.Partition{Claim: es.Claim{Partition: i}, Position: at[1]})
	}
	got := e.beat(g, 3, 0, ids[2])
	for i := range got.Partitions {
		want.Partitions[i].Epoch = got.Partitions[i].Epoch // where it begins is the store's affair
	}
	if d := diff(want, got); d != "" {
		e.Fatalf("the group is not as it must be (-want +got):\n%s", d)
	}
	if d := diff(want, e.group(g)); d != "" {
		e.Fatalf("Group differs from what Beat has returned (-want +got):\n%s", d)
	}
}

func groupPartitions(e *env) {
	g := capability[es.Groups](e, e.store)
	ids := memberIDs(2)
	before := e.beat(g, 4, 0, ids[0])
	var wrong *es.PartitionsError
	if _, err := g.Beat(e.ctx, es.Membership{Group: "group", Partitions: 5, Member: ids[1]}); !errors.As(err, &wrong) ||
		!errors.Is(err, es.ErrPartitions) || *wrong != (es.PartitionsError{Group: "group", Want: 5, Has: 4}) {
		e.Fatalf("Beat with 5 partitions where there are 4: %v, want a *es.PartitionsError", err)
	}
	for _, c := range []struct {
		m    es.Membership
		want error
	}{
		{es.Membership{Group: "new", Partitions: 0, Member: ids[1]}, es.ErrPartitions},
		{es.Membership{Group: "new", Partitions: es.MaxPartitions + 1, Member: ids[1]}, es.ErrPartitions},
		{es.Membership{Group: "new", Partitions: 1}, es.ErrInvalidName},
		{es.Membership{Group: "", Partitions: 1, Member: ids[1]}, es.ErrInvalidName},
		{es.Membership{Group: "new", Partitions: 1, Member: ids[1], Start: -1}, es.ErrNegative},
	} {
		if _, err := g.Beat(e.ctx, c.m); !errors.Is(err, c.want) {
			e.Errorf("Beat(%+v): %v, want %v", c.m, err, c.want)
		}
	}
	if _, err := g.Beat(e.ctx, es.Membership{Group: "largest", Partitions: es.MaxPartitions, Member: ids[1]}); err != nil {
		e.Errorf("Beat of a group with %d partitions: %v", es.MaxPartitions, err)
	}
	if d := diff(before, e.group(g)); d != "" {
		e.Fatalf("after refusals the group is not as it was (-before +after):\n%s", d)
	}
}

func groupClaim(e *env) {
	g := capability[es.Groups](e, e.store)
	at := e.positions(2)
	ids := memberIDs(2)
	start := e.beat(g, 2, at[0], ids[0]).Partitions[1]
	p, err := g.Claim(e.ctx, "group", start.Claim, ids[0])
	if err != nil || p.Partition != 1 || p.Owner != ids[0] || p.Epoch <= start.Epoch || p.Position != at[0] {
		e.Fatalf("Claim of %+v: %+v, %v", start, p, err)
	}
	for _, c := range []es.Claim{start.Claim, {Partition: 1, Epoch: p.Epoch + 1}, {Partition: 2}, {Partition: -1}} {
		_, err := g.Claim(e.ctx, "group", c, ids[1])
		e.isFenced(err, "group", c.Partition)
	}
	_, err = g.Claim(e.ctx, "nobody", start.Claim, ids[1])
	e.isFenced(err, "nobody", 1)
	e.record(g, es.Progress{Name: "group", From: at[0], To: at[1], Claims: []es.Claim{p.Claim}})
	q, err := g.Claim(e.ctx, "group", p.Claim, ids[1]) // from its owner
	if err != nil || q.Owner != ids[1] || q.Epoch <= p.Epoch || q.Position != at[1] {
		e.Fatalf("Claim of %+v by another member: %+v, %v", p, q, err)
	}
	if got := e.group(g).Partitions; got[1] != q || got[0].Owner != uuid.Nil {
		e.Fatalf("after the claims the partitions are %+v, want %+v as the second", got, q)
	}
}

func groupFenced(e *env) {
	g := capability[es.Groups](e, e.store)
	at := e.positions(4)
	id := es.NewID()
	e.beat(g, 2, 0, id)
	first := e.claim(g, 0, id)
	e.record(g, es.Progress{Name: "group", To: at[0], Claims: []es.Claim{first.Claim}})
	e.wantFenced(g, es.Progress{Name: "group", To: at[1], Claims: []es.Claim{first.Claim}}, 0)
	second := e.claim(g, 0, id)
	e.wantFenced(g, es.Progress{Name: "group", From: at[0], To: at[1], Claims: []es.Claim{first.Claim}}, 0)
	e.wantFenced(g, es.Progress{Name: "group", From: at[0], To: at[0], Claims: []es.Claim{first.Claim}}, 0)
	e.wantFenced(g, es.Progress{Name: "other", From: at[0], To: at[1], Claims: []es.Claim{second.Claim}}, 0)
	e.wantFenced(g, es.Progress{Name: "group", To: at[1], Claims: []es.Claim{{Partition: 7}}}, 7)
	e.record(g, es.Progress{Name: "group", From: at[0], To: at[2], Claims: []es.Claim{second.Claim}})
	if p := e.group(g).Partitions; p[0].Position != at[2] || p[1].Position != 0 {
		e.Fatalf("the partitions are %+v, want the first at %d alone", p, at[2])
	}
	e.wantCheckpoint(g, "group", 0)
}

func groupAllClaims(e *env) {
	g := capability[es.Groups](e, e.store)
	at := e.positions(3)
	id := es.NewID()
	e.beat(g, 3, 0, id)
	var claims []es.Claim
	for i := range 3 {
		claims = append(claims, e.claim(g, i, id).Claim)
	}
	e.record(g, es.Progress{Name: "group", To: at[0], Claims: claims})
	e.claim(g, 1, es.NewID())
	err := g.Record(e.ctx, es.Progress{Name: "group", From: at[0], To: at[1], Claims: claims})
	if fenced, ok := errors.AsType[*es.FencedError](err); !ok || fenced.Name != "group" || fenced.Partition < 0 {
		e.Fatalf("Record with one of three claims outdated: %v, want a *es.FencedError", err)
	}
	for _, p := range e.group(g).Partitions {
		if p.Position != at[0] {
			e.Fatalf("partition %+v has moved, though the progress was refused", p)
		}
	}
	claims = slices.Delete(claims, 1, 2)
	e.record(g, es.Progress{Name: "group", From: at[0], To: at[2], Claims: claims})
	for i, p := range e.group(g).Partitions {
		if want := at[2*((i+1)%2)]; p.Position != want {
			e.Fatalf("partition %+v: want position %d", p, want)
		}
	}
}

func groupRelease(e *env) {
	g := capability[es.Groups](e, e.store)
	ids := memberIDs(2)
	e.beat(g, 3, 0, ids[0])
	old := e.claim(g, 0, ids[0])
	kept, now := e.claim(g, 0, ids[1]), e.claim(g, 1, ids[0])
	if err := g.Release(e.ctx, "group", []es.Claim{old.Claim, now.Claim}); err != nil {
		e.Fatalf("Release: %v", err)
	}
	if err := g.Release(e.ctx, "group", nil); err != nil {
		e.Fatalf("Release of nothing: %v", err)
	}
	p := e.group(g).Partitions
	if p[0] != kept || p[1].Owner != uuid.Nil || p[1].Epoch == now.Epoch {
		e.Fatalf("after a release of the second partition, and of the first by its former owner, they are %+v", p)
	}
	e.wantFenced(g, es.Progress{Name: "group", Claims: []es.Claim{now.Claim}}, 1)
	e.claim(g, 1, ids[1])
}

func groupLeave(e *env) {
	g := capability[es.Groups](e, e.store)
	ids := memberIDs(3)
	for _, id := range ids {
		e.beat(g, 2, 0, id)
	}
	owned := e.claim(g, 0, ids[1])
	e.beat(g, 2, 0, ids[0])
	for _, c := range []struct {
		member uuid.UUID
		beat   int64
	}{{ids[0], 1}, {ids[1], 1}, {ids[2], 0}, {es.NewID(), 0}} {
		if err := g.Leave(e.ctx, "group", c.member, c.beat); err != nil {
			e.Fatalf("Leave: %v", err)
		}
	}
	state := e.group(g)
	if d := diff([]es.Member{{ID: ids[0], Beat: 2}}, state.Members); d != "" {
		e.Fatalf("the members are not those that must be left (-want +got):\n%s", d)
	}
	if state.Partitions[0] != owned {
		e.Fatalf("after its owner left, a partition is %+v, want %+v", state.Partitions[0], owned)
	}
}

func groupOneOwner(e *env) {
	capability[es.Groups](e, e.store)
	at := e.positions(some(100))
	stores := e.handles()
	first, _ := es.Capability[es.Groups](e.store)
	e.beat(first, 1, 0, es.NewID())
	steps := make([]atomic.Int32, len(at))
	e.concurrently(4, func(i int) error {
		g, _ := es.Capability[es.Groups](stores[i%len(stores)])
		id := es.NewID()
		for {
			state, err := g.Group(e.ctx, "group")
			if err != nil {
				return err
			}
			p, err := g.Claim(e.ctx, "group", state.Partitions[0].Claim, id)
			for n := 0; err == nil && n < 4; n++ {
				next := 0
				if p.Position > 0 {
					next = slices.Index(at, p.Position) + 1
				}
				if next == len(at) {
					return nil
				}
				if err = g.Record(e.ctx, es.Progress{Name: "group", From: p.Position, To: at[next], Claims: []es.Claim{p.Claim}}); err == nil {
					steps[next].Add(1)
					p.Position = at[next]
				}
			}
			if _, fenced := errors.AsType[*es.FencedError](err); err != nil && !fenced {
				return err
			}
		}
	})
	for i := range steps {
		if n := steps[i].Load(); n != 1 {
			e.Fatalf("the step to position %d was recorded %d times, want once", at[i], n)
		}
	}
}

func groupAfterReopening(e *env) {
	g := capability[es.Groups](e, e.store)
	e.needPlace()
	at := e.positions(2)
	ids := memberIDs(2)
	for _, id := range ids {
		e.beat(g, 3, 0, id)
	}
	p := e.claim(g, 2, ids[1])
	e.record(g, es.Progress{Name: "group", To: at[1], Claims: []es.Claim{p.Claim}})
	before := e.group(g)
	e.reopen()
	if d := diff(before, e.group(capability[es.Groups](e, e.store))); d != "" {
		e.Fatalf("after reopening the group is not as it was (-before +after):\n%s", d)
	}
}

func identityStable(e *env) {
	identity := func(s es.Store) es.Identity {
		id, err := capability[es.Identified](e, s).Identity(e.ctx)
		if err != nil || id.Store == uuid.Nil {
			e.Fatalf("Identity: %+v, %v, want one that is not zero", id, err)
		}
		return id
	}
	want := identity(e.store)
	for _, s := range e.handles() {
		if got := identity(s); got != want {
			e.Fatalf("Identity: %+v, through another open store %+v", want, got)
		}
	}
	if e.harness.Place != nil {
		e.reopen()
	}
	if got := identity(e.store); got != want {
		e.Fatalf("Identity: %+v, later %+v", want, got)
	}
}
