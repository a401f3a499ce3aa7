package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// isUnordered reports whether a loop over e comes in any order: over a map, or an iterator over one.
func (f *foldBody) isUnordered(e ast.Expr) bool {
	if _, ok := f.TypesInfo.TypeOf(e).Underlying().(*types.Map); ok {
		return true
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	return ok && f.isCall(call, "maps", "All", "Keys", "Values")
}

func (f *foldBody) isCall(call *ast.CallExpr, pkg string, names ...string) bool {
	fn, ok := typeutil.Callee(f.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != pkg || fn.Signature().Recv() != nil {
		return false
	}
	for _, name := range names {
		if fn.Name() == name {
			return true
		}
	}
	return false
}

// collected reports what is collected from a map's iterator and not sorted.
func (f *foldBody) collected() {
	inspect(f.decl.Body, func(n ast.Node, stack []ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !f.isCall(call, "slices", "Collect", "AppendSeq") || !f.isUnordered(call.Args[len(call.Args)-1]) {
			return
		}
		for i := len(stack) - 1; i >= 0; i-- {
			if assign, ok := stack[i].(*ast.AssignStmt); ok && len(assign.Lhs) == 1 {
				if f.sortedAfter(assign.Lhs[0], assign.End()) {
					return
				}
				break
			}
		}
		f.report(call.Pos(), "lets the order of a map show (it is collected and not sorted)", "use slices.Sorted")
	})
}

// sortedAfter reports whether a slice is sorted further down in the function.
func (f *foldBody) sortedAfter(slice ast.Expr, after token.Pos) bool {
	text := types.ExprString(ast.Unparen(slice))
	sorted := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < after || len(call.Args) == 0 {
			return true
		}
		fn, ok := typeutil.Callee(f.TypesInfo, call).(*types.Func)
		if !ok || fn.Pkg() == nil {
			return true
		}
		arg := ast.Unparen(call.Args[0])
		if conv, ok := arg.(*ast.CallExpr); ok && len(conv.Args) == 1 { // sort.Sort(byName(names))
			arg = ast.Unparen(conv.Args[0])
		}
		sorts := fn.Pkg().Path() == "sort" && fn.Name() != "Search" || fn.Pkg().Path() == "slices" && strings.HasPrefix(fn.Name(), "Sort")
		sorted = sorted || sorts && types.ExprString(arg) == text
		return !sorted
	})
	return sorted
}

// orderShows says where the order of a loop over a map shows; "" if it doesn't.
func (f *foldBody) orderShows(loop *ast.RangeStmt) string {
	o := &order{foldBody: f, loop: loop}
	o.block(loop.Body.List)
	return o.shows
}

// order looks for a statement in a loop's body whose effect depends on what came before it.
type order struct {
	*foldBody
	loop  *ast.RangeStmt
	shows string
}

func (o *order) because(node ast.Node, what string) {
	if o.shows == "" {
		o.shows = "line " + strconv.Itoa(o.Fset.Position(node.Pos()).Line) + " " + what
	}
}

func (o *order) block(list []ast.Stmt) {
	for _, s := range list {
		o.stmt(s)
	}
}

func (o *order) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		for i, lhs := range s.Lhs {
			var rhs ast.Expr
			if len(s.Lhs) == len(s.Rhs) {
				rhs = s.Rhs[i]
			}
			o.assign(s, lhs, rhs)
		}
	case *ast.IncDecStmt:
		if !o.isOwn(s.X) && !o.isInteger(s.X) {
			o.because(s, "adds up what is not an integer")
		}
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok || o.isDelete(call) {
			return
		}
		if o.changesOuter(call) {
			o.because(s, "calls what changes the state")
		}
	case *ast.BlockStmt:
		o.block(s.List)
	case *ast.IfStmt:
		if s.Init != nil {
			o.stmt(s.Init)
		}
		if o.isExtreme(s) {
			return
		}
		o.stmt(s.Body)
		if s.Else != nil {
			o.stmt(s.Else)
		}
	case *ast.ForStmt:
		o.stmt(s.Body)
	case *ast.RangeStmt:
		o.stmt(s.Body)
	case *ast.SwitchStmt:
		o.stmt(s.Body)
	case *ast.TypeSwitchStmt:
		o.stmt(s.Body)
	case *ast.CaseClause:
		o.block(s.Body)
	case *ast.LabeledStmt:
		o.stmt(s.Stmt)
	case *ast.ReturnStmt:
		for _, e := range s.Results {
			if o.dependsOnLoop(e) {
				o.because(s, "returns what comes first")
			}
		}
	}
}

func (o *order) assign(s *ast.AssignStmt, lhs, rhs ast.Expr) {
	id, isIdent := ast.Unparen(lhs).(*ast.Ident)
	switch {
	case isIdent && id.Name == "_", s.Tok == token.DEFINE, o.isOwn(lhs):
	case s.Tok == token.ASSIGN && o.isKeyed(lhs):
	case s.Tok == token.ASSIGN && rhs != nil && o.isAppendTo(lhs, rhs):
		if !o.sortedAfter(lhs, o.loop.End()) {
			o.because(s, "appends, and nothing sorts after")
		}
	case s.Tok == token.ASSIGN && rhs != nil && o.isCommutative(lhs, rhs):
	case s.Tok == token.ASSIGN && rhs != nil && !o.dependsOnLoop(rhs) && !o.mentions(rhs, lhs): // the same each time
	case s.Tok == token.ASSIGN:
		o.because(s, "keeps what comes last")
	case o.isInteger(lhs) && s.Tok != token.QUO_ASSIGN && s.Tok != token.REM_ASSIGN && s.Tok != token.SHL_ASSIGN && s.Tok != token.SHR_ASSIGN:
	case o.isKeyed(lhs):
	case o.isInteger(lhs):
		o.because(s, "divides or shifts again and again")
	default:
		o.because(s, "adds up what is not an integer")
	}
}

