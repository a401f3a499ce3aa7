package vet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// DroppedIteration finds loops over events that drop the error.
var DroppedIteration = newAnalyzer("droppediteration", `find loops over events that drop the error

Iterators of the toolkit yield a value and an error. With one variable the error is lost, and a loop that ended
early looks like one that came to its end:

	for rec := range store.Read(ctx, stream) {    // also: for rec, _ := range
	for rec, err := range store.Read(ctx, stream) { // as it should be

The suggested fix returns the error, in functions whose only result is one.`, droppedIteration)

func droppedIteration(p *pass) {
	for _, file := range p.written() {
		inspect(file, func(n ast.Node, stack []ast.Node) {
			loop, ok := n.(*ast.RangeStmt)
			if !ok || !isFallible(p.TypesInfo.TypeOf(loop.X)) || !isBlank(loop.Value) {
				return
			}
			p.Report(analysis.Diagnostic{
				Pos: loop.Pos(), End: loop.X.End(),
				Message:        "this loop drops the iterator's error, so that an end that came early looks like the end: write for rec, err := range, and check err",
				SuggestedFixes: p.checkIteration(loop, stack),
			})
		})
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// isFallible reports whether t is an iterator over a type of the toolkit and an error.
func isFallible(t types.Type) bool {
	if t == nil {
		return false
	}
	iterator, ok := t.Underlying().(*types.Signature)
	if !ok || iterator.Params().Len() != 1 {
		return false
	}
	yield, ok := iterator.Params().At(0).Type().Underlying().(*types.Signature)
	if !ok || yield.Params().Len() != 2 || !types.Identical(yield.Params().At(1).Type(), errorType) {
		return false
	}
	value, ok := types.Unalias(yield.Params().At(0).Type()).(*types.Named)
	return ok && domain.IsToolkit(value.Obj().Pkg())
}

// checkIteration is the fix.
func (p *pass) checkIteration(loop *ast.RangeStmt, stack []ast.Node) []analysis.SuggestedFix {
	if loop.Tok == token.ASSIGN || !returnsOnlyError(p.TypesInfo, stack) || p.usesOuter(loop, "err") {
		return nil
	}
	variables := analysis.TextEdit{NewText: []byte(", err")}
	switch {
	case loop.Key == nil: // for range store.Read(…)
		variables = analysis.TextEdit{Pos: loop.Range, End: loop.Range, NewText: []byte("_, err := ")}
	case loop.Value != nil:
		variables = analysis.TextEdit{Pos: loop.Value.Pos(), End: loop.Value.End(), NewText: []byte("err")}
	default:
		variables.Pos, variables.End = loop.Key.End(), loop.Key.End()
	}
	after := loop.Body.Lbrace + 1
	return []analysis.SuggestedFix{{
		Message: "Return the error",
		TextEdits: []analysis.TextEdit{
			variables,
			{Pos: after, End: after, NewText: []byte("\nif err != nil {\n\treturn err\n}\n")},
		},
	}}
}

// usesOuter reports whether a loop's body uses a variable of that name from outside of it.
func (p *pass) usesOuter(loop *ast.RangeStmt, name string) bool {
	uses := false
	ast.Inspect(loop.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if ok && id.Name == name {
			obj := p.TypesInfo.Uses[id]
			uses = uses || obj != nil && (obj.Pos() < loop.Body.Pos() || loop.Body.End() < obj.Pos())
		}
		return !uses
	})
	return uses
}
