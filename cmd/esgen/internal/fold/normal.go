package fold

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// normal writes one declaration in normal form: its syntax tree as nested lists. It is written out here for
// each node rather than by a printer, whose output may change with the version of Go.
type normal struct {
	*walk
	b       []byte
	locals  map[token.Pos]int // the numbers of local declarations, by their places
	results []*types.Tuple    // of the enclosing functions
}

func (w *walk) normal() *normal { return &normal{walk: w, locals: map[token.Pos]int{}} }

func (w *walk) function(fn *types.Func, decl *ast.FuncDecl) string {
	if decl.Body == nil {
		w.opaque(decl.Name.Pos(), "reaches "+fn.Name()+", which is not written in Go")
	}
	n := w.normal()
	n.results = append(n.results, fn.Signature().Results())
	n.list("func", decl.Recv, fn.Name(), decl.Type, decl.Body)
	return string(n.b)
}

func (w *walk) typ(name *types.TypeName, spec *ast.TypeSpec) string {
	n := w.normal()
	n.list("type", name.Name(), spec.TypeParams, spec.Type)
	return string(n.b)
}

// constant writes a constant by its value, or, where that may depend on the platform, as it is declared.
func (w *walk) constant(obj *types.Const, v value) string {
	n := w.normal()
	n.typed(obj.Type())
	if w.portable(v) && obj.Val().Kind() != constant.Unknown {
		return "const " + obj.Name() + " " + string(n.b) + obj.Val().ExactString()
	}
	n.list("", v.from.Type, v.from.Values)
	return fmt.Sprintf("const %s %s %d %d", obj.Name(), string(n.b), v.number, v.iota)
}

// portable reports whether a constant doesn't depend on those of the standard library.
func (w *walk) portable(v value) bool {
	portable := true
	for _, e := range v.from.Values {
		ast.Inspect(e, func(node ast.Node) bool {
			id, ok := node.(*ast.Ident)
			if !ok {
				return true
			}
			switch obj := w.Info.Uses[id].(type) {
			case *types.PkgName:
				portable = portable && !w.IsStandard(obj.Imported().Path())
			case *types.Const:
				if other, ok := w.values[obj]; ok && other.spec != v.spec {
					portable = portable && w.portable(other)
				}
			}
			return true
		})
	}
	return portable
}

func (w *walk) variable(obj *types.Var, v value) string {
	if v.embeds() {
		w.opaque(v.spec.Pos(), "reads "+obj.Name()+", which is a file's content")
	}
	uses := w.usesOf(obj)
	if uses.changed {
		w.opaque(obj.Pos(), "reads "+obj.Name()+", which functions of the package can change at any time")
	}
	for _, decl := range uses.inits {
		if fn, ok := w.Info.Defs[decl.Name].(*types.Func); ok && !w.seen[decl] {
			w.seen[decl] = true
			w.queue = append(w.queue, func() string { return w.function(fn, decl) })
		}
	}
	n := w.normal()
	if v.spec.Type != nil {
		n.write(v.spec.Type)
		for _, e := range v.spec.Values {
			n.converts(e, obj.Type())
		}
	}
	if len(v.spec.Values) == len(v.spec.Names) {
		n.write(v.spec.Values[v.number])
	} else {
		n.write(v.spec.Values)
		n.b = append(n.b, strconv.Itoa(v.number)...)
	}
	return "var " + obj.Name() + string(n.b)
}

// typed writes the type of a constant, which is a basic or a named one.
func (n *normal) typed(t types.Type) {
	if named, ok := types.Unalias(t).(*types.Named); ok {
		n.mention(named.Obj().Pos(), named.Obj())
	} else {
		n.atom(types.Unalias(t).String())
	}
}

func (n *normal) atom(s string) {
	n.b = append(n.b, ' ')
	n.b = append(n.b, s...)
}

// list writes a node: its kind and its parts.
func (n *normal) list(kind string, parts ...any) {
	n.b = append(n.b, " ("+kind...)
	for _, part := range parts {
		n.write(part)
	}
	n.b = append(n.b, ')')
}

// sorted writes parts in the order of how they are written.
func (n *normal) sorted(parts []func()) {
	outer := n.b
	texts := make([]string, 0, len(parts))
	for _, part := range parts {
		n.b = nil
		part()
		texts = append(texts, string(n.b))
	}
	n.b = outer
	slices.Sort(texts)
	for _, text := range texts {
		n.b = append(n.b, text...)
	}
}