// isOwn reports whether e is a variable of the loop's body, or the value part of one.
func (o *order) isOwn(e ast.Expr) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			obj := o.TypesInfo.ObjectOf(x)
			if obj == nil || obj.Pos() < o.loop.Body.Pos() || o.loop.Body.End() < obj.Pos() {
				return false
			}
			_, isPointer := obj.Type().Underlying().(*types.Pointer)
			return !isPointer || e == x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		default:
			return false
		}
	}
}

// isKeyed reports whether e is an element of a map or slice by what follows from the loop's key, and so another
// one each time, if different keys don't give the same.
func (o *order) isKeyed(e ast.Expr) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			if key, ok := o.loop.Key.(*ast.Ident); ok && key.Name != "_" && o.mentions(x.Index, key) {
				return true
			}
			e = x.X
		case *ast.SelectorExpr:
			// The field of what the loop's value points to, which is another one each time too.
			if id, ok := ast.Unparen(x.X).(*ast.Ident); ok {
				value, _ := o.loop.Value.(*ast.Ident)
				if value != nil && o.TypesInfo.ObjectOf(id) == o.TypesInfo.ObjectOf(value) {
					return true
				}
			}
			e = x.X
		default:
			return false
		}
	}
}

func (o *order) isAppendTo(lhs, rhs ast.Expr) bool {
	call, ok := ast.Unparen(rhs).(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && o.TypesInfo.Uses[id] == types.Universe.Lookup("append") && types.ExprString(call.Args[0]) == types.ExprString(lhs)
}

// isCommutative reports whether rhs joins lhs with something else in a way that doesn't depend on the order:
// x = x + n of integers, x = x || b, x = min(x, n).
func (o *order) isCommutative(lhs, rhs ast.Expr) bool {
	text := types.ExprString(ast.Unparen(lhs))
	is := func(e ast.Expr) bool { return types.ExprString(ast.Unparen(e)) == text }
	switch x := ast.Unparen(rhs).(type) {
	case *ast.BinaryExpr:
		switch x.Op {
		case token.ADD, token.MUL, token.AND, token.OR, token.XOR:
			return o.isInteger(lhs) && (is(x.X) || is(x.Y))
		case token.SUB:
			return o.isInteger(lhs) && is(x.X)
		case token.LAND, token.LOR:
			return is(x.X) || is(x.Y)
		}
	case *ast.CallExpr:
		id, ok := ast.Unparen(x.Fun).(*ast.Ident)
		if !ok || o.TypesInfo.Uses[id] != types.Universe.Lookup("min") && o.TypesInfo.Uses[id] != types.Universe.Lookup("max") {
			return false
		}
		for _, arg := range x.Args {
			if is(arg) {
				return true
			}
		}
	}
	return false
}

// isExtreme reports whether a statement keeps the least or greatest value: if v > most { most = v }.
func (o *order) isExtreme(s *ast.IfStmt) bool {
	cond, ok := ast.Unparen(s.Cond).(*ast.BinaryExpr)
	if !ok || s.Else != nil || len(s.Body.List) != 1 {
		return false
	}
	switch cond.Op {
	case token.LSS, token.GTR, token.LEQ, token.GEQ:
	default:
		return false
	}
	assign, ok := s.Body.List[0].(*ast.AssignStmt)
	if !ok || assign.Tok != token.ASSIGN || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
		return false
	}
	lhs, rhs := types.ExprString(assign.Lhs[0]), types.ExprString(assign.Rhs[0])
	x, y := types.ExprString(cond.X), types.ExprString(cond.Y)
	return x == lhs && y == rhs || x == rhs && y == lhs
}

func (o *order) isDelete(call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && o.TypesInfo.Uses[id] == types.Universe.Lookup("delete")
}

// changesOuter reports whether a call changes more than variables of the loop's body.
func (o *order) changesOuter(call *ast.CallExpr) bool {
	for _, w := range o.writes.In(call) {
		if w.Var == nil || w.Var.Pos() < o.loop.Body.Pos() || o.loop.Body.End() < w.Var.Pos() {
			return !o.isKeyed(w.To)
		}
	}
	return false
}

func (o *order) isInteger(e ast.Expr) bool {
	t := o.TypesInfo.TypeOf(e)
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0
}

// dependsOnLoop reports whether an expression mentions a variable of the loop.
func (o *order) dependsOnLoop(e ast.Expr) bool {
	depends := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			v, ok := o.TypesInfo.ObjectOf(id).(*types.Var)
			depends = depends || ok && !v.IsField() && o.loop.Pos() <= v.Pos() && v.Pos() < o.loop.End()
		}
		return !depends
	})
	return depends
}

// mentions reports whether an expression has another in it.
func (o *order) mentions(e, part ast.Expr) bool {
	text := types.ExprString(ast.Unparen(part))
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok {
			found = found || types.ExprString(x) == text
		}
		return !found
	})
	return found
}
