package history

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Finding is one change of a package to what is released, and what it asks for.
type Finding struct {
	compat.Change
	Event    string         // the stored name
	Schema   int            // the locked version that the change is to; 0 for events that are new
	Pos      token.Position // of the field, or of the event's struct, or in the lock where the code has neither
	Remedy   string         // what to write; "" for a safe change
	Excepted bool           // the event's directive allows it
	Spent    bool           // it would, but what it was written for is released, and it may not hide another change
}

// String returns the finding without its position, in one line.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", f.Rule, f.Event)
	if f.Path != "" {
		b.WriteString(" " + f.Path)
	}
	switch {
	case f.From != "" && f.To != "":
		b.WriteString(" " + f.From + "→" + f.To)
	case f.From+f.To != "":
		b.WriteString(" " + f.From + f.To)
	}
	if f.Schema > 0 {
		fmt.Fprintf(&b, " (locked in v%d)", f.Schema)
	}
	fmt.Fprintf(&b, ": %s", f.Verdict)
	if f.Verdict != compat.StopsReaders {
		b.WriteString(": " + f.Rule.Means())
	}
	switch {
	case f.Excepted:
		b.WriteString(": allowed")
	case f.Spent:
		fmt.Fprintf(&b, ": allow=%s was for a change that is released, and may be written for another once its removal is: remove it and %s", f.Exception(), f.Remedy)
	case f.Remedy != "":
		b.WriteString(": " + f.Remedy)
	}
	return b.String()
}

// Breaks reports whether the change must not be released as it is.
func (f Finding) Breaks() bool { return f.Verdict > compat.Safe && !f.Excepted }

// Report adds the finding to a list of problems.
func (f Finding) Report(problems *problem.List) {
	problems.AddDetailed(f.Pos, f.String(), problem.Detail{
		Rule: string(f.Rule), Event: f.Event, Version: f.Schema, Path: f.Path, From: f.From, To: f.To,
		Verdict: f.Verdict.String(), Remedy: f.Remedy, Harmless: !f.Breaks(),
	})
}

// Findings returns all changes of a package to what is released, the safe ones too, by position.
func Findings(fset *token.FileSet, p *model.Package, released *lock.Lock) []Finding {
	j := &judge{Package: p, fset: fset, released: released}
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			j.event(e)
		}
	}
	j.removed()
	j.unused(Rolling(fset, p, released))
	slices.SortStableFunc(j.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Pos.Filename, b.Pos.Filename), cmp.Compare(a.Pos.Line, b.Pos.Line), strings.Compare(a.Event, b.Event), strings.Compare(a.Path, b.Path))
	})
	return j.findings
}

// Rolling returns what the build that wrote the lock can't read of what the code stores now, while
// both run side by side.
func Rolling(fset *token.FileSet, p *model.Package, released *lock.Lock) []Finding {
	j := &judge{Package: p, fset: fset, released: released}
	for _, a := range p.Aggregates {
		for _, v := range a.Latest() {
			locked := released.Event(v.Event.Name)
			switch old := locked.Version(v.Schema); {
			case locked == nil:
				j.rolling(v, compat.Change{Rule: compat.EventAdded})
			case old == nil:
				j.rolling(v, compat.Change{Rule: compat.EventVersionAdded, From: fmt.Sprintf("v%d", locked.Last().Schema), To: fmt.Sprintf("v%d", v.Schema)})
			case old.State == lock.Upcast && *old.Upcast == lock.Step{}:
				j.rolling(v, compat.Change{Rule: compat.EventDropped})
			case old.State == lock.Upcast:
				j.rolling(v, compat.Change{Rule: compat.EventUpcast, To: old.Upcast.To})
			default:
				for _, c := range compat.Rolling(old.Shape, v.Shape) {
					j.rolling(v, c)
				}
			}
		}
	}
	return j.findings
}

// judge collects the findings of a package.
type judge struct {
	*model.Package
	fset     *token.FileSet
	released *lock.Lock
	findings []Finding
}

func (j *judge) position(pos token.Pos) token.Position { return j.fset.PositionFor(pos, false) }

// event compares an event of the code with what is locked of it.
func (j *judge) event(e *model.Event) {
	locked := j.released.Event(e.Name)
	last := e.Versions[len(e.Versions)-1]
	if locked == nil {
		j.add(last, 0, compat.Change{Rule: compat.EventAdded, Verdict: compat.Safe}, "")
		return
	}
	if locked.Category != e.Aggregate.Category {
		j.moved(last, locked)
	}
	for _, v := range e.Versions {
		old := locked.Version(v.Schema)
		if old == nil {
			j.add(v, 0, compat.Change{Rule: compat.EventVersionAdded, To: fmt.Sprintf("v%d", v.Schema)}, "")
			continue
		}
		if v == last {
			j.became(v, old)
		}
		if v.Type == nil {
			continue
		}
		for _, c := range compat.Readers(old.Shape, v.Shape) {
			j.add(v, v.Schema, c, remedy(v, last, c))
		}
	}
	for _, old := range locked.Versions {
		if j.missing(e, old.Schema) {
			name := old.Go
			if j.Taken(name) { // by a later version, as a rule
				name = names.Old(name, old.Schema)
			}
			j.add(last, old.Schema, compat.Change{Rule: compat.EventVersionRemoved, Verdict: compat.NeedsUpcaster, From: fmt.Sprintf("v%d", old.Schema)},
				fmt.Sprintf("bring back its upcaster, and the struct of version=%d, %s", old.Schema, lock.Struct(name, old.Schema, old.Shape, j.Current(), j.Taken)))
		}
	}
}