func (n *normal) local(pos token.Pos) {
	i, ok := n.locals[pos]
	if !ok {
		i = len(n.locals) + 1
		n.locals[pos] = i
	}
	n.atom("$" + strconv.Itoa(i))
}

func (n *normal) write(part any) {
	switch x := part.(type) {
	case nil:
		n.atom("-")
	case string:
		n.atom(x)
	case []ast.Expr:
		n.b = append(n.b, " ["...)
		for _, e := range x {
			n.write(e)
		}
		n.b = append(n.b, ']')
	case []ast.Stmt:
		for _, s := range x {
			n.write(s)
		}
	case *ast.FieldList:
		n.parameters(x)
	case ast.Expr:
		n.expr(x)
	case *ast.BlockStmt:
		if x != nil {
			n.list("{", x.List)
		}
	case ast.Stmt:
		n.stmt(x)
	case *ast.GenDecl:
		for _, spec := range x.Specs {
			n.declare(x.Tok, spec)
		}
	default:
		panic(fmt.Sprintf("fold: no normal form of %T", part))
	}
}

// parameters writes a list of parameters or results by their types. Each has a number, also if it has
// no name.
func (n *normal) parameters(fields *ast.FieldList) {
	n.b = append(n.b, " ["...)
	if fields != nil {
		for _, f := range fields.List {
			if len(f.Names) == 0 {
				n.local(f.Pos())
				n.write(f.Type)
			}
			for _, name := range f.Names {
				n.local(name.Pos())
				n.write(f.Type)
			}
		}
	}
	n.b = append(n.b, ']')
}

// declare writes a declaration inside of a function.
func (n *normal) declare(tok token.Token, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		n.list("type", spec.Name, spec.TypeParams, spec.Type)
	case *ast.ValueSpec:
		n.list(tok.String(), idents(spec.Names), spec.Type, spec.Values)
		for i, name := range spec.Names {
			if i < len(spec.Values) && spec.Type != nil {
				n.converts(spec.Values[i], n.typeOf(name))
			}
		}
	}
}

func idents(ids []*ast.Ident) []ast.Expr {
	exprs := make([]ast.Expr, 0, len(ids))
	for _, id := range ids {
		exprs = append(exprs, id)
	}
	return exprs
}

func (n *normal) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		n.list(s.Tok.String(), s.Lhs, s.Rhs)
		n.assigns(s)
	case *ast.BranchStmt:
		if s.Label != nil {
			n.list(s.Tok.String(), s.Label)
		} else {
			n.list(s.Tok.String())
		}
	case *ast.CaseClause:
		n.list("case", s.List, s.Body)
	case *ast.CommClause:
		n.list("comm", s.Comm, s.Body)
	case *ast.DeclStmt:
		n.write(s.Decl)
	case *ast.DeferStmt:
		n.list("defer", s.Call)
	case *ast.EmptyStmt:
	case *ast.ExprStmt:
		n.write(s.X)
	case *ast.ForStmt:
		n.list("for", s.Init, s.Cond, s.Post, s.Body)
	case *ast.GoStmt:
		n.list("go", s.Call)
	case *ast.IfStmt:
		n.list("if", s.Init, s.Cond, s.Body, s.Else)
	case *ast.IncDecStmt:
		n.list(s.Tok.String(), s.X)
	case *ast.LabeledStmt:
		n.list("label", s.Label, s.Stmt)
	case *ast.RangeStmt:
		n.list("range"+s.Tok.String(), s.Key, s.Value, s.X, s.Body)
	case *ast.ReturnStmt:
		n.list("return", s.Results)
		n.returns(s)
	case *ast.SelectStmt:
		n.list("select", s.Body)
	case *ast.SendStmt:
		n.list("send", s.Chan, s.Value)
	case *ast.SwitchStmt:
		n.list("switch", s.Init, s.Tag, s.Body)
	case *ast.TypeSwitchStmt:
		n.list("typeswitch", s.Init, s.Assign, s.Body)
	default: // *ast.BadStmt
		n.atom("bad")
	}
}

