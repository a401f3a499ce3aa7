package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// checkChain reports versions that are missing and versions without an upcaster.
func (b *builder) checkChain(e *Event) {
	last := e.Versions[len(e.Versions)-1]
	var missing []string
	have := 0
	for _, v := range e.Versions {
		for ; have+1 < v.Schema && len(missing) < 5; have++ {
			missing = append(missing, strconv.Itoa(have+1))
		}
		have = v.Schema
	}
	if len(missing) > 0 {
		first, _ := strconv.Atoi(missing[0])
		b.problems.At(last.Pos, "event %s is at version %d and has no version %s: declare type %s struct and write %s",
			e.Name, last.Schema, strings.Join(missing, " and "), last.structName(first), upcastStub(last.structName(first), last.structName(first+1)))
	}
	for i, v := range e.Versions[:len(e.Versions)-1] {
		if v.Upcast == nil && !b.hasUpcast(v.Go) {
			next := e.Versions[i+1]
			b.problems.At(v.Pos, "version %d of %s has no upcaster to version %d: write %s", v.Schema, e.Name, next.Schema, upcastStub(v.Go, next.Go))
		}
	}
}

// structName returns the Go name of another version of v's event, or a proposal for one.
func (v *Version) structName(schema int) string {
	for _, other := range v.Event.Versions {
		if other.Schema == schema {
			return other.Go
		}
	}
	return v.Go + "V" + strconv.Itoa(schema)
}

// hasUpcast reports whether there is an upcaster, if a broken one, from a struct.
func (b *builder) hasUpcast(goName string) bool {
	s := b.structs[goName]
	if s != nil && s.from != nil {
		return true
	}
	return slices.ContainsFunc(b.Directives, func(d directive.Attached) bool {
		return d.Func != nil && d.Func.Type.Params.NumFields() == 1 && fmt.Sprint(d.Func.Type.Params.List[0].Type) == goName
	})
}

func upcastStub(from, to string) string {
	return fmt.Sprintf("func upcast%s(old %s) %s { … } with //esgen:upcast above it", names.Upper(from), from, to)
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
