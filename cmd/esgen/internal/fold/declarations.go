package fold

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
)

// declarations finds the syntax of a package's objects.
type declarations struct {
	funcs  map[*types.Func]*ast.FuncDecl
	types  map[*types.TypeName]*ast.TypeSpec
	values map[types.Object]value
	all    []*ast.FuncDecl // also those of which there are no types
}

// value is the declaration of one constant or variable.
type value struct {
	group  *ast.GenDecl
	spec   *ast.ValueSpec
	from   *ast.ValueSpec // of a constant: the spec whose expressions it repeats, or spec
	number int            // of the name in the spec
	iota   int
}

func index(p *load.Package) *declarations {
	d := &declarations{
		funcs: map[*types.Func]*ast.FuncDecl{}, types: map[*types.TypeName]*ast.TypeSpec{}, values: map[types.Object]value{},
	}
	for _, file := range p.Files {
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				d.all = append(d.all, decl)
				if fn, ok := p.Info.Defs[decl.Name].(*types.Func); ok {
					d.funcs[fn] = decl
				}
			case *ast.GenDecl:
				d.group(p, decl)
			}
		}
	}
	return d
}

func (d *declarations) group(p *load.Package, decl *ast.GenDecl) {
	var from *ast.ValueSpec
	for i, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if name, ok := p.Info.Defs[spec.Name].(*types.TypeName); ok {
				d.types[name] = spec
			}
		case *ast.ValueSpec:
			if from == nil || decl.Tok == token.VAR || spec.Type != nil || len(spec.Values) > 0 {
				from = spec
			}
			for n, name := range spec.Names {
				if obj := p.Info.Defs[name]; obj != nil {
					d.values[obj] = value{decl, spec, from, n, i}
				}
			}
		}
	}
}

// embeds reports whether a variable's value is that of a file.
func (v value) embeds() bool {
	return slices.ContainsFunc([]*ast.CommentGroup{v.group.Doc, v.spec.Doc}, func(doc *ast.CommentGroup) bool {
		return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
	})
}

// uses says how functions use a package-level variable.
type uses struct {
	inits   []*ast.FuncDecl // init functions that mention it
	changed bool            // by another function, at run time
}

// usesOf goes by the name, because most functions have no types: one that declares the name itself is
// taken to mean its own.
func (d *declarations) usesOf(v *types.Var) uses {
	var u uses
	for _, fn := range d.all {
		if fn.Body == nil || declares(fn, v.Name()) {
			continue
		}
		isInit := fn.Recv == nil && fn.Name.Name == "init"
		mentioned, changed := false, false
		is := func(e ast.Expr) bool { return isRooted(e, v.Name()) }
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				mentioned = mentioned || n.Name == v.Name()
			case *ast.AssignStmt:
				changed = changed || n.Tok != token.DEFINE && slices.ContainsFunc(n.Lhs, is)
			case *ast.IncDecStmt:
				changed = changed || is(n.X)
			case *ast.RangeStmt:
				changed = changed || n.Tok == token.ASSIGN && (is(n.Key) || is(n.Value))
			case *ast.UnaryExpr:
				changed = changed || n.Op == token.AND && is(n.X)
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"clear", "copy", "delete"}, id.Name) && len(n.Args) > 0 {
					changed = changed || is(n.Args[0])
				}
			}
			return true
		})
		if isInit && mentioned {
			u.inits = append(u.inits, fn)
		}
		u.changed = u.changed || changed && !isInit
	}
	return u
}

// isRooted reports whether an expression is a variable of that name, or a part of it.
func isRooted(e ast.Expr, name string) bool {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name == name
		case *ast.ParenExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return false
		}
	}
}

// declares reports whether a function declares a name of its own.
func declares(fn *ast.FuncDecl, name string) bool {
	found := false
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			found = found || slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Name == name })
		case *ast.ValueSpec:
			found = found || slices.ContainsFunc(n.Names, func(id *ast.Ident) bool { return id.Name == name })
		case *ast.AssignStmt:
			found = found || n.Tok == token.DEFINE && slices.ContainsFunc(n.Lhs, is)
		case *ast.RangeStmt:
			found = found || n.Tok == token.DEFINE && (is(n.Key) || is(n.Value))
		}
		return !found
	})
	return found
}
