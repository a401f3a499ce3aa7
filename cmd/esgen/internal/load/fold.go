package load

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
)

// folder finds the functions whose bodies may take part in a fold, so that those, and no others, are
// type-checked with their bodies and with what they import. It goes by names alone, before there
// are types, and so finds too much rather than too little: package fold then follows the types.
type folder struct {
	*tree
	named      map[string][]*ast.FuncDecl // methods by name
	methods    map[string][]*ast.FuncDecl // by receiver
	inits      []*ast.FuncDecl
	aggregates map[string]bool
}

// fold starts from the apply methods, the upcasters, and the methods by which stored types
// decide how they are stored.
func (t *tree) fold() {
	f := &folder{tree: t, named: map[string][]*ast.FuncDecl{}, methods: map[string][]*ast.FuncDecl{}, aggregates: map[string]bool{}}
	for _, name := range t.aggregates() {
		f.aggregates[name] = true
	}
	for _, file := range t.Files {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok:
			case fn.Recv != nil:
				f.named[fn.Name.Name] = append(f.named[fn.Name.Name], fn)
				f.methods[receiver(fn)] = append(f.methods[receiver(fn)], fn)
			case fn.Name.Name == "init":
				f.inits = append(f.inits, fn)
			}
		}
	}
	for _, d := range t.Directives {
		if d.Kind == directive.Upcast {
			f.follow(d.Func)
		}
	}
	for node := range t.reached {
		if fn, ok := node.(*ast.FuncDecl); ok && fn.Recv != nil && !strings.HasPrefix(fn.Name.Name, "record") {
			f.follow(fn)
		}
	}
}

func (f *folder) follow(node any) {
	if f.folded[node] {
		return
	}
	f.folded[node] = true
	switch node := node.(type) {
	case *ast.FuncDecl:
		f.walk(f.fileOf[node], node)
	case *ast.TypeSpec:
		f.walk(f.fileOf[node], node)
		if !f.aggregates[node.Name.Name] { // whose methods are mostly commands
			f.all(f.methods[node.Name.Name])
		}
	case *ast.GenDecl:
		f.walk(f.fileOf[node], node)
		for _, fn := range f.inits {
			if node.Tok == token.VAR && mentions(fn, node) {
				f.follow(fn)
			}
		}
	}
}

func (f *folder) all(methods []*ast.FuncDecl) {
	for _, m := range methods {
		f.follow(m)
	}
}

// name follows a package-level name. It returns false if there is none such.
func (f *folder) name(name string) bool {
	for _, d := range f.decls[name] {
		f.follow(d.node)
	}
	return len(f.decls[name]) > 0
}

// walk follows all names in a declaration.
func (f *folder) walk(file *ast.File, decl ast.Node) {
	locals := localNames(decl)
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.InterfaceType:
			for _, m := range n.Methods.List {
				for _, name := range m.Names {
					f.all(f.named[name.Name])
				}
			}
		case *ast.SelectorExpr:
			f.all(f.named[n.Sel.Name])
			id, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch {
			case f.name(id.Name):
			case locals[id.Name]:
				f.mayWant[file][id.Name] = true // should it be an import in another scope
			default:
				f.wants[file][id.Name] = true
			}
			return false
		case *ast.Ident:
			if !f.name(n.Name) && ast.IsExported(n.Name) && !locals[n.Name] {
				f.dots[file] = true
			}
		}
		return true
	})
}

// localNames returns the names that are declared anywhere inside of a declaration.
func localNames(decl ast.Node) map[string]bool {
	names := map[string]bool{}
	add := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id, ok := e.(*ast.Ident); ok {
				names[id.Name] = true
			}
		}
	}
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				add(name)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				add(name)
			}
		}
		return true
	})
	return names
}

// mentions reports whether a function mentions a name that a group declares.
func mentions(fn *ast.FuncDecl, group *ast.GenDecl) bool {
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && slices.ContainsFunc(group.Specs, func(s ast.Spec) bool {
			spec, ok := s.(*ast.ValueSpec)
			return ok && slices.ContainsFunc(spec.Names, func(name *ast.Ident) bool { return name.Name == id.Name })
		})
		return !found
	})
	return found
}

// bodiless returns a function as it is type-checked where its body takes no part.
func bodiless(fn *ast.FuncDecl) *ast.FuncDecl {
	without := *fn
	if fn.Body != nil {
		without.Body = &ast.BlockStmt{Lbrace: fn.Body.Lbrace, Rbrace: fn.Body.Rbrace}
	}
	return &without
}

// quiet reports whether a position is in a function's body, or in a declaration that is there only
// because the fold may need it. What is wrong there, such as a call of what is yet to be generated, is for
// the compiler to tell. A body that never ends has no position, and its syntax error has been told.
func (t *tree) quiet(pos token.Pos) bool {
	if !pos.IsValid() {
		return true
	}
	for _, f := range t.Files {
		if pos < f.FileStart || f.FileEnd < pos {
			continue
		}
		quiet := false
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil || quiet || pos < n.Pos() || n.End() < pos {
				return false
			}
			switch n.(type) {
			case *ast.BlockStmt:
				quiet = true
			case *ast.FuncDecl, *ast.GenDecl, *ast.TypeSpec:
				quiet = t.folded[n] && !t.reached[n]
			}
			return !quiet
		})
		return quiet
	}
	return false
}
