package model

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkChain reports versions that are missing and versions without an upcaster.
func (b *builder) checkChain(e *Event) {
	var missing []string
	var above *Version // the highest one that is missing
	have := 0
	if len(e.Was) > 0 {
		have = e.Versions[0].Schema - 1 // the numbers of its former name may go on
	}
	for _, v := range e.Versions {
		if from, to := have+1, v.Schema-1; from < to {
			missing = append(missing, fmt.Sprintf("%d to %d", from, to))
			above = v
		} else if from == to {
			missing = append(missing, strconv.Itoa(to))
			above = v
		}
		have = v.Schema
	}
	if above != nil {
		b.missing(e, strings.Join(missing, " and "), above)
	}
	for i, v := range e.Versions[:len(e.Versions)-1] {
		if next := e.Versions[i+1]; v.Upcast == nil && v.Schema+1 == next.Schema {
			if f := b.forgotten(v.Go, next.Go); f != nil {
				b.problems.At(f.Name.Pos(), "version %d of %s has no upcaster, as %s lacks the directive: write //esgen:upcast above it", v.Schema, e.Name, f.Name.Name)
				continue
			}
			v.Upcast = b.written(v, next)
			v.Upcast.Stub = b.upcastStub(v.Go, next.Go)
		}
	}
}

// missing reports that there are no structs of some versions, the highest of them below v.
func (b *builder) missing(e *Event, versions string, v *Version) {
	if b.outgrown(e) {
		return
	}
	if f := b.forgotten("", v.Go); f != nil {
		b.problems.At(f.Name.Pos(), "event %s has no version %s, as %s lacks the directive: write //esgen:upcast above it", e.Name, versions, f.Name.Name)
		return
	}
	last := e.Versions[len(e.Versions)-1]
	base, _ := numbered(last.Go)
	name := base + "V" + strconv.Itoa(v.Schema-1)
	declare := ""
	s := b.structs[name]
	if s != nil && s.version == nil && s.from != nil {
		return // told of its upcaster
	}
	if !b.declaresType(name) || s != nil && s.version != nil {
		name = b.free(name)
		declare = fmt.Sprintf("declare type %s struct with the fields of that version and ", name)
	}
	why := ""
	if _, n := numbered(v.Go); v.Type != nil && b.structs[v.Go].inferred && n != v.Schema {
		why = fmt.Sprintf(" (%s is version %d, as %s leads to version %d)", v.Go, v.Schema, v.Upcast.Func, v.Schema+1)
	}
	next := ""
	if i := slices.Index(e.Versions, v); v == last && i > 0 && e.Versions[i-1].Locked != nil {
		next = fmt.Sprintf("go on with version=%d, or ", e.Versions[i-1].Schema+1)
	}
	b.problems.At(v.Pos, "event %s is at version %d and has no version %s%s: %s%swrite %s",
		e.Name, last.Schema, versions, why, next, declare, b.upcastStub(name, v.Go))
}

// outgrown reports upcasters that lead to what was the next version when they were written, and
// has a higher number since. The names of their structs tell: StartedV1 was version 1.
func (b *builder) outgrown(e *Event) bool {
	found := false
	for _, s := range b.order {
		if !s.inferred || s.version == nil || s.version.Event != e {
			continue
		}
		to := s.from.to
		base, n := numbered(s.goName)
		name := base + "V" + strconv.Itoa(n+1)
		if n == 0 || to.inferred || n+1 >= to.version.Schema || name == to.goName {
			continue
		}
		found = true
		remedy := "let it return " + name
		if !b.declaresType(name) {
			name = b.free(name)
			remedy = fmt.Sprintf("declare type %s struct as %s was, let %s return that", name, to.goName, s.from.Func)
		}
		if next := b.structs[name]; next == nil || next.from == nil {
			remedy += " and write " + b.upcastStub(name, to.goName)
		}
		b.problems.At(s.from.Pos, "upcaster %s leads to %s, which is version %d now: %s", s.from.Func, to.goName, to.version.Schema, remedy)
	}
	return found
}

// numbered splits a name such as StartedV1. For other names the number is 0.
func numbered(goName string) (base string, n int) {
	if m := versionSuffix.FindStringSubmatch(goName); m != nil {
		n, _ = strconv.Atoi(m[2])
		return m[1], n
	}
	return goName, 0
}

var versionSuffix = regexp.MustCompile(`^(.+)V([1-9][0-9]{0,8})$`)

// collision is two structs of one version.
type collision struct{ v, other *Version }

// checkCollision reports a collision, the first of each event.
func (b *builder) checkCollision(c collision) {
	e := c.v.Event
	if e.Broken {
		return
	}
	e.Broken = true
	if b.outgrown(e) {
		return
	}
	one, two := b.structs[c.v.Go], b.structs[c.other.Go]
	if one.inferred && two.inferred {
		b.problems.At(one.from.Pos, "upcasters %s and %s lead to the same version %d of %s: let that of the older struct return the newer, such as func %[1]s(old %[5]s) %[6]s",
			one.from.Func, two.from.Func, c.v.Schema+1, e.Name, one.goName, two.goName)
		return
	}
	if one.inferred {
		one, two = two, one // the one that has a directive to change
	}
	b.problems.At(one.version.Pos, "%s and %s are both version %d of %s: give %[1]s another version= or name=", one.goName, two.goName, c.v.Schema, e.Name)
}

// checkCycles reports upcasters that never reach a latest version.
func (b *builder) checkCycles() {
	done := map[*eventStruct]bool{}
	for _, first := range b.order {
		var path []*eventStruct
		s := first
		for s != nil && !done[s] && !slices.Contains(path, s) {
			path = append(path, s)
			if s.from == nil {
				s = nil
			} else {
				s = s.from.to
			}
		}
		if i := slices.Index(path, s); s != nil && i >= 0 {
			var steps []string
			for _, p := range path[i:] {
				steps = append(steps, p.goName)
			}
			b.problems.At(path[len(path)-1].from.Pos, "upcasters lead round in a circle, %s → %s: remove one of them, so that the chain ends at the latest version",
				strings.Join(steps, " → "), s.goName)
		}
		for _, p := range path {
			done[p] = true
		}
	}
}
