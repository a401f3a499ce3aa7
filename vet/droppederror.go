package vet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// DroppedError finds errors of the toolkit's calls that nobody looks at.
var DroppedError = newAnalyzer("droppederror", `find errors of saves, appends and commands that nobody looks at

A Save, Update, Create or Append whose error is dropped may not have happened:

	accounts.Save(ctx, a)        // a conflict, a full disk
	_, _ = accounts.Save(ctx, a) // no better
	a.Withdraw(100)              // refused, and the transfer goes on

It looks at all functions and methods of the toolkit that return an error, at generated Decode functions, and at
commands, that is exported methods of aggregates. Close may drop its error, and so may tests those of commands and those
that they assign to _. The suggested fix returns the error, in functions whose only result is one.`, droppedError)

func droppedError(p *pass) {
	for _, file := range p.written() {
		inspect(file, func(n ast.Node, stack []ast.Node) {
			switch n := n.(type) {
			case *ast.ExprStmt:
				call, ok := ast.Unparen(n.X).(*ast.CallExpr)
				if fn := p.failing(call, file); ok && fn != nil {
					p.dropped(call, fn, p.returnError(call, fn, stack))
				}
			case *ast.GoStmt:
				if fn := p.failing(n.Call, file); fn != nil {
					p.dropped(n.Call, fn, nil)
				}
			case *ast.DeferStmt:
				if fn := p.failing(n.Call, file); fn != nil {
					p.dropped(n.Call, fn, nil)
				}
			case *ast.AssignStmt:
				if len(n.Rhs) != 1 || p.isTest(file) {
					return
				}
				call, _ := ast.Unparen(n.Rhs[0]).(*ast.CallExpr)
				last, _ := n.Lhs[len(n.Lhs)-1].(*ast.Ident)
				if fn := p.failing(call, file); fn != nil && last != nil && last.Name == "_" {
					p.dropped(call, fn, nil)
				}
			}
		})
	}
}

// failing returns the function that is called if its error matters.
func (p *pass) failing(call *ast.CallExpr, file *ast.File) *types.Func {
	if call == nil {
		return nil
	}
	fn, ok := typeutil.Callee(p.TypesInfo, call).(*types.Func)
	if !ok || !fn.Exported() || fn.Name() == "Close" {
		return nil
	}
	results := fn.Signature().Results()
	if n := results.Len(); n == 0 || !types.Identical(results.At(n-1).Type(), errorType) {
		return nil
	}
	recv := fn.Signature().Recv()
	switch {
	case domain.IsToolkit(fn.Pkg()):
	case recv != nil && domain.PointedAggregate(recv.Type()) != nil:
		if p.isTest(file) {
			return nil
		}
	case !isDecode(fn):
		return nil
	}
	return fn
}

// isDecode reports whether fn is a generated Decode function: it returns a slice of a sum of events.
func isDecode(fn *types.Func) bool {
	if !strings.HasPrefix(fn.Name(), "Decode") || fn.Signature().Results().Len() != 2 {
		return false
	}
	slice, ok := fn.Signature().Results().At(0).Type().(*types.Slice)
	if !ok {
		return false
	}
	sum, ok := types.Unalias(slice.Elem()).(*types.Named)
	if !ok || !strings.HasSuffix(sum.Obj().Name(), "Event") {
		return false
	}
	i, ok := sum.Underlying().(*types.Interface)
	return ok && i.NumMethods() == 1 && i.Method(0).Name() == "is"+sum.Obj().Name()
}

func (p *pass) dropped(call *ast.CallExpr, fn *types.Func, fixes []analysis.SuggestedFix) {
	what := "what it should have done may not have happened"
	if recv := fn.Signature().Recv(); recv != nil && domain.PointedAggregate(recv.Type()) != nil {
		what = "the command may have been refused"
	}
	p.Report(analysis.Diagnostic{
		Pos: call.Pos(), End: call.End(), SuggestedFixes: fixes,
		Message: "the error of " + fn.Name() + " is dropped: " + what + ", so check it",
	})
}

// returnError is the fix for a call that is a statement.
func (p *pass) returnError(call *ast.CallExpr, fn *types.Func, stack []ast.Node) []analysis.SuggestedFix {
	if !returnsOnlyError(p.TypesInfo, stack) {
		return nil
	}
	if _, inBlock := stack[len(stack)-1].(*ast.BlockStmt); !inBlock {
		return nil
	}
	assigned := strings.Repeat("_, ", fn.Signature().Results().Len()-1) + "err"
	return []analysis.SuggestedFix{{
		Message: "Return the error",
		TextEdits: []analysis.TextEdit{
			{Pos: call.Pos(), End: call.Pos(), NewText: []byte("if " + assigned + " := ")},
			{Pos: call.End(), End: call.End(), NewText: []byte("; err != nil {\n\treturn err\n}")},
		},
	}}
}
