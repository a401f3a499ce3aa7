package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/esgen-go/esgen/vet/internal/domain"
	"github.com/esgen-go/esgen/vet/internal/memory"
)

// RecordedEvent finds events that are changed after they were recorded.
var RecordedEvent = newAnalyzer("recordedevent", `find events that are changed after they were recorded

A recorded event is a copy, and its slices, maps and pointers are not. What is written to those between
the record and the save is stored, and was never applied:

	a.recordOrdered(Ordered{Lines: lines})
	lines[0].Count = 2 // stored with the event

It also finds assignments to the fields of an event that was recorded, which have no effect, and apply bodies that
let the state share memory with an event, and so change the event when they change the state:

	func (o *Order) applyOrdered(e Ordered) { o.Lines = e.Lines } // write slices.Clone(e.Lines)
	func (o *Order) applyCounted(e Counted) { o.Lines[e.Line].Count = e.Count }

It sees what is visible in one function, and what the package's functions do to their arguments.`, recordedEvent)

func recordedEvent(p *pass) {
	for _, decl := range p.domain.Funcs {
		f := &recordings{pass: p, decl: decl, shared: memory.NewShared(p.TypesInfo, decl), writes: p.writes.In(decl.Body)}
		f.parents()
		ast.Inspect(decl.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
				fn, _ := typeutil.Callee(p.TypesInfo, call).(*types.Func)
				if event := domain.Recorded(fn); event != nil {
					f.recorded = append(f.recorded, call)
				}
			}
			return true
		})
		for _, call := range f.recorded {
			f.after(call)
		}
		if fn := p.domain.Func(decl); domain.Applied(fn) != nil {
			f.applied(fn)
		}
	}
	p.sharedState()
}

// recordings are the records in one function.
type recordings struct {
	*pass
	decl     *ast.FuncDecl
	shared   *memory.Shared
	writes   []memory.Write
	recorded []*ast.CallExpr
	parent   map[ast.Node]ast.Node
}

func (f *recordings) parents() {
	f.parent = map[ast.Node]ast.Node{}
	inspect(f.decl, func(n ast.Node, stack []ast.Node) {
		if len(stack) > 0 {
			f.parent[n] = stack[len(stack)-1]
		}
	})
}

// after reports the writes to an event after its record.
func (f *recordings) after(call *ast.CallExpr) {
	event := call.Args[0]
	mem := f.shared.OfValue(event)
	variable, _ := f.object(event).(*types.Var)
	for _, w := range f.writes {
		if w.By != nil && domain.Recorded(w.By) != nil || !f.follows(call, w) {
			continue
		}
		what := types.ExprString(w.To)
		switch {
		case mem.Meets(f.shared.Written(w.Path)) && !f.fresh(call, w):
			f.Reportf(w.Node.Pos(), "%s shares memory with an event that was recorded, which this changes before it is stored: record a copy (slices.Clone, maps.Clone), or change it before", what)
		case variable != nil && !w.Crossed() && w.Var == variable && w.Field != "" && call.End() <= w.Node.Pos() && !f.usedAfter(variable, w.Node.End()):
			f.Reportf(w.Node.Pos(), "%s is changed after the event was recorded, which has no effect on that: change it before", what)
		}
	}
}

func (f *recordings) object(e ast.Expr) types.Object {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		return f.TypesInfo.Uses[id]
	}
	return nil
}

// usedAfter reports whether a variable is used as a whole further down, such as for another record.
func (f *recordings) usedAfter(v *types.Var, after token.Pos) bool {
	used := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if ok && id.Pos() >= after && f.TypesInfo.Uses[id] == v {
			_, isField := f.parent[id].(*ast.SelectorExpr)
			used = used || !isField
		}
		return !used
	})
	return used
}

// follows reports whether a write can happen after a record: it comes later and not in another branch,
// or the same loop does both.
func (f *recordings) follows(call *ast.CallExpr, w memory.Write) bool {
	above := map[ast.Node]ast.Node{} // the ancestors of the record, each with the one below
	for n := ast.Node(call); n != nil; n = f.parent[n] {
		if up := f.parent[n]; up != nil {
			above[up] = n
		}
	}
	below := w.Node
	common := f.parent[w.Node]
	for common != nil && above[common] == nil {
		below, common = common, f.parent[common]
	}
	for n := common; n != nil; n = f.parent[n] {
		switch loop := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if w.Var != nil && (w.Var.Pos() < loop.Pos() || loop.End() < w.Var.Pos()) && !f.leaves(call, loop) {
				return true
			}
		}
	}
	if w.Node.Pos() < call.End() {
		return false
	}
	switch common := common.(type) {
	case *ast.IfStmt:
		if above[common] == common.Body && below == common.Else {
			return false
		}
	case *ast.BlockStmt:
		_, isCase := below.(*ast.CaseClause)
		if isCase && above[common] != below {
			return false
		}
	}
	return !f.leaves(call, common)
}

