// Package memory follows, as far as one function shows it, which variables share memory, and what writes to it.
// It goes by assignments without regard to their order, and knows the first field of a path: a.Lines and
// a.Tags are apart. What another package's function keeps or returns, it doesn't see.
package memory

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// Key names memory: a variable's, or that of one of its fields.
type Key struct {
	Var   *types.Var
	Field string // "" for all
}

func (k Key) overlaps(other Key) bool {
	return k.Var == other.Var && (k.Field == other.Field || k.Field == "" || other.Field == "")
}

// Path is where an expression leads to.
type Path struct {
	Key            // where it begins; without a variable if it begins with a call
	Via       bool // it goes through a pointer to what the field belongs to
	Level     int  // through how many pointers, slices and maps it goes after the key
	State     bool // it goes through a pointer to an aggregate, to a field that is stored
	Addressed bool // it is the address of where it leads to
}

// Crossed reports whether the path leaves the variable's own memory.
func (p Path) Crossed() bool { return p.Via || p.Level > 0 }

// depth is the level after the variable rather than after its field.
func (p Path) depth() int {
	if p.Via {
		return p.Level + 1
	}
	return p.Level
}

// path follows an expression to where it begins.
func path(info *types.Info, e ast.Expr) Path {
	var p Path
	crossed := 0
	cross := func(is bool) {
		if is {
			crossed++
		}
	}
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
			continue
		case *ast.StarExpr:
			p.State = p.State || domain.PointedAggregate(info.TypeOf(x.X)) != nil
			p.Field = ""
			cross(true)
			e = x.X
			continue
		case *ast.SelectorExpr:
			s, ok := info.Selections[x]
			if !ok {
				p.Var, _ = info.ObjectOf(x.Sel).(*types.Var) // of another package
				break
			}
			p.Field, p.Level = x.Sel.Name, crossed
			cross(s.Indirect() || isReference(info.TypeOf(x.X)))
			if a := domain.PointedAggregate(info.TypeOf(x.X)); a != nil && domain.IsStored(a, x.Sel.Name) {
				p.State = true
			}
			e = x.X
			continue
		case *ast.IndexExpr:
			p.Field = ""
			cross(isReference(info.TypeOf(x.X)))
			e = x.X
			continue
		case *ast.SliceExpr:
			e = x.X
			continue
		case *ast.TypeAssertExpr:
			e = x.X
			continue
		case *ast.Ident:
			p.Var, _ = info.ObjectOf(x).(*types.Var)
		}
		if p.Field == "" {
			p.Level = crossed
		}
		p.Via = crossed > p.Level
		return p
	}
}

// isReference reports whether values of a type share memory when they are copied.
func isReference(t types.Type) bool {
	if t == nil {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Slice, *types.Map:
		return true
	}
	return false
}

// hasReferences reports whether values of a type contain a reference.
func hasReferences(t types.Type) bool {
	seen := map[types.Type]bool{}
	var has func(types.Type) bool
	has = func(t types.Type) bool {
		if t == nil || seen[t] {
			return false
		}
		seen[t] = true
		switch u := t.Underlying().(type) {
		case *types.Tuple: // of v, ok := m[k]
			return u.Len() > 0 && has(u.At(0).Type())
		case *types.Pointer, *types.Slice, *types.Map, *types.Interface:
			return !isTime(t)
		case *types.Array:
			return has(u.Elem())
		case *types.Struct:
			if isTime(t) {
				return false
			}
			for f := range u.Fields() {
				if has(f.Type()) {
					return true
				}
			}
		}
		return false
	}
	return has(t)
}

// isTime reports whether t is time.Time, whose pointer to a location nobody writes through, or error.
func isTime(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	obj := named.Obj()
	return obj.Pkg() == nil || obj.Pkg().Path() == "time" && obj.Name() == "Time"
}

// sources returns the paths whose memory the value of an expression shares.
func sources(info *types.Info, e ast.Expr) []Path {
	e = ast.Unparen(e)
	if unary, ok := e.(*ast.UnaryExpr); ok && unary.Op == token.AND {
		if _, ok := ast.Unparen(unary.X).(*ast.CompositeLit); ok {
			return sources(info, unary.X)
		}
		p := path(info, unary.X)
		p.Addressed = true
		return []Path{p}
	}
	if !hasReferences(info.TypeOf(e)) {
		return nil
	}
	switch x := e.(type) {
	case *ast.CompositeLit:
		var all []Path
		for _, part := range x.Elts {
			if kv, ok := part.(*ast.KeyValueExpr); ok {
				part = kv.Value
			}
			all = append(all, sources(info, part)...)
		}
		return all
	case *ast.CallExpr:
		return callSources(info, x)
	}
	if p := path(info, e); p.Var != nil || p.State {
		return []Path{p}
	}
	return nil
}

func callSources(info *types.Info, call *ast.CallExpr) []Path {
	if t, ok := info.Types[call.Fun]; ok && t.IsType() && len(call.Args) == 1 {
		return sources(info, call.Args[0])
	}
	if isBuiltin(info, call, "append") {
		var all []Path
		for i, arg := range call.Args {
			if i == 0 || !call.Ellipsis.IsValid() {
				all = append(all, sources(info, arg)...)
			} else if slice, ok := info.TypeOf(arg).Underlying().(*types.Slice); ok && hasReferences(slice.Elem()) {
				all = append(all, sources(info, arg)...)
			}
		}
		return all
	}
	return nil
}

func isBuiltin(info *types.Info, call *ast.CallExpr, names ...string) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := info.Uses[id].(*types.Builtin)
	if !ok {
		return false
	}
	for _, name := range names {
		if b.Name() == name {
			return true
		}
	}
	return false
}