func (n *normal) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.ArrayType:
		n.list("array", e.Len, e.Elt)
	case *ast.BasicLit:
		if v := constant.MakeFromLiteral(e.Value, e.Kind, 0); v.Kind() != constant.Unknown {
			n.list(e.Kind.String(), v.ExactString())
		} else {
			n.list(e.Kind.String(), e.Value)
		}
	case *ast.BinaryExpr:
		n.list(e.Op.String(), e.X, e.Y)
	case *ast.CallExpr:
		kind := "call"
		if e.Ellipsis.IsValid() {
			kind = "call..."
		}
		n.list(kind, e.Fun, e.Args)
		n.calls(e)
	case *ast.ChanType:
		n.list("chan"+strconv.Itoa(int(e.Dir)), e.Value)
	case *ast.CompositeLit:
		n.literal(e)
	case *ast.Ellipsis:
		n.list("...", e.Elt)
	case *ast.FuncLit:
		var results *types.Tuple
		if sig, ok := n.typeOf(e).(*types.Signature); ok {
			results = sig.Results()
		}
		n.results = append(n.results, results)
		n.list("func", e.Type, e.Body)
		n.results = n.results[:len(n.results)-1]
	case *ast.FuncType:
		n.list("signature", e.TypeParams, e.Params, e.Results)
	case *ast.Ident:
		n.ident(e)
	case *ast.IndexExpr:
		n.list("index", e.X, e.Index)
	case *ast.IndexListExpr:
		n.list("index", e.X, e.Indices)
	case *ast.InterfaceType:
		n.interfaceType(e)
	case *ast.KeyValueExpr:
		n.list(":", e.Key, e.Value)
	case *ast.MapType:
		n.list("map", e.Key, e.Value)
	case *ast.ParenExpr:
		n.write(e.X)
	case *ast.SelectorExpr:
		n.selector(e)
	case *ast.SliceExpr:
		n.list("slice", e.X, e.Low, e.High, e.Max)
	case *ast.StarExpr:
		n.list("*", e.X)
	case *ast.StructType:
		n.structType(e)
	case *ast.TypeAssertExpr:
		n.list("assert", e.X, e.Type)
	case *ast.UnaryExpr:
		n.list(e.Op.String(), e.X)
	default: // *ast.BadExpr
		n.atom("bad")
	}
}

// structType writes a struct's fields in the order of their names.
func (n *normal) structType(e *ast.StructType) {
	var fields []func()
	for _, f := range e.Fields.List {
		tag := ""
		if f.Tag != nil {
			tag = f.Tag.Value
			if unquoted, err := strconv.Unquote(tag); err == nil {
				tag = strconv.Quote(unquoted)
			}
		}
		for _, name := range f.Names {
			fields = append(fields, func() { n.list(name.Name, f.Type, tag) })
		}
		if len(f.Names) == 0 {
			fields = append(fields, func() { n.list("embed", f.Type, tag) })
		}
	}
	n.b = append(n.b, " (struct"...)
	n.sorted(fields)
	n.b = append(n.b, ')')
}

func (n *normal) interfaceType(e *ast.InterfaceType) {
	var methods []func()
	for _, f := range e.Methods.List {
		for _, name := range f.Names {
			methods = append(methods, func() { n.list(name.Name, f.Type) })
		}
		if len(f.Names) == 0 {
			methods = append(methods, func() { n.list("embed", f.Type) })
		}
	}
	n.b = append(n.b, " (interface"...)
	n.sorted(methods)
	n.b = append(n.b, ')')
}

// literal writes a composite literal; that of a struct with the names of the fields, in their order.
func (n *normal) literal(e *ast.CompositeLit) {
	t := n.typeOf(e)
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	n.b = append(n.b, " (literal"...)
	n.write(e.Type)
	defer func() { n.b = append(n.b, ')') }()
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		var elem, key types.Type
		switch t := t.Underlying().(type) {
		case *types.Slice:
			elem = t.Elem()
		case *types.Array:
			elem = t.Elem()
		case *types.Map:
			key, elem = t.Key(), t.Elem()
		}
		for _, part := range e.Elts {
			n.write(part)
			if kv, ok := part.(*ast.KeyValueExpr); ok {
				n.converts(kv.Key, key)
				part = kv.Value
			}
			n.converts(part, elem)
		}
		return
	}
	var fields []func()
	for i, part := range e.Elts {
		name := "?"
		var to types.Type
		if kv, ok := part.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				name = id.Name
				to = n.typeOf(id)
			}
			part = kv.Value
		} else if i < s.NumFields() {
			name, to = s.Field(i).Name(), s.Field(i).Type()
		}
		fields = append(fields, func() { n.list(name, part) })
		n.converts(part, to)
	}
	n.sorted(fields)
}

