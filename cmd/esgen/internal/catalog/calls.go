package catalog

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// calls knows which functions of a package mention which, by their names: the package may not
// compile, and what calls a method of the same name on another type of the package is told too often
// rather than left out.
type calls struct {
	funcs  []*function
	byName map[string][]*function // methods and functions
}

type function struct {
	*ast.FuncDecl
	receiver string // the type's name; "" for functions
	mentions map[mention]bool
}

// mention is a name in a function's body.
type mention struct {
	receiver string // if it is a method or field of the function's own receiver: that one's type
	selected bool
	name     string
}

func readCalls(files []*ast.File) *calls {
	c := &calls{byName: map[string][]*function{}}
	for _, file := range files {
		for _, decl := range file.Decls {
			decl, ok := decl.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			f := &function{FuncDecl: decl, mentions: map[mention]bool{}}
			self := ""
			if decl.Recv != nil && len(decl.Recv.List) == 1 {
				f.receiver = typeName(decl.Recv.List[0].Type)
				if names := decl.Recv.List[0].Names; len(names) == 1 {
					self = names[0].Name
				}
			}
			f.read(self)
			c.funcs = append(c.funcs, f)
			c.byName[decl.Name.Name] = append(c.byName[decl.Name.Name], f)
		}
	}
	return c
}

// read reads the body of a function whose receiver is called self.
func (f *function) read(self string) {
	selected := map[*ast.Ident]bool{}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			selected[n.Sel] = true
			m := mention{selected: true, name: n.Sel.Name}
			if id, ok := n.X.(*ast.Ident); ok && self != "" && id.Name == self {
				m.receiver = f.receiver
			}
			f.mentions[m] = true
		case *ast.Ident:
			if !selected[n] {
				f.mentions[mention{name: n.Name}] = true
			}
		}
		return true
	})
}

// typeName returns the name of a receiver's type.
func typeName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.ParenExpr:
		return typeName(t.X)
	case *ast.IndexExpr:
		return typeName(t.X)
	case *ast.IndexListExpr:
		return typeName(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// reached returns f and all functions that it calls, directly or not.
func (c *calls) reached(f *function) []*function {
	all := []*function{f}
	for i := 0; i < len(all); i++ {
		for m := range all[i].mentions {
			for _, callee := range c.byName[m.name] {
				isMethod := callee.receiver != ""
				if isMethod == m.selected && (m.receiver == "" || m.receiver == callee.receiver) && !slices.Contains(all, callee) {
					all = append(all, callee)
				}
			}
		}
	}
	return all
}

// mentionsAny reports whether a function mentions a name, as a method or by itself.
func mentionsAny(funcs []*function, name string) bool {
	return slices.ContainsFunc(funcs, func(f *function) bool {
		for m := range f.mentions {
			if m.name == name {
				return true
			}
		}
		return false
	})
}

// commands returns the aggregate's commands in the order of their declaration.
func (c *calls) commands(a *model.Aggregate, events map[*model.Event]*Event) []*Command {
	var all []*Command
	for _, f := range c.funcs {
		if !f.Name.IsExported() || f.receiver != "" && f.receiver != a.Go {
			continue
		}
		reached := c.reached(f)
		command := &Command{Name: f.Name.Name, Signature: signature(f.Type), Doc: text(f.Doc)}
		for _, v := range a.Latest() {
			if mentionsAny(reached, names.Record(v.Go)) {
				command.Records = append(command.Records, events[v.Event])
			}
		}
		if len(command.Records) > 0 {
			all = append(all, command)
		}
	}
	return all
}

// parts returns the events of which an upcaster that splits mentions the types: those that
// it may make.
func (c *calls) parts(upcaster string, a *model.Aggregate, versions map[*model.Version]*Version) []*Version {
	var all []*Version
	for _, f := range c.byName[upcaster] {
		if f.receiver != "" {
			continue
		}
		reached := c.reached(f)
		for _, v := range a.Latest() {
			if mentionsAny(reached, v.Go) {
				all = append(all, versions[v])
			}
		}
	}
	return all
}

// signature returns parameters and results in one line.
func signature(t *ast.FuncType) string {
	var b bytes.Buffer
	if err := format.Node(&b, token.NewFileSet(), &ast.FuncType{Params: t.Params, Results: t.Results}); err != nil {
		return "()"
	}
	return strings.Join(strings.Fields(strings.TrimPrefix(b.String(), "func")), " ")
}
