package model

import (
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// recall adds the versions of which the lock has the shapes and the code no structs, with the steps
// from them: those that functions of JSON texts take, those of events that the code has, those of events
// that are called otherwise now, and those that are dropped.
func (b *builder) recall() {
	for _, u := range b.raws {
		b.rawStep(u)
	}
	for _, a := range b.Aggregates {
		for _, e := range slices.Clone(a.Events) {
			b.recallVersions(e)
		}
	}
	for _, a := range b.Aggregates {
		for _, e := range slices.Clone(a.Events) {
			var former []*Event
			for _, was := range e.Was {
				if other := b.recallRenamed(e, was); other != nil {
					former = append(former, other)
				}
			}
			b.sort()
			for _, other := range former {
				b.linkRenamed(e, other)
			}
		}
	}
	for _, d := range b.Directives {
		if d.Kind == directive.Drop {
			b.drop(d)
		}
	}
}

// rawStep adds the version that a function takes as a JSON text.
func (b *builder) rawStep(u *upcast) {
	locked := b.known.Event(u.event)
	var aggregate *Aggregate
	switch e := b.events[u.event]; {
	case e != nil:
		aggregate = e.Aggregate
	case u.to != nil && u.to.version != nil:
		aggregate = u.to.version.Event.Aggregate
	case u.sum != "":
		aggregate = b.aggregates[u.sum]
	case locked != nil:
		aggregate = b.ofCategory(locked.Category)
	case len(b.Aggregates) == 1:
		aggregate = b.Aggregates[0]
	}
	if aggregate == nil {
		if u.to == nil {
			b.problems.At(u.Pos, "upcaster %s takes event %s, which is not locked, so that nothing tells its aggregate: let it return []%s", u.Func, u.event, names.Sum("Account"))
		}
		return
	}
	e := b.addEvent(aggregate, u.event)
	if other := e.version(u.schema); other != nil {
		what := other.Go
		if other.Upcast != nil && other.Upcast.Raw {
			what = "the JSON text"
		}
		b.problems.At(u.Pos, "upcaster %s takes version %d of %s, which %s is: a version has one upcaster, remove this or let it take the struct", u.Func, u.schema, u.event, what)
		return
	}
	if latest := b.current(e); latest != nil && u.schema > latest.Schema {
		b.problems.At(u.Pos, "upcaster %s takes version %d of %s, which is at version %d: write the version= of an older one", u.Func, u.schema, u.event, latest.Schema)
		return
	}
	v := &Version{Event: e, Schema: u.schema, Pos: u.Pos, Locked: locked.Version(u.schema)}
	v.Go = names.Old(names.Camel(u.event), u.schema)
	if v.Locked != nil {
		v.Go = names.Old(v.Locked.Go, u.schema)
	}
	e.Versions = append(e.Versions, v)
	u.From, v.Upcast = v, u.Upcast
	b.sort()
	b.link(u)
}

// current returns the version that is no older one's, as far as the code tells.
func (b *builder) current(e *Event) *Version {
	for _, v := range e.Versions {
		if v.Upcast == nil && v.Type != nil {
			return v
		}
	}
	return nil
}

// ofCategory returns the aggregate that has a category, or nil.
func (b *builder) ofCategory(category string) *Aggregate {
	for _, a := range b.Aggregates {
		if a.Category == category {
			return a
		}
	}
	return nil
}

// recallVersions adds the versions of an event that lie between those of the code, and, if the code has only
// upcasters of it, those above.
func (b *builder) recallVersions(e *Event) {
	locked := b.known.Event(e.Name)
	if locked == nil || e.Broken || len(e.Versions) == 0 {
		return
	}
	last := e.Versions[len(e.Versions)-1]
	var missing []*lock.Version
	for _, l := range locked.Versions {
		if v := e.version(l.Schema); v != nil {
			v.Locked = l
		} else if l.Schema < last.Schema || last.Type == nil {
			missing = append(missing, l)
		}
	}
	if len(missing) == 0 {
		return
	}
	if b.outgrown(e) {
		e.Broken = true
		return
	}
	for _, l := range missing {
		b.recallVersion(e, l, last.Pos)
	}
	b.sort()
	for i, v := range e.Versions {
		if v.Upcast == nil && v.Type == nil && i+1 < len(e.Versions) {
			v.Upcast = b.written(v, e.Versions[i+1])
		} else if v.Upcast == nil && v.Type == nil {
			b.problems.At(last.Pos, "version %d of %s is locked and leads nowhere: write func upcast%s(old json.RawMessage) … with //esgen:upcast name=%[2]s version=%[1]d above it",
				v.Schema, e.Name, names.Upper(v.Go))
			v.Upcast = &Upcast{Result: None, From: v, Pos: v.Pos}
		}
	}
}

// recallVersion adds a version that has no struct.
func (b *builder) recallVersion(e *Event, l *lock.Version, pos token.Pos) *Version {
	v := &Version{Event: e, Schema: l.Schema, Go: names.Old(l.Go, l.Schema), Locked: l, Pos: pos}
	e.Versions = append(e.Versions, v)
	return v
}

// recallRenamed adds the event that e was called before. It returns nil if there is none, which has been reported.
func (b *builder) recallRenamed(e *Event, was string) *Event {
	locked := b.known.Event(was)
	other := b.events[was]
	switch {
	case e.Broken:
		return nil
	case locked == nil:
		b.problems.At(e.wasPos, "was=%s names no event that is locked%s: write the name under which it was stored, or remove was=", was, problem.DidYouMean(was, b.lockedNames()...))
		return nil
	case locked.Category != e.Aggregate.Category:
		b.problems.At(e.wasPos, "was=%s names an event of category %s: an event can't change its stream", was, locked.Category)
		return nil
	case was == e.Name || other != nil && b.current(other) != nil:
		b.problems.At(e.wasPos, "was=%s names an event that is still there: rename its struct, or remove was=", was)
		return nil
	case other == nil:
		other = b.addEvent(e.Aggregate, was)
	}
	for _, l := range locked.Versions {
		if v := other.version(l.Schema); v != nil {
			v.Locked = l
		} else {
			b.recallVersion(other, l, e.wasPos)
		}
	}
	return other
}

// linkRenamed adds the steps from an event to what it is called now. Where another former name came
// between, the way leads over that still, as the lock tells.
func (b *builder) linkRenamed(e, other *Event) {
	for i, v := range other.Versions {
		switch {
		case v.Upcast != nil:
		case i+1 < len(other.Versions):
			v.Upcast = b.written(v, other.Versions[i+1])
		default:
			next := e.Versions[0]
			if v.Locked != nil && v.Locked.Upcast != nil {
				name, schema, _ := strings.Cut(v.Locked.Upcast.To, " ")
				n, _ := strconv.Atoi(schema)
				if via := b.events[name]; via != nil && via != other && slices.Contains(e.Was, name) && via.version(n) != nil {
					next = via.version(n)
				}
			}
			v.Upcast = b.written(v, next)
		}
	}
}

func (b *builder) lockedNames() []string {
	var all []string
	for _, e := range b.known.Events {
		all = append(all, e.Name)
	}
	return all
}

// drop adds an event that is read as nothing.
func (b *builder) drop(d directive.Attached) {
	a := b.aggregates[d.Type.Name.Name]
	name, ok := value(d, "name", "")
	locked := b.known.Event(name)
	switch {
	case a == nil:
		return
	case !ok:
		b.problems.At(d.Pos, "//esgen:drop doesn't say which event: write //esgen:drop name=%s.viewed", a.Category)
		return
	case locked == nil:
		b.problems.At(argPos(d, "name"), "//esgen:drop names no event that is locked%s: write the name under which it was stored, or remove the directive", problem.DidYouMean(name, b.lockedNames()...))
		return
	case locked.Category != a.Category:
		b.problems.At(argPos(d, "name"), "event %s is of category %s, and %s of %s: move the directive to the aggregate of the event", name, locked.Category, a.Go, a.Category)
		return
	case b.events[name] != nil:
		b.problems.At(argPos(d, "name"), "event %s is both dropped and in the code, as %s: remove one of the two", name, b.events[name].Versions[0].Go)
		return
	}
	e := b.addEvent(a, name)
	for _, l := range locked.Versions {
		v := b.recallVersion(e, l, argPos(d, "name"))
		v.Upcast = &Upcast{Result: None, From: v, Pos: v.Pos}
	}
}

// written returns a step that esgen writes from the shapes of two versions.
func (b *builder) written(v, next *Version) *Upcast {
	return &Upcast{Result: One, From: v, Next: next, Pos: v.Pos}
}

// aim finds for each step that esgen writes the struct that it leads to.
func (b *builder) aim() {
	for _, a := range b.Aggregates {
		for _, e := range a.Events {
			for _, v := range e.Versions {
				if v.Upcast != nil && v.Upcast.Written() {
					b.target(v, nil)
				}
			}
		}
	}
}

// target returns the version with a struct that a step leads to, nil if there is none, which has been
// reported. It keeps in via the versions on the way.
func (b *builder) target(v *Version, via []*Version) *Version {
	u := v.Upcast
	next := u.Next
	switch {
	case u.To != nil:
	case next.Type != nil:
		u.To = next
	case slices.Contains(via, v):
		b.problems.At(v.Pos, "version %d of %s leads back to itself through former names: remove one was=", v.Schema, v.Event.Name)
	case next.Upcast == nil:
	case !next.Upcast.Written():
		b.problems.At(next.Upcast.Pos, "version %d of %s leads to version %d, which has no struct and is read by %s: write an upcaster for version %[1]d too, such as func upcast%[5]s(old json.RawMessage) … with //esgen:upcast name=%[2]s version=%[1]d above it",
			v.Schema, v.Event.Name, next.Schema, orNothing(next.Upcast.Func), names.Upper(v.Go))
	default:
		u.To = b.target(next, append(via, v))
	}
	if u.To == nil {
		v.Event.Broken = true
		return nil
	}
	if u.Stub == "" {
		u.Stub = b.upcastStub(v.Go, u.To.Go)
	}
	return u.To
}

func orNothing(name string) string {
	if name == "" {
		return "nothing"
	}
	return name
}
