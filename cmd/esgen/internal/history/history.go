// Package history keeps the schema lock in step with the code: it says what the lock of a
// package becomes, and which released versions the code has changed.
package history

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Pair is a version that is released and is in the code too.
type Pair struct {
	Event   string
	Schema  int
	Locked  *lock.Version
	Current *model.Version
	Pos     token.Pos // of the struct
}

// Pairs returns the versions of a package that are both in the code and frozen, by name and version. Each has
// a complete shape in the lock and, as package check has passed, in the code.
func Pairs(p *model.Package, frozen *lock.Lock) []Pair {
	var pairs []Pair
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			for _, v := range e.Versions {
				if locked := frozen.Event(e.Name).Version(v.Schema); locked != nil {
					pairs = append(pairs, Pair{e.Name, v.Schema, locked, v, v.Pos})
				}
			}
		}
	}
	return pairs
}

// Next returns the lock that goes with the code, once [Check] has found nothing wrong: every version as
// the code has it, with all that it had before still reserved; and of events that the code doesn't have, what is frozen.
func Next(p *model.Package, working, frozen *lock.Lock) *lock.Lock {
	next := &lock.Lock{Dir: working.Dir}
	inCode := map[string]bool{}
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			inCode[e.Name] = true
			next.Events = append(next.Events, event(e, working.Event(e.Name), frozen.Event(e.Name)))
		}
	}
	for _, e := range frozen.Events {
		if !inCode[e.Name] {
			next.Events = append(next.Events, e)
		}
	}
	slices.SortFunc(next.Events, func(a, b *lock.Event) int { return strings.Compare(a.Name, b.Name) })
	return next
}

// Check reports what the code has done to released versions: why says in what way they are released.
func Check(p *model.Package, frozen *lock.Lock, why string, problems *problem.List) {
	for _, pair := range Pairs(p, frozen) {
		if !lock.Same(pair.Locked.Shape, pair.Current.Shape) {
			problems.At(pair.Pos, "version %d of %s is released (%s) with another shape than %s has now: undo the change, or keep the old struct as %s and give the new one version=%d and an upcaster",
				pair.Schema, pair.Event, because(pair.Locked, why), pair.Current.Go, names.Old(pair.Current.Go, pair.Schema), pair.Current.Event.Last()+1)
		}
	}
	inCode := map[string]bool{}
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			inCode[e.Name] = true
			if locked := frozen.Event(e.Name); locked != nil && locked.Last().Schema > e.Last() {
				problems.At(e.Versions[len(e.Versions)-1].Pos, "version %d of %s is released (%s) and the code ends at version %d: bring back version=%[1]d, or go on with version=%[5]d",
					locked.Last().Schema, e.Name, because(locked.Last(), why), e.Last(), locked.Last().Schema+1)
			}
		}
	}
	for _, e := range frozen.Events {
		if !inCode[e.Name] {
			problems.Add(e.Pos, fmt.Sprintf("event %s is released (%s) and no struct has that name any more: bring back %s, with //esgen:event name=%[1]s if it is called otherwise now",
				e.Name, because(e.Last(), why), e.Last().Go))
		}
	}
}

func because(v *lock.Version, why string) string {
	if v.Released {
		return "it is marked so in " + lock.Dir
	}
	return why
}

func event(e *model.Event, working, frozen *lock.Event) *lock.Event {
	next := &lock.Event{Name: e.Name, Category: e.Aggregate.Category, Aggregate: e.Aggregate.Go}
	for _, v := range e.Versions {
		l := &lock.Version{Schema: v.Schema, Shape: v.Shape}
		if old := frozen.Version(v.Schema); old != nil {
			l.Shape = lock.Merge(old.Shape, v.Shape)
		}
		if old := working.Version(v.Schema); old != nil {
			l.Released = old.Released
		}
		l.Go, l.State, l.Upcast = v.Go, lock.Current, nil
		if u := v.Upcast; u != nil {
			l.State, l.Upcast = lock.Upcast, &lock.Step{Func: u.Func}
			if u.To != nil {
				l.Upcast.To = fmt.Sprintf("%s %d", u.To.Event.Name, u.To.Schema)
			}
		}
		next.Versions = append(next.Versions, l)
	}
	return next
}
