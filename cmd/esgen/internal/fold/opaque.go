package fold

import (
	"go/ast"
	"go/token"
	"go/types"
)

// runTime has esgen's own packages, and that of the ids that it stores, which a fold may use as it does the
// standard library.
var runTime = map[string]bool{
	"github.com/esgen-go/esgen/aggregate": true,
	"github.com/esgen-go/esgen/es":        true,
	"github.com/esgen-go/esgen/upcast":    true,
	"github.com/google/uuid":              true,
}

// isOpaque reports whether a package's code is neither seen here nor taken to stay as it is.
func (w *walk) isOpaque(pkg *types.Package) bool {
	return pkg != nil && pkg != w.Types && !w.IsStandard(pkg.Path()) && !runTime[pkg.Path()]
}

// outside reports the use of another package's function or variable.
func (n *normal) outside(pos token.Pos, obj types.Object) {
	pkg := obj.Pkg()
	if !n.isOpaque(pkg) {
		return
	}
	switch obj := obj.(type) {
	case *types.Func:
		n.opaque(pos, "calls "+obj.Name()+" of package "+pkg.Path())
	case *types.Var:
		if !obj.IsField() {
			n.opaque(pos, "reads "+obj.Name()+" of package "+pkg.Path())
		}
	}
}

// Where a value becomes an interface's, its methods can be called by whoever has the interface: code of
// the package, which is followed, or of the standard library, such as package fmt. So they are reached there,
// and calls through interfaces and function values need no following: what they
// call was reached where the value came from. What remains is reported where it is read.

// converts reaches the methods of an expression's value if it becomes one of an interface.
func (n *normal) converts(e ast.Expr, to types.Type) {
	if e != nil {
		n.becomes(n.typeOf(e), to)
	}
}

func (n *normal) becomes(from, to types.Type) {
	if to == nil || from == nil || types.IsInterface(from) {
		return
	}
	if _, ok := types.Unalias(to).(*types.TypeParam); ok {
		return // see instance
	}
	target, ok := to.Underlying().(*types.Interface)
	if !ok {
		return
	}
	n.inside(from, func(named *types.Named) {
		for m := range named.Methods() {
			// An aggregate's methods are mostly commands.
			if !n.isAggregate(named) || has(target, m.Name()) || m.Name() == "String" || m.Name() == "Error" {
				n.reach(m)
			}
		}
	})
}

func has(i *types.Interface, method string) bool {
	for m := range i.Methods() {
		if m.Name() == method {
			return true
		}
	}
	return false
}

// instance reaches the methods that a generic function can call on its type arguments.
func (n *normal) instance(id *ast.Ident) {
	instance, ok := n.Info.Instances[id]
	if !ok {
		return
	}
	own := n.Info.Uses[id] != nil && n.Info.Uses[id].Pkg() == n.Types
	var params *types.TypeParamList
	switch t := n.typeOfObject(id).(type) {
	case *types.Signature:
		params = t.TypeParams()
	case *types.Named:
		params = t.TypeParams()
	}
	for i := range instance.TypeArgs.Len() {
		if own || i >= params.Len() { // which may turn it into any interface
			n.becomes(instance.TypeArgs.At(i), types.NewInterfaceType(nil, nil))
			continue
		}
		constraint := params.At(i).Constraint().Underlying().(*types.Interface)
		if constraint.NumMethods() > 0 {
			n.becomes(instance.TypeArgs.At(i), constraint)
		}
	}
}

func (n *normal) typeOfObject(id *ast.Ident) types.Type {
	if obj := n.Info.Uses[id]; obj != nil {
		return obj.Type()
	}
	return nil
}

// typeOf returns the type of an expression; an invalid one if it is not known.
func (n *normal) typeOf(e ast.Expr) types.Type {
	if t := n.Info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

func (n *normal) calls(e *ast.CallExpr) {
	if t, ok := n.Info.Types[e.Fun]; ok && t.IsType() {
		for _, arg := range e.Args {
			n.converts(arg, t.Type)
		}
		return
	}
	sig, ok := n.typeOf(e.Fun).Underlying().(*types.Signature)
	if !ok {
		return
	}
	params := sig.Params()
	for i, arg := range e.Args {
		var to types.Type
		switch last := params.Len() - 1; {
		case sig.Variadic() && i >= last && !e.Ellipsis.IsValid():
			if slice, ok := params.At(last).Type().Underlying().(*types.Slice); ok {
				to = slice.Elem()
			}
		case i < params.Len():
			to = params.At(i).Type()
		}
		n.converts(arg, to)
	}
}

func (n *normal) assigns(s *ast.AssignStmt) {
	if s.Tok != token.ASSIGN {
		return
	}
	if len(s.Lhs) == len(s.Rhs) {
		for i, e := range s.Rhs {
			n.converts(e, n.typeOf(s.Lhs[i]))
		}
		return
	}
	if tuple, ok := n.typeOf(s.Rhs[0]).(*types.Tuple); ok && tuple.Len() == len(s.Lhs) {
		for i, e := range s.Lhs {
			n.becomes(tuple.At(i).Type(), n.typeOf(e))
		}
	}
}

func (n *normal) returns(s *ast.ReturnStmt) {
	if len(n.results) == 0 {
		return
	}
	results := n.results[len(n.results)-1]
	if results.Len() == len(s.Results) {
		for i, e := range s.Results {
			n.converts(e, results.At(i).Type())
		}
		return
	}
	if len(s.Results) == 1 {
		if tuple, ok := n.typeOf(s.Results[0]).(*types.Tuple); ok && tuple.Len() == results.Len() {
			for i := range tuple.Len() {
				n.becomes(tuple.At(i).Type(), results.At(i).Type())
			}
		}
	}
}
