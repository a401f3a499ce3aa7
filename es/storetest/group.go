package storetest

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var groupClauses = []Clause{
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