// leaves reports whether the function is left in a block between a record and what is around it.
func (f *recordings) leaves(call *ast.CallExpr, common ast.Node) bool {
	for n := ast.Node(call); n != nil && n != common; n = f.parent[n] {
		var list []ast.Stmt
		switch n := n.(type) {
		case *ast.BlockStmt:
			list = n.List
		case *ast.CaseClause:
			list = n.Body
		}
		if len(list) == 0 {
			continue
		}
		switch last := list[len(list)-1].(type) {
		case *ast.ReturnStmt:
			return true
		case *ast.BranchStmt:
			return last.Tok == token.BREAK || last.Tok == token.GOTO || last.Tok == token.CONTINUE && !isLoop(common)
		case *ast.ExprStmt:
			call, ok := last.X.(*ast.CallExpr)
			if id, isIdent := ast.Unparen(callee(call)).(*ast.Ident); ok && isIdent && f.TypesInfo.Uses[id] == types.Universe.Lookup("panic") {
				return true
			}
		}
	}
	return false
}

func isLoop(n ast.Node) bool {
	switch n.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
		return true
	}
	return false
}

func callee(call *ast.CallExpr) ast.Expr {
	if call == nil {
		return nil
	}
	return call.Fun
}

// fresh reports whether what is written to was given other memory since the record, or in the same turn of a loop.
func (f *recordings) fresh(call *ast.CallExpr, w memory.Write) bool {
	if w.Var == nil || !w.Crossed() {
		return false
	}
	if call.End() <= w.Node.Pos() {
		return f.replaced(w, call.End(), w.Node.Pos())
	}
	for n := f.parent[w.Node]; n != nil; n = f.parent[n] {
		switch loop := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return f.replaced(w, loop.Pos(), w.Node.Pos()) || f.replaced(w, call.End(), loop.End())
		}
	}
	return false
}

func (f *recordings) replaced(w memory.Write, from, to token.Pos) bool {
	return f.shared.Replaced(f.decl, w, from, to, func(m memory.Memory) bool { return m.Has(w.Var) })
}

// applied reports what an apply body does to its event.
func (f *recordings) applied(fn *types.Func) {
	event := fn.Signature().Params().At(0)
	mem := f.shared.OfVariable(event)
	other := func(m memory.Memory) bool { return m.Has(event) }
	for _, w := range f.writes {
		if w.Crossed() && mem.Meets(f.shared.Written(w.Path)) && !f.shared.Replaced(f.decl, w, f.decl.Pos(), w.Node.Pos(), other) {
			f.Reportf(w.Node.Pos(), "%s changes the event that it applies, by way of %s, before that is stored: change a copy (slices.Clone, maps.Clone)", fn.Name(), types.ExprString(w.To))
		}
	}
}

// sharedState reports where a field of the state takes over a slice or map of an event, if the package changes
// that field's elements anywhere.
func (p *pass) sharedState() {
	changed := map[*types.Var]bool{} // fields of states
	for _, decl := range p.domain.Funcs {
		shared := memory.NewShared(p.TypesInfo, decl)
		for _, w := range p.writes.In(decl.Body) {
			for _, field := range shared.Written(w.Path).Fields() {
				changed[field] = true
			}
		}
	}
	for _, decl := range p.domain.Funcs {
		fn := p.domain.Func(decl)
		if domain.Applied(fn) == nil {
			continue
		}
		event := fn.Signature().Params().At(0)
		ast.Inspect(decl.Body, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if !ok || assign.Tok != token.ASSIGN || len(assign.Lhs) != len(assign.Rhs) {
				return true
			}
			for i, rhs := range assign.Rhs {
				field := p.stateField(assign.Lhs[i])
				sel, ok := ast.Unparen(rhs).(*ast.SelectorExpr)
				if field == nil || !changed[field] || !ok {
					continue
				}
				if id, ok := ast.Unparen(sel.X).(*ast.Ident); !ok || p.TypesInfo.Uses[id] != event {
					continue
				}
				clone := ""
				switch p.TypesInfo.TypeOf(rhs).Underlying().(type) {
				case *types.Slice:
					clone = "slices.Clone"
				case *types.Map:
					clone = "maps.Clone"
				default:
					continue
				}
				p.Report(analysis.Diagnostic{
					Pos: rhs.Pos(), End: rhs.End(),
					Message: "field " + field.Name() + " of the state shares memory with the event, which changes of the state then change before it is stored: write " +
						clone + "(" + types.ExprString(rhs) + ")",
					SuggestedFixes: p.cloneFix(decl, rhs, clone),
				})
			}
			return true
		})
	}
}

// stateField returns the field of an aggregate that an expression is, or nil.
func (p *pass) stateField(e ast.Expr) *types.Var {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok || domain.PointedAggregate(p.TypesInfo.TypeOf(sel.X)) == nil {
		return nil
	}
	field, _ := p.TypesInfo.Uses[sel.Sel].(*types.Var)
	return field
}

// cloneFix is safe where the file imports the package that clones.
func (p *pass) cloneFix(decl *ast.FuncDecl, e ast.Expr, clone string) []analysis.SuggestedFix {
	pkg, _, _ := strings.Cut(clone, ".")
	for _, file := range p.domain.Files {
		if file.FileStart > decl.Pos() || decl.Pos() > file.FileEnd {
			continue
		}
		for _, spec := range file.Imports {
			if spec.Name == nil && spec.Path.Value == `"`+pkg+`"` {
				return []analysis.SuggestedFix{{
					Message: "Copy it",
					TextEdits: []analysis.TextEdit{
						{Pos: e.Pos(), End: e.Pos(), NewText: []byte(clone + "(")},
						{Pos: e.End(), End: e.End(), NewText: []byte(")")},
					},
				}}
			}
		}
	}
	return nil
}
