package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// EventPointer finds type switches and assertions that look for a pointer to an event.
var EventPointer = newAnalyzer("eventpointer", `find type switches and assertions that look for a pointer to an event

Events are values. A pointer to one satisfies the sum of the aggregate's events too, so this
compiles, and never matches:

	switch e := event.(type) {
	case *account.Opened: // write account.Opened
	}

The suggested fix removes the star.`, eventPointer)

func eventPointer(p *pass) {
	for _, file := range p.written() {
		inspect(file, func(n ast.Node, stack []ast.Node) {
			switch n := n.(type) {
			case *ast.TypeSwitchStmt:
				for _, clause := range n.Body.List {
					p.pointerCases(n, clause.(*ast.CaseClause))
				}
			case *ast.TypeAssertExpr:
				if event, _ := p.eventPointer(n.Type); event != nil {
					p.Reportf(n.Type.Pos(), "this never succeeds, as events are values: write %s instead of *%[1]s", p.typeName(event))
				}
			}
		})
	}
}

// eventPointer returns the event that an expression names a pointer to, or nil.
func (p *pass) eventPointer(e ast.Expr) (*types.Named, *ast.StarExpr) {
	star, ok := ast.Unparen(e).(*ast.StarExpr)
	if e == nil || !ok || !p.TypesInfo.Types[e].IsType() {
		return nil, nil
	}
	return domain.Event(p.TypesInfo.TypeOf(star.X)), star
}

func (p *pass) pointerCases(s *ast.TypeSwitchStmt, clause *ast.CaseClause) {
	for _, e := range clause.List {
		event, star := p.eventPointer(e)
		if event == nil {
			continue
		}
		d := analysis.Diagnostic{
			Pos:     e.Pos(),
			End:     e.End(),
			Message: "this case never matches, as events are values: write " + p.typeName(event) + " instead of *" + p.typeName(event),
		}
		if !p.hasCase(s, event) && (len(clause.List) > 1 || p.readsFieldsOnly(clause)) {
			d.SuggestedFixes = []analysis.SuggestedFix{{
				Message:   "Remove the star",
				TextEdits: []analysis.TextEdit{{Pos: star.Pos(), End: star.X.Pos()}},
			}}
		}
		p.Report(d)
	}
}

// hasCase reports whether a switch has the case of a type already.
func (p *pass) hasCase(s *ast.TypeSwitchStmt, t types.Type) bool {
	for _, clause := range s.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			if types.Identical(p.TypesInfo.TypeOf(e), t) {
				return true
			}
		}
	}
	return false
}

// readsFieldsOnly reports whether a clause uses the switch's variable only to read fields, which is the same for
// a value.
func (p *pass) readsFieldsOnly(clause *ast.CaseClause) bool {
	v, ok := p.TypesInfo.Implicits[clause]
	if !ok {
		return true
	}
	uses, fields := 0, 0
	for _, stmt := range clause.Body {
		ast.Inspect(stmt, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if p.TypesInfo.Uses[n] == v {
					uses++
				}
			case *ast.SelectorExpr:
				id, ok := n.X.(*ast.Ident)
				if ok && p.TypesInfo.Uses[id] == v && p.TypesInfo.Selections[n] != nil && p.TypesInfo.Selections[n].Kind() == types.FieldVal {
					fields++
				}
			case *ast.AssignStmt, *ast.IncDecStmt, *ast.UnaryExpr:
				for _, w := range p.writes.In(n) {
					if w.Var == v {
						uses++
					}
				}
			}
			return true
		})
	}
	return uses == fields
}
