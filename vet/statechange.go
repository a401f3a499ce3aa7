package vet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"

	"github.com/esgen-go/esgen/vet/internal/domain"
	"github.com/esgen-go/esgen/vet/internal/memory"
)

// StateChange finds changes of an aggregate's state outside of its apply bodies.
var StateChange = newAnalyzer("statechange", `find changes of an aggregate's state outside of its apply bodies

The state of an aggregate follows from its events. What a command, or any other code, assigns to a field
of the state is gone when the aggregate is loaded again:

	func (a *Account) Deposit(amount int64) error {
		a.Balance += amount // lost: no event says so
		return nil
	}

Record an event, and change the state in its apply body. That is also found which changes the
state by way of a pointer, slice or map of it, by a helper, or by a call of the apply method itself, which
changes the state and records nothing.

Fields that are not stored (esgen:"-") may be changed by anyone, and so may copies of the state.
Tests are left out.`, stateChange)

func stateChange(p *pass) {
	fold := p.domain.Fold(false)
	for _, decl := range p.domain.Funcs {
		fn := p.domain.Func(decl)
		if fold[fn] != nil {
			continue
		}
		p.applied(decl)
		shared := memory.NewShared(p.TypesInfo, decl)
		for _, w := range p.writes.In(decl.Body) {
			if !w.Crossed() || !w.State && !p.isState(shared, decl, w) {
				continue
			}
			what := types.ExprString(w.To)
			switch {
			case w.By == nil:
				p.Reportf(w.Node.Pos(), "%s changes the state outside of an apply body (%s), and is lost when the aggregate is loaded again: record an event and do this in its apply body", name(fn), what)
			case domain.Applied(w.By) != nil:
				// See applied.
			case p.domain.Decls[w.By] != nil && fold[w.By] == nil && takesAggregate(w):
				// Which is reported there.
			default:
				p.Reportf(w.Node.Pos(), "%s has %s change the state outside of an apply body (%s), and that is lost when the aggregate is loaded again: record an event and do this in its apply body", name(fn), w.By.Name(), what)
			}
		}
	}
}

// isState reports whether a write changes the state by way of a variable that shares memory with it.
func (p *pass) isState(shared *memory.Shared, decl *ast.FuncDecl, w memory.Write) bool {
	return shared.Written(w.Path).State &&
		!shared.Replaced(decl, w, decl.Pos(), w.Node.Pos(), func(m memory.Memory) bool { return m.State })
}

func name(fn *types.Func) string {
	if fn == nil {
		return "this function"
	}
	return fn.Name()
}

// takesAggregate reports whether a call hands over the whole state.
func takesAggregate(w memory.Write) bool {
	recv := w.By.Signature().Recv()
	if recv != nil && domain.PointedAggregate(recv.Type()) != nil {
		return true
	}
	for v := range w.By.Signature().Params().Variables() {
		if domain.PointedAggregate(v.Type()) != nil {
			return true
		}
	}
	return false
}

// applied reports calls of apply methods.
func (p *pass) applied(decl *ast.FuncDecl) {
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fn, _ := typeutil.Callee(p.TypesInfo, call).(*types.Func)
		if event := domain.Applied(fn); event != nil && domain.Event(event) != nil {
			p.Reportf(call.Pos(), "%s calls %s, which changes the state and records nothing: call record%s", decl.Name.Name, fn.Name(), fn.Name()[len("apply"):])
		}
		return true
	})
}