// became tells what has become of the highest version of an event.
func (j *judge) became(v *model.Version, old *lock.Version) {
	c := compat.Change{Rule: compat.EventGoRenamed, From: old.Go, To: v.Go}
	dropped := old.State == lock.Upcast && *old.Upcast == lock.Step{}
	switch {
	case v.Upcast != nil && v.Upcast.Result == model.None:
		if dropped || old.State == lock.Upcast && v.Upcast.Func != "" { // which may have dropped it before
			return
		}
		c = compat.Change{Rule: compat.EventDropped}
	case v.Upcast != nil:
		if old.State == lock.Upcast && !dropped {
			return
		}
		c = compat.Change{Rule: compat.EventUpcast}
	case old.State == lock.Upcast && old.Upcast.Func != "":
		j.add(v, v.Schema, compat.Change{Rule: compat.UpcasterRemoved, Verdict: compat.UpcasterRemoved.Verdict(), From: old.Upcast.Func},
			fmt.Sprintf("bring back func %s with //esgen:upcast above it, and give what is stored from now on a version=%d", old.Upcast.Func, v.Schema+1))
		return
	case old.State == lock.Upcast:
		c = compat.Change{Rule: compat.EventRestored}
	case v.Retired && old.State == lock.Current:
		c = compat.Change{Rule: compat.EventRetired}
	case old.Go == v.Go:
		return
	}
	if other := j.exchanged(v); other != "" && v.Upcast == nil {
		j.add(v, v.Schema, compat.Change{Rule: compat.EventExchanged, Verdict: compat.EventExchanged.Verdict(), From: old.Go, To: v.Go},
			fmt.Sprintf("write name=%s at the directive of %s again", other, v.Go))
		return
	}
	j.add(v, v.Schema, c, "")
}

// exchanged returns the name of another event whose struct that of v was, if the code stores that by another
// struct now; "" if it isn't so.
func (j *judge) exchanged(v *model.Version) string {
	for _, other := range j.released.Events {
		if e := j.find(other.Name); other.Name != v.Event.Name && other.Last().Go == v.Go && e != nil {
			return other.Name
		}
	}
	return ""
}

// missing reports whether the code has lost a version that it needs: versions from the first that it
// has have to be there. (Below it, and in between, the generator writes what the lock has the shape for.)
func (j *judge) missing(e *model.Event, schema int) bool {
	return !slices.ContainsFunc(e.Versions, func(v *model.Version) bool { return v.Schema == schema })
}

// moved reports that a struct whose event was locked stands for one of another category.
func (j *judge) moved(v *model.Version, locked *lock.Event) {
	to := v.Event.Aggregate
	fix := fmt.Sprintf("write //esgen:aggregate name=%s on %s: its streams are stored under that", locked.Category, to.Go)
	if i := slices.IndexFunc(j.Aggregates, func(a *model.Aggregate) bool { return a.Category == locked.Category }); i >= 0 {
		fix = fmt.Sprintf("write name=%s aggregate=%s at the directive of %s, and declare another struct for the event of %s", locked.Name, j.Aggregates[i].Go, v.Go, to.Go)
	}
	f := Finding{
		Change: compat.Change{Rule: compat.EventMoved, Verdict: compat.EventMoved.Verdict(), From: locked.Category, To: to.Category},
		Event:  locked.Name, Schema: locked.Last().Schema, Pos: j.position(v.Pos), Remedy: fix,
	}
	j.except(&f, v)
	j.findings = append(j.findings, f)
}

