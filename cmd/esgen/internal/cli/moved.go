package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/base"
	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// moved returns what is released of a package with what was released of it where it was before: events that the base
// doesn't know in this folder, and does in one whose package is gone. A package that moves is no fresh start.
func (g *generation) moved(p *load.Package, released *base.Base, working, inBase *lock.Lock) (*lock.Lock, error) {
	if inBase == nil || p.Types == nil || base.Module(p.Dir) == "" {
		return inBase, nil
	}
	isNew := func(name string) bool { return inBase.Event(name) == nil }
	var names []string
	for _, e := range working.Events {
		names = append(names, e.Name)
	}
	if len(working.Events) == 0 && len(inBase.Events) == 0 {
		// Its lock was left behind, or it is new.
		for _, a := range model.Build(p, working, inBase, problem.NewList(g.fset)).Aggregates {
			for _, e := range a.Events {
				names = append(names, e.Name)
			}
		}
	}
	if !slices.ContainsFunc(names, isNew) {
		return inBase, nil
	}
	gone, err := released.Gone(base.Module(p.Dir))
	if err != nil {
		return nil, err
	}
	for _, was := range gone {
		from := &lock.Lock{Dir: inBase.Dir, Events: slices.DeleteFunc(slices.Clone(was.Events), func(e *lock.Event) bool {
			return !slices.Contains(names, e.Name) || !isNew(e.Name)
		})}
		for _, e := range from.Events {
			g.adopted[e.Name] = true
		}
		inBase = inBase.Join(from, func(*lock.Version) bool { return true })
	}
	return inBase, nil
}

// gone tells of the released events of packages that are gone from the folders that the patterns cover, unless
// their locks are still there, or another package has them.
func (g *generation) gone(released *base.Base) error {
	for _, pattern := range g.patterns {
		folder, ok := strings.CutSuffix(filepath.ToSlash(pattern), "...")
		if !ok || !strings.HasPrefix(pattern, ".") {
			continue
		}
		all, err := released.Gone(filepath.Join(g.dir, filepath.FromSlash(folder)))
		if err != nil {
			return err
		}
		for _, l := range all {
			working, err := lock.Read(filepath.Dir(l.Dir), problem.NewList(nil))
			if err != nil {
				return err
			}
			for _, e := range l.Events {
				if g.adopted[e.Name] || working.Event(e.Name) != nil {
					continue
				}
				g.tell(lost(e))
			}
		}
	}
	return nil
}

// lost is the finding of an event whose package is gone.
func lost(e *lock.Event) history.Finding {
	return history.Finding{
		Change: compat.Change{Rule: compat.EventRemoved, Verdict: compat.NeedsUpcaster},
		Event:  e.Name, Schema: e.Last().Schema, Pos: e.Pos,
		Remedy: fmt.Sprintf("bring back the package; or if it has moved, move its %s with it; or if no stream of category %s is ever to be read again, leave the lock where it was", lock.Dir, e.Category),
	}
}
