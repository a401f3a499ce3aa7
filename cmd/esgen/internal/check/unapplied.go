package check

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// unapplied reports apply methods that nothing calls: of events that are never applied, and
// of types that are no events.
func (c *checker) unapplied(a *model.Aggregate) {
	for _, v := range a.Old() {
		if m := methodOf(a.Type, names.Apply(v.Go)); m != nil && v.Type != nil && !v.Assign && !c.mentioned(m.Name()) {
			c.problems.At(m.Pos(), "%s is never called, as %s %s: delete the method%s", m.Name(), upcaster(v.Upcast), fate(v), orUpcaster(v))
		}
	}
	for m := range a.Type.Methods() {
		sig := m.Signature()
		if !strings.HasPrefix(m.Name(), "apply") || sig.Params().Len() != 1 || sig.Results().Len() > 0 {
			continue
		}
		t, ok := types.Unalias(sig.Params().At(0).Type()).(*types.Named)
		if !ok || t.Obj().Pkg() != c.Types || m.Name() != names.Apply(t.Obj().Name()) {
			continue
		}
		if name := t.Obj().Name(); !c.isEvent(name) && !c.Doubtful[name] && !c.mentioned(m.Name()) {
			c.problems.At(m.Pos(), "%s applies %s, which is no event: write //esgen:event above type %[2]s, or delete the method", m.Name(), name)
		}
	}
}

func upcaster(u *model.Upcast) string {
	if u.Written() {
		return "esgen's upcaster"
	}
	return "upcaster " + u.Func
}

// fate says what becomes of an event that is upcast.
func fate(v *model.Version) string {
	switch v.Upcast.Result {
	case model.None:
		return "drops " + v.Go
	case model.Many:
		return "splits " + v.Go
	}
	if v.Upcast.To == nil {
		return "takes " + v.Go
	}
	return "turns " + v.Go + " into " + v.Upcast.To.Go
}

// orUpcaster completes the remedy where the event can live without its upcaster.
func orUpcaster(v *model.Version) string {
	if v.Schema < v.Event.Last() || v.Upcast.Result == model.One {
		return ""
	}
	return ", or the upcaster if the event still happens"
}

// isEvent reports whether a struct is a version of an event, if a broken one, of any aggregate.
func (c *checker) isEvent(goName string) bool {
	for _, d := range c.Directives {
		if d.Type != nil && d.Type.Name.Name == goName {
			return true
		}
	}
	for _, a := range c.Aggregates {
		for _, e := range a.Events {
			for _, v := range e.Versions {
				if v.Go == goName {
					return true
				}
			}
		}
	}
	return false
}

// mentioned reports whether any code calls, or otherwise selects, a method of that name.
func (c *checker) mentioned(method string) bool {
	found := false
	for _, file := range c.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			found = found || ok && sel.Sel.Name == method
			return !found
		})
	}
	return found
}
