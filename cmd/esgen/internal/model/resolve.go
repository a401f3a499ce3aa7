package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// resolveAll gives every struct its event and version, and links the upcasters to them.
func (b *builder) resolveAll() {
	for _, s := range b.order {
		b.resolve(s)
	}
	for _, u := range b.upcasts {
		b.link(u)
	}
	b.sort()
	for _, c := range b.collisions {
		b.checkCollision(c)
	}
	b.recall()
	b.sort()
	for _, a := range b.Aggregates {
		if len(a.Latest()) == 0 && !b.Broken && !b.brokenEvent() {
			b.problems.At(a.Pos, "aggregate %s has no events: write //esgen:event above the struct of each", a.Go)
		}
		for _, e := range a.Events {
			if !e.Broken {
				b.checkChain(e)
			}
		}
	}
	b.checkCycles()
	b.aim()
}

// resolve finds out of which event s is which version. Where the directive doesn't say
// so, or there is none, the upcaster to the next version does.
func (b *builder) resolve(s *eventStruct) *Version {
	if s.state != unresolved {
		return s.version // nil in a cycle, which checkCycles reports
	}
	s.state = resolving
	defer func() { s.state = resolved }()

	declared := s.Type != nil
	name, hasName := value(s.Attached, "name", "")
	version, hasVersion := value(s.Attached, "version", "1")
	schema, _ := strconv.Atoi(version)
	var next *Version
	if s.from != nil && s.from.Result == One && !(hasName && hasVersion) {
		next = b.resolve(s.from.to)
	}
	aggregate := b.aggregateOf(s, next)
	switch {
	case !declared && (s.from == nil || s.from.Result != One):
		b.unknown(s)
		return nil
	case !declared && next == nil:
		return nil // told of the target
	case aggregate == nil:
		return nil
	case next != nil && next.Event.Aggregate == aggregate:
		if !hasName {
			name = next.Event.Name
		}
		if !hasVersion && name == next.Event.Name {
			schema, s.inferred = next.Schema-1, true
		}
		if schema < 1 && !next.Event.Broken && !b.Doubtful[s.goName] {
			b.below(s, next)
		}
		if schema < 1 {
			return nil
		}
	case !hasName:
		name = aggregate.Category + "." + names.Snake(s.goName)
		if !isEventName(name) {
			b.problems.At(s.Type.Name.Pos(), "event %s has no name in ASCII: write name=%s.… at its directive", s.goName, aggregate.Category)
			return nil
		}
	}
	s.version = b.add(s, aggregate, name, schema)
	return s.version
}

// below reports an upcaster from s to a version below which there is none.
func (b *builder) below(s *eventStruct, next *Version) {
	last := s.from.to
	for last.inferred {
		last = last.from.to
	}
	remedy := fmt.Sprintf("write version=%d at %s's directive", last.version.Schema+1, last.goName)
	if _, n := numbered(s.goName); n == 0 {
		remedy += fmt.Sprintf(", or if %s is an event of its own, %s", s.goName, b.directiveFor(s))
	}
	b.problems.At(s.from.Pos, "upcaster %s leads to version 1 of %s, so that %s has no version below: %s",
		s.from.Func, next.Event.Name, s.goName, remedy)
}

func (b *builder) add(s *eventStruct, aggregate *Aggregate, name string, schema int) *Version {
	v := &Version{Schema: schema, Go: s.goName, Type: s.named, Pos: s.named.Obj().Pos()}
	_, v.Assign = value(s.Attached, "apply", "")
	if allow, given := value(s.Attached, "allow", ""); given {
		v.Allow = strings.Split(allow, ",")
	}
	if v.Assign {
		v.AssignPos = argPos(s.Attached, "apply")
	}
	v.Retired = s.retired
	e := b.addEvent(aggregate, name)
	v.Event = e
	if was, ok := value(s.Attached, "was", ""); ok {
		e.Was, e.wasPos = append(e.Was, strings.Split(was, ",")...), argPos(s.Attached, "was")
	}
	e.Broken = e.Broken || b.Doubtful[v.Go]
	if e.Aggregate != aggregate {
		b.problems.At(v.Pos, "event name %s belongs to aggregate %s and to %s: give %s another name=", name, e.Aggregate.Go, aggregate.Go, v.Go)
	}
	for _, other := range e.Versions {
		if other.Schema == schema {
			b.collisions = append(b.collisions, collision{v, other})
			return v
		}
	}
	e.Versions = append(e.Versions, v)
	return v
}