// removed reports locked events that the code doesn't have.
func (j *judge) removed() {
	for _, locked := range j.released.Events {
		if j.find(locked.Name) != nil {
			continue
		}
		v, sure := j.successor(locked)
		if v != nil && v.Event.Aggregate.Category != locked.Category {
			j.moved(v, locked)
			continue
		}
		f := Finding{
			Change: compat.Change{Rule: compat.EventRemoved, Verdict: compat.EventRemoved.Verdict()},
			Event:  locked.Name, Schema: locked.Last().Schema, Pos: locked.Pos,
			Remedy: fmt.Sprintf("bring back %s with //esgen:event name=%s, and //esgen:retired if it doesn't happen any more; or write was=%[2]s at the directive of the event that it has become, //esgen:upcast above a function from that struct if it has become several, or //esgen:drop name=%[2]s above type %[3]s if it is to be skipped",
				locked.Last().Go, locked.Name, locked.Aggregate),
		}
		if v != nil {
			f.Pos = j.position(v.Pos)
			f.To = v.Event.Name
			remedy := fmt.Sprintf("write name=%[2]s at the directive of %[1]s, or was=%[2]s if new ones are to be stored as %[3]s", v.Go, locked.Name, v.Event.Name)
			if !sure {
				remedy += "; or if it is another event, " + f.Remedy
			}
			f.Remedy = remedy
		}
		j.findings = append(j.findings, f)
	}
}

func (j *judge) find(name string) *model.Event {
	for _, a := range j.Aggregates {
		for _, e := range a.Events {
			if e.Name == name {
				return e
			}
		}
	}
	return nil
}

// successor returns the version of a new event that a locked one which is gone is likely to have become: one whose struct has its
// name, which is sure, or else the only one that is stored alike, in the same streams.
func (j *judge) successor(locked *lock.Event) (v *model.Version, sure bool) {
	var alike []*model.Version
	for _, a := range j.Aggregates {
		for _, v := range a.Latest() {
			switch {
			case j.released.Event(v.Event.Name) != nil:
			case v.Go == locked.Last().Go:
				return v, true
			case a.Category == locked.Category && lock.Same(locked.Last().Shape, v.Shape):
				alike = append(alike, v)
			}
		}
	}
	if len(alike) == 1 {
		return alike[0], false
	}
	return nil, false
}

func (j *judge) add(v *model.Version, schema int, c compat.Change, remedy string) {
	f := Finding{Change: c, Event: v.Event.Name, Schema: schema, Pos: j.position(v.Pos), Remedy: remedy}
	if c.Field != nil && j.own(c.Field.Pos) {
		f.Pos = j.position(c.Field.Pos)
	}
	j.except(&f, v)
	j.findings = append(j.findings, f)
}

// except notes that the directive of a version allows the finding. An exception that is released has been used: else it would allow all that
// comes after it, too.
func (j *judge) except(f *Finding, v *model.Version) {
	if slices.Contains(v.Allow, f.Exception()) {
		locked := j.released.Event(v.Event.Name).Version(v.Schema)
		f.Spent = locked != nil && slices.Contains(locked.Allow, f.Exception())
		f.Excepted = !f.Spent
	}
}

// unused tells of exceptions that no finding needs, be it one of those that are told only where builds run side by side.
func (j *judge) unused(rolling []Finding) {
	needed := map[string]bool{}
	for _, f := range append(rolling, j.findings...) {
		needed[f.Event+" "+f.Exception()] = true
	}
	for _, a := range j.Aggregates {
		for _, e := range a.Events {
			for _, v := range e.Versions {
				for _, allow := range v.Allow {
					if !needed[e.Name+" "+allow] {
						j.add(v, v.Schema, compat.Change{Rule: compat.EventAllowUnused, To: allow}, "remove it from the directive")
					}
				}
			}
		}
	}
}

// own reports whether a position is in a file of the package.
func (j *judge) own(pos token.Pos) bool {
	return slices.ContainsFunc(j.Files, func(f *ast.File) bool { return f.FileStart <= pos && pos <= f.FileEnd })
}

// remedy says what to write for a change to a version.
func remedy(v, last *model.Version, c compat.Change) string {
	if c.Verdict == compat.Safe {
		return ""
	}
	if v != last || v.Upcast != nil {
		return fmt.Sprintf("undo the change: %s is what version %d was stored as", v.Go, v.Schema)
	}
	bump := fmt.Sprintf("write version=%d at the directive of %s: esgen then writes the upcaster", v.Schema+1, v.Go)
	if c.Verdict == compat.NeedsUpcaster {
		bump += ", or says what it lacks, with the function and the old struct to paste"
	}
	if c.Remedy != "" {
		return c.Remedy + "; or " + bump
	}
	return bump
}

func (j *judge) rolling(v *model.Version, c compat.Change) {
	c.Verdict = compat.StopsReaders
	remedy := "stop that build before this one starts; or take two releases, one that reads both forms and then one that stores the new"
	switch c.Rule {
	case compat.EventAdded:
		remedy = "deploy this build everywhere before the first is recorded: keep the commands that record it switched off until then"
	case compat.EventVersionAdded:
		remedy = "stop that build before this one starts: it refuses a schema version that it doesn't know"
	case compat.EventDropped:
		remedy = "stop that build before this one starts: it skips such events, and new ones too"
	case compat.EventUpcast:
		remedy = "stop that build before this one starts: it brings such events to others, and new ones too"
	}
	j.add(v, 0, c, remedy)
}
