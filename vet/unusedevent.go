package vet

import (
	"go/ast"
	"go/types"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// UnusedEvent finds events that nothing records.
var UnusedEvent = newAnalyzer("unusedevent", `find events that nothing records

An event that is declared and applied, but never recorded, is either forgotten in a command or a relic. A
relic that was stored once must stay readable: write //esgen:retired beside its directive, or give
it an upcaster, to what it has become or to nothing.

Events that an upcaster makes are left out. That every event has an apply body is checked by esgen itself,
when it generates.`, unusedEvent)

func unusedEvent(p *pass) {
	made := map[types.Object]bool{} // by upcasters
	used := map[*types.Func]bool{}
	for _, decl := range p.domain.Funcs {
		for _, fn := range p.domain.Mentioned(decl.Body) {
			used[fn] = true
		}
		if domain.IsUpcaster(decl) {
			p.mentionedTypes(decl, made)
		}
	}
	for _, name := range p.Pkg.Scope().Names() {
		obj, ok := p.Pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || domain.Aggregate(obj.Type()) == nil {
			continue
		}
		for m := range obj.Type().(*types.Named).Methods() {
			event := domain.Recorded(m)
			if event != nil && domain.Event(event) != nil && !used[m] && !made[event.Obj()] {
				p.Reportf(event.Obj().Pos(), "event %s is never recorded: call %s in a command, or, if it does not happen any more, write //esgen:retired beside its //esgen:event, or an upcaster for what is stored", event.Obj().Name(), m.Name())
			}
		}
	}
}

// mentionedTypes adds the types that a function mentions.
func (p *pass) mentionedTypes(decl *ast.FuncDecl, types map[types.Object]bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if obj := p.TypesInfo.Uses[id]; obj != nil {
				types[obj] = true
			}
		}
		return true
	})
}
