package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

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
