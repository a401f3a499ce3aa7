package storetest

import (
	"errors"
	"slices"

	"github.com/esgen-go/esgen/es"
)

var readersClauses = []Clause{
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