// addEvent returns the event of that name, which is made if need be.
func (b *builder) addEvent(aggregate *Aggregate, name string) *Event {
	e := b.events[name]
	if e == nil {
		e = &Event{Name: name, Aggregate: aggregate}
		b.events[name] = e
		aggregate.Events = append(aggregate.Events, e)
	}
	return e
}

// aggregateOf returns the aggregate that the event belongs to. It reports what the
// directive should say where it doesn't.
func (b *builder) aggregateOf(s *eventStruct, next *Version) *Aggregate {
	if name, ok := value(s.Attached, "aggregate", ""); ok {
		a := b.aggregates[name]
		if a == nil && !b.Doubtful[name] {
			b.problems.At(argPos(s.Attached, "aggregate"), "aggregate=%s names no aggregate of this package%s: write %s", name,
				problem.DidYouMean(name, b.aggregateNames()...), b.aggregateChoice())
		}
		return a
	}
	switch {
	case next != nil:
		return next.Event.Aggregate
	case s.Type == nil:
		return nil
	case len(b.Aggregates) == 1:
		return b.Aggregates[0]
	case len(b.Aggregates) == 0:
		if !b.Broken && !b.brokenAggregate() {
			b.problems.At(s.Type.Name.Pos(), "event %s has no aggregate: write //esgen:aggregate above the state struct of this package", s.goName)
		}
	default:
		b.problems.At(s.Type.Name.Pos(), "event %s could belong to each of the package's aggregates: write %s at its directive", s.goName, b.aggregateChoice())
	}
	return nil
}

// brokenAggregate reports whether an aggregate was declared that is none, which has
// been reported.
func (b *builder) brokenAggregate() bool {
	return slices.ContainsFunc(b.Directives, func(d directive.Attached) bool { return d.Kind == directive.Aggregate })
}

// brokenEvent reports whether an event was declared that is none, which has been reported.
func (b *builder) brokenEvent() bool {
	return slices.ContainsFunc(b.Directives, func(d directive.Attached) bool {
		return d.Kind == directive.Event && (b.structs[d.Type.Name.Name] == nil || b.structs[d.Type.Name.Name].version == nil)
	})
}

func (b *builder) aggregateNames() []string {
	var all []string
	for _, a := range b.Aggregates {
		all = append(all, a.Go)
	}
	return all
}

func (b *builder) aggregateChoice() string {
	all := b.aggregateNames()
	for i := range all {
		all[i] = "aggregate=" + all[i]
	}
	if len(all) == 0 {
		return "//esgen:aggregate above its state struct"
	}
	return strings.Join(all, " or ")
}

// unknown reports a struct that upcasters mention and nothing declares.
func (b *builder) unknown(s *eventStruct) {
	if b.Doubtful[s.goName] {
		return
	}
	for _, u := range slices.Concat(b.upcasts, b.raws) {
		if u.to == s {
			b.problems.At(u.Pos, "upcaster %s leads to %s, which is no event: write //esgen:event above type %[2]s", u.Func, s.goName)
			return
		}
	}
	if s.from != nil {
		b.problems.At(s.from.Pos, "upcaster %s takes %s, and nothing tells its event and version: write %s",
			s.from.Func, s.goName, b.directiveFor(s))
		if v := b.namesake(s); v != nil {
			v.Event.Broken = true
		}
	}
}

func (b *builder) link(u *upcast) {
	from := u.From
	if !u.Raw {
		from = u.from.version
	}
	if from == nil {
		if u.to != nil && u.to.version != nil {
			u.to.version.Event.Broken = true
		}
		return
	}
	u.From, from.Upcast = from, u.Upcast
	if u.to != nil {
		u.To = u.to.version
		if u.To == nil {
			from.Event.Broken = true
			return
		}
		if u.To.Event.Aggregate != from.Event.Aggregate {
			b.problems.At(u.Pos, "upcaster %s leads from an event of %s to one of %s: an event can't change its stream", u.Func, from.Event.Aggregate.Go, u.To.Event.Aggregate.Go)
			return
		}
		if u.To.Event == from.Event && u.To.Schema <= from.Schema {
			b.problems.At(u.Pos, "upcaster %s leads back from version %d to version %d of %s: it must lead to a later one", u.Func, from.Schema, u.To.Schema, from.Event.Name)
			return
		}
	} else if u.sum != "" && u.sum != from.Event.Aggregate.Go {
		b.problems.At(u.Pos, "upcaster %s leads from an event of %s to events of %s: an event can't change its stream", u.Func, from.Event.Aggregate.Go, u.sum)
	}
}
