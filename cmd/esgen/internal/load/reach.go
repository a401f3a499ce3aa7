package load

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
)

// tree finds the declarations of a package that its directives reach.
type tree struct {
	*Package
	decls    map[string][]declaration      // by package-level name
	methods  map[string][]*ast.FuncDecl    // by receiver, those that bear on generated code
	consts   map[string][]*ast.GenDecl     // by the type that constants are declared with
	reached  map[any]bool                  // *ast.TypeSpec, *ast.GenDecl (const, var) or *ast.FuncDecl
	folded   map[any]bool                  // likewise, with bodies: what takes part in a fold
	fileOf   map[any]*ast.File             // of what is reached
	wants    map[*ast.File]map[string]bool // qualifiers, which are names of imported packages
	mayWant  map[*ast.File]map[string]bool // names that are both a local variable's and, maybe, an import's
	dots     map[*ast.File]bool            // files with names that only a dot import can explain
	imported map[*ast.File][]*ast.ImportSpec
}

type declaration struct {
	file *ast.File
	node any
}

func newTree(p *Package) *tree {
	t := &tree{
		Package: p,
		decls:   map[string][]declaration{}, methods: map[string][]*ast.FuncDecl{}, consts: map[string][]*ast.GenDecl{},
		reached: map[any]bool{}, folded: map[any]bool{}, fileOf: map[any]*ast.File{},
		wants: map[*ast.File]map[string]bool{}, mayWant: map[*ast.File]map[string]bool{}, dots: map[*ast.File]bool{},
		imported: map[*ast.File][]*ast.ImportSpec{},
	}
	for _, f := range p.Files {
		t.index(f)
	}
	for _, d := range p.Directives {
		if d.Type != nil {
			t.reach(d.Type.Name.Name)
			// Also when another declaration has the same name, a problem of its own.
			t.visit(declaration{t.fileOf[d.Type], d.Type})
		} else {
			t.visit(declaration{t.fileOf[d.Func], d.Func})
		}
	}
	t.fold()
	return t
}

func (t *tree) index(f *ast.File) {
	t.wants[f], t.mayWant[f] = map[string]bool{}, map[string]bool{}
	add := func(name string, node any) {
		t.fileOf[node] = f
		t.decls[name] = append(t.decls[name], declaration{f, node})
	}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			t.fileOf[decl] = f
			if decl.Recv == nil {
				add(decl.Name.Name, decl)
			} else if name := receiver(decl); bears(decl.Name.Name) {
				t.methods[name] = append(t.methods[name], decl)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name.Name, spec)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name.Name, decl)
					}
					if name := constType(spec); decl.Tok == token.CONST && name != "" {
						t.consts[name] = append(t.consts[name], decl)
					}
				}
			}
		}
	}
}

// constType returns the name of the type that a constant says it has, "" if it says none or
// that of another package.
func constType(spec *ast.ValueSpec) string {
	expr := spec.Type
	if expr == nil && len(spec.Values) > 0 {
		if call, ok := spec.Values[0].(*ast.CallExpr); ok {
			expr = call.Fun // a conversion
		}
	}
	if id, ok := expr.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// bears reports whether methods of that name bear on the generated code: apply and record
// methods, and those by which types decide how they are stored.
func bears(method string) bool {
	return slices.ContainsFunc([]string{"apply", "record", "Marshal", "Unmarshal", "Append", "IsZero"},
		func(prefix string) bool { return strings.HasPrefix(method, prefix) })
}

func (t *tree) reach(name string) bool {
	for _, d := range t.decls[name] {
		t.visit(d)
	}
	return len(t.decls[name]) > 0
}

func (t *tree) visit(d declaration) {
	if t.reached[d.node] {
		return
	}
	t.reached[d.node] = true
	switch node := d.node.(type) {
	case *ast.FuncDecl:
		t.walk(d.file, node.Type)
		if node.Recv != nil {
			t.walk(d.file, node.Recv)
		}
	case *ast.TypeSpec:
		if node.TypeParams != nil {
			t.walk(d.file, node.TypeParams)
		}
		t.walk(d.file, node.Type)
		for _, m := range t.methods[node.Name.Name] {
			t.visit(declaration{t.fileOf[m], m})
		}
		for _, c := range t.consts[node.Name.Name] { // the values of an enumeration
			t.visit(declaration{t.fileOf[c], c})
		}
	case *ast.GenDecl:
		t.walk(d.file, node)
	}
}

// walk follows all names that a part of a declaration mentions.
func (t *tree) walk(f *ast.File, root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // the names of fields and parameters are no mentions
			if n.Type != nil {
				t.walk(f, n.Type)
			}
			return false
		case *ast.BlockStmt:
			return false
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && !t.reach(id.Name) {
				t.wants[f][id.Name] = true
				return false
			}
		case *ast.Ident:
			if !t.reach(n.Name) && ast.IsExported(n.Name) {
				t.dots[f] = true
			}
		}
		return true
	})
}

// prune returns copies of the package's files with the reached declarations and the imports
// that they need. Only what takes part in a fold keeps its body.
func (t *tree) prune() []*ast.File {
	var files []*ast.File
	for _, f := range t.Files {
		pruned := *f
		pruned.Decls, pruned.Imports = nil, t.imported[f]
		if len(pruned.Imports) > 0 {
			d := &ast.GenDecl{TokPos: f.Name.End(), Tok: token.IMPORT}
			for _, spec := range pruned.Imports {
				d.Specs = append(d.Specs, spec)
			}
			pruned.Decls = append(pruned.Decls, d)
		}
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if t.folded[decl] {
					pruned.Decls = append(pruned.Decls, decl)
				} else if t.reached[decl] {
					pruned.Decls = append(pruned.Decls, bodiless(decl))
				}
			case *ast.GenDecl:
				if d := t.pruneGroup(decl); d != nil {
					pruned.Decls = append(pruned.Decls, d)
				}
			}
		}
		files = append(files, &pruned)
	}
	return files
}

func (t *tree) pruneGroup(decl *ast.GenDecl) *ast.GenDecl {
	if decl.Tok != token.TYPE {
		if t.reached[decl] || t.folded[decl] {
			return decl
		}
		return nil
	}
	pruned := *decl
	pruned.Specs = nil
	for _, spec := range decl.Specs {
		if t.reached[spec] || t.folded[spec] {
			pruned.Specs = append(pruned.Specs, spec)
		}
	}
	if len(pruned.Specs) == 0 {
		return nil
	}
	return &pruned
}

// aggregates returns the Go names of the package's aggregates.
func (t *tree) aggregates() []string {
	var names []string
	for _, d := range t.Directives {
		if d.Kind == directive.Aggregate {
			names = append(names, d.Type.Name.Name)
		}
	}
	return names
}
