// Package history keeps the schema lock in step with the code: it says what the lock of a
// package becomes, and which released versions the code has changed.
package history

import (
	"fmt"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
)

// Next returns the lock that goes with the code, once no finding breaks: every version as
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

func event(e *model.Event, working, frozen *lock.Event) *lock.Event {
	next := &lock.Event{Name: e.Name, Category: e.Aggregate.Category, Aggregate: e.Aggregate.Go}
	for _, v := range e.Versions {
		l := &lock.Version{Schema: v.Schema, Allow: slices.Sorted(slices.Values(v.Allow)), Shape: v.Shape, Go: v.Go}
		switch old := frozen.Version(v.Schema); {
		case v.Type == nil && v.Locked != nil:
			l.Shape, l.Go = v.Locked.Shape, v.Locked.Go
		case v.Type != nil && old != nil:
			l.Shape = lock.Merge(old.Shape, v.Shape)
		}
		if old := working.Version(v.Schema); old != nil {
			l.Released = old.Released
		}
		l.State, l.Upcast = lock.Current, nil
		if v.Retired {
			l.State = lock.Retired
		}
		if u := v.Upcast; u != nil {
			l.State, l.Upcast = lock.Upcast, &lock.Step{Func: u.Func}
			to := u.To
			if u.Written() {
				to = u.Next
			}
			if to != nil {
				l.Upcast.To = fmt.Sprintf("%s %d", to.Event.Name, to.Schema)
			}
		}
		next.Versions = append(next.Versions, l)
	}
	return next
}