func (n *normal) ident(id *ast.Ident) {
	obj := n.Info.Defs[id]
	if obj == nil {
		obj = n.Info.Uses[id]
	}
	switch {
	case id.Name == "_":
		n.atom("_")
	case obj != nil && n.isLocal(obj):
		n.local(obj.Pos())
	case obj != nil:
		n.instance(id)
		n.mention(id.Pos(), obj)
	case n.locals[id.Pos()] > 0 || n.isSymbolic(id):
		n.local(id.Pos())
	default:
		n.atom("?" + id.Name) // of what is generated, or broken
	}
}

// isSymbolic reports whether id is the variable of a type switch, which stands for another one in each clause.
func (n *normal) isSymbolic(id *ast.Ident) bool {
	obj, defined := n.Info.Defs[id]
	return defined && obj == nil
}

func (n *normal) isLocal(obj types.Object) bool {
	if obj.Pkg() != n.Types || obj.Parent() == n.Types.Scope() {
		return false
	}
	switch obj := obj.(type) {
	case *types.Func, *types.PkgName:
		return false
	case *types.Var:
		return !obj.IsField()
	}
	return true
}

func (n *normal) selector(e *ast.SelectorExpr) {
	if s, ok := n.Info.Selections[e]; ok {
		switch obj := s.Obj().(type) {
		case *types.Func:
			recv := "" // of an interface's method: any
			if named := receiver(obj); named != nil && !types.IsInterface(named) {
				recv = named.Obj().Name() + "."
			}
			n.list("method", e.X, recv+obj.Name())
			n.outside(e.Sel.Pos(), obj)
			if obj.Pkg() == n.Types {
				n.reach(obj.Origin())
			}
		case *types.Var:
			n.list("field", e.X, obj.Name())
			if obj.Pkg() == n.Types && holdsCode(obj.Type()) {
				n.opaque(e.Sel.Pos(), "reads field "+obj.Name()+", whose functions can be any")
			}
		}
		return
	}
	if id, ok := e.X.(*ast.Ident); ok {
		if name, ok := n.Info.Uses[id].(*types.PkgName); ok {
			if name.Imported().Path() == "C" {
				n.opaque(e.Sel.Pos(), "uses "+e.Sel.Name+" of C")
			}
			if obj := n.Info.Uses[e.Sel]; obj != nil {
				n.instance(e.Sel)
				n.mention(e.Sel.Pos(), obj)
			} else {
				n.atom("?" + strconv.Quote(name.Imported().Path()) + "." + e.Sel.Name)
			}
			return
		}
	}
	n.list("?select", e.X, e.Sel.Name)
}

// receiver returns the named type that a method belongs to, or nil.
func receiver(fn *types.Func) *types.Named {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := types.Unalias(recv.Type())
	if pointer, ok := t.(*types.Pointer); ok {
		t = types.Unalias(pointer.Elem())
	}
	named, _ := t.(*types.Named)
	return named
}

// holdsCode reports whether a field's value decides which code runs where it is used.
func holdsCode(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	_, isFunc := t.Underlying().(*types.Signature)
	return isFunc || types.IsInterface(t)
}

// mention writes an object that is declared outside of any function, and reaches it.
func (n *normal) mention(pos token.Pos, obj types.Object) {
	switch {
	case obj.Pkg() == nil: // predeclared
		n.atom(obj.Name())
		return
	case obj.Pkg() == n.Types:
		if name, ok := obj.(*types.TypeName); ok && name.IsAlias() && !n.seen[name] {
			if spec := n.walk.types[name]; spec != nil && spec.TypeParams == nil {
				n.seen[name] = true // an alias of itself is broken
				n.write(spec.Type)
				n.seen[name] = false
				return
			}
		}
		n.atom(obj.Name())
		n.reach(obj)
		return
	}
	n.atom(strconv.Quote(obj.Pkg().Path()) + "." + obj.Name())
	n.outside(pos, obj)
	if c, ok := obj.(*types.Const); ok && !n.IsStandard(obj.Pkg().Path()) {
		n.b = append(n.b, "="+c.Val().ExactString()...)
	}
}
