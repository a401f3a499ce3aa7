// Package domain recognises, in a type-checked package, what esgen generates code for: aggregates, events
// and the functions of a fold. Types of other packages are recognised by what was generated for them.
package domain

import (
	"go/ast"
	"go/types"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/analysis"
)

// Module is the path of the toolkit.
const Module = "github.com/esgen-go/esgen"

// Package is one package under analysis.
type Package struct {
	*analysis.Pass
	// Files are those that people wrote, tests apart.
	Files []*ast.File
	// Funcs has the declarations in Files, in their order, and Decls finds them.
	Funcs []*ast.FuncDecl
	Decls map[*types.Func]*ast.FuncDecl
}

// New returns the package of a pass.
func New(pass *analysis.Pass) *Package {
	p := &Package{Pass: pass, Decls: map[*types.Func]*ast.FuncDecl{}}
	for _, file := range pass.Files {
		if ast.IsGenerated(file) || strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go") {
			continue
		}
		p.Files = append(p.Files, file)
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.FuncDecl); ok && decl.Body != nil {
				p.Funcs = append(p.Funcs, decl)
				if fn, ok := pass.TypesInfo.Defs[decl.Name].(*types.Func); ok {
					p.Decls[fn] = decl
				}
			}
		}
	}
	return p
}

// Func returns the object of a declaration.
func (p *Package) Func(decl *ast.FuncDecl) *types.Func {
	fn, _ := p.TypesInfo.Defs[decl.Name].(*types.Func)
	return fn
}

// IsToolkit reports whether a package belongs to the toolkit's run-time: the examples, which are its users, don't.
func IsToolkit(pkg *types.Package) bool {
	if pkg == nil {
		return false
	}
	rest, ok := strings.CutPrefix(pkg.Path(), Module+"/")
	if !ok {
		return false
	}
	first, _, _ := strings.Cut(rest, "/")
	return first == "es" || first == "aggregate" || first == "repository" || first == "upcast"
}

// Aggregate returns the aggregate that t is, or nil: a struct type that embeds aggregate.Root.
func Aggregate(t types.Type) *types.Named {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return nil
	}
	s, ok := named.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	for f := range s.Fields() {
		if !f.Embedded() || f.Name() != "Root" {
			continue
		}
		root, ok := types.Unalias(f.Type()).(*types.Named)
		if ok && root.Obj().Pkg() != nil && root.Obj().Pkg().Path() == Module+"/aggregate" {
			return named
		}
	}
	return nil
}

// PointedAggregate returns the aggregate that t points to, or nil.
func PointedAggregate(t types.Type) *types.Named {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		return Aggregate(pointer.Elem())
	}
	return nil
}

// IsStored reports whether a field of a state is, and so is a result of the fold: esgen:"-" keeps one out.
func IsStored(aggregate *types.Named, field string) bool {
	s, ok := aggregate.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	for i := range s.NumFields() {
		if s.Field(i).Name() == field {
			return reflect.StructTag(s.Tag(i)).Get("esgen") != "-"
		}
	}
	return true
}

// Event returns the event that t is, or nil: a type that is sealed into the sum of an aggregate's events.
func Event(t types.Type) *types.Named {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || types.IsInterface(named) {
		return nil
	}
	for m := range named.Methods() {
		sum, ok := strings.CutPrefix(m.Name(), "is")
		if !ok || !strings.HasSuffix(sum, "Event") {
			continue
		}
		name, ok := named.Obj().Pkg().Scope().Lookup(sum).(*types.TypeName)
		if !ok {
			continue
		}
		if i, ok := name.Type().Underlying().(*types.Interface); ok && i.NumMethods() == 1 && i.Method(0).Name() == m.Name() {
			return named
		}
	}
	return nil
}

// receiver returns the aggregate that fn is a method of, and the event that it takes alone, or nil.
func receiver(fn *types.Func) (aggregate, event *types.Named) {
	if fn == nil || fn.Signature().Recv() == nil || fn.Signature().Params().Len() != 1 {
		return nil, nil
	}
	aggregate = PointedAggregate(fn.Signature().Recv().Type())
	event, _ = types.Unalias(fn.Signature().Params().At(0).Type()).(*types.Named)
	if aggregate == nil || event == nil || event.Obj().Pkg() != fn.Pkg() {
		return nil, nil
	}
	return aggregate, event
}

// Applied returns the event that fn applies, nil if fn is no apply method.
func Applied(fn *types.Func) *types.Named {
	if _, event := receiver(fn); event != nil && fn.Name() == "apply"+upper(event.Obj().Name()) {
		return event
	}
	return nil
}

// Recorded returns the event that fn records, nil if fn is no record method.
func Recorded(fn *types.Func) *types.Named {
	if _, event := receiver(fn); event != nil && fn.Name() == "record"+upper(event.Obj().Name()) {
		return event
	}
	return nil
}

func upper(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}

// IsUpcaster reports whether a function has the directive of one.
func IsUpcaster(decl *ast.FuncDecl) bool {
	if decl.Doc == nil {
		return false
	}
	for _, c := range decl.Doc.List {
		if d, ok := ast.ParseDirective(c.Slash, c.Text); ok && d.Tool == "esgen" && d.Name == "upcast" {
			return true
		}
	}
	return false
}

// Fold returns the functions of the package that apply methods reach, and with upcasters those that these do.
// The value is one of those from which a function is reached.
func (p *Package) Fold(upcasters bool) map[*types.Func]*types.Func {
	reached := map[*types.Func]*types.Func{}
	var reach func(fn, from *types.Func)
	reach = func(fn, from *types.Func) {
		decl := p.Decls[fn]
		if decl == nil || reached[fn] != nil {
			return
		}
		reached[fn] = from
		for _, callee := range p.Mentioned(decl.Body) {
			reach(callee, from)
		}
	}
	for _, decl := range p.Funcs {
		if fn := p.Func(decl); Applied(fn) != nil || upcasters && IsUpcaster(decl) {
			reach(fn, fn)
		}
	}
	return reached
}

// Mentioned returns the functions of the package that a part of the code calls or passes on.
func (p *Package) Mentioned(node ast.Node) []*types.Func {
	var fns []*types.Func
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if fn, ok := p.TypesInfo.Uses[id].(*types.Func); ok && fn.Pkg() == p.Pkg {
				fns = append(fns, fn.Origin())
			}
		}
		return true
	})
	return fns
}

// Analyzer gives other analyzers the *[Package].
var Analyzer = &analysis.Analyzer{
	Name:       "esgendomain",
	Doc:        "find what esgen generates code for",
	ResultType: reflect.TypeFor[*Package](),
	Run:        func(pass *analysis.Pass) (any, error) { return New(pass), nil },
}
