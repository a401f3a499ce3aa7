package memory

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// Write is a change of memory.
type Write struct {
	Path
	Node ast.Node
	By   *types.Func // that is called and does it; nil for a statement and a builtin
	To   ast.Expr    // what is changed
}

// Writes finds the writes in a package's functions, also those that a called function of the package does.
type Writes struct {
	*domain.Package
	changes map[*types.Func]map[int]bool // parameters through which a function writes; -1 is the receiver
}

// NewWrites reads all functions of a package.
func NewWrites(p *domain.Package) *Writes {
	w := &Writes{p, map[*types.Func]map[int]bool{}}
	for fn := range p.Decls {
		w.changes[fn] = map[int]bool{}
	}
	for changed := true; changed; {
		changed = false
		for fn, decl := range p.Decls {
			shared := NewShared(p.TypesInfo, decl)
			for _, write := range w.In(decl.Body) {
				if !write.Crossed {
					continue
				}
				memory := shared.Of(write.Path)
				for i, param := range parameters(fn) {
					if memory.Has(param) && !w.changes[fn][i] {
						w.changes[fn][i], changed = true, true
					}
				}
			}
		}
	}
	return w
}

func parameters(fn *types.Func) map[int]*types.Var {
	params := map[int]*types.Var{}
	if recv := fn.Signature().Recv(); recv != nil {
		params[-1] = recv
	}
	for i := range fn.Signature().Params().Len() {
		params[i] = fn.Signature().Params().At(i)
	}
	return params
}

// In returns the writes in a part of the code, in their order. Assignments to whole variables are among
// them, as they write to what a pointer may point to.
func (w *Writes) In(node ast.Node) []Write {
	var all []Write
	to := func(n ast.Node, e ast.Expr) {
		all = append(all, Write{Path: path(w.TypesInfo, e), Node: n, To: e})
	}
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); !ok || n.Tok != token.DEFINE && id.Name != "_" {
					to(n, e)
				}
			}
		case *ast.IncDecStmt:
			to(n, n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if e != nil {
						to(n, e)
					}
				}
			}
		case *ast.CallExpr:
			all = append(all, w.call(n)...)
		}
		return true
	})
	return all
}

// behind is the write to what an argument refers to.
func (w *Writes) behind(call *ast.CallExpr, arg ast.Expr, by *types.Func) []Write {
	if unary, ok := ast.Unparen(arg).(*ast.UnaryExpr); ok && unary.Op == token.AND {
		return []Write{{Path: path(w.TypesInfo, unary.X), Node: call, By: by, To: unary.X}}
	}
	p := path(w.TypesInfo, arg)
	p.Crossed = true
	p.State = p.State || domain.PointedAggregate(w.TypesInfo.TypeOf(arg)) != nil
	return []Write{{Path: p, Node: call, By: by, To: arg}}
}

func (w *Writes) call(call *ast.CallExpr) []Write {
	info := w.TypesInfo
	switch {
	case len(call.Args) == 0 && !isMethodCall(info, call):
		return nil
	case isBuiltin(info, call, "delete", "clear", "copy"):
		return w.behind(call, call.Args[0], nil)
	case isBuiltin(info, call, "append"):
		if _, ok := ast.Unparen(call.Args[0]).(*ast.SliceExpr); ok { // append(s[:i], …) writes over what was there
			return w.behind(call, call.Args[0], nil)
		}
		return nil
	}
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok {
		return nil
	}
	fn = fn.Origin()
	var all []Write
	if changes, known := w.changes[fn]; known {
		for i, arg := range call.Args {
			if param := min(i, fn.Signature().Params().Len()-1); changes[param] {
				all = append(all, w.behind(call, arg, fn)...)
			}
		}
		if changes[-1] {
			all = append(all, w.receiver(call, fn)...)
		}
		return all
	}
	if fn.Pkg() == nil || fn.Pkg() == w.Pkg {
		return nil
	}
	if fn.Signature().Recv() != nil {
		if writes(fn.Name()) && domain.PointedAggregate(fn.Signature().Recv().Type()) == nil && !domain.IsToolkit(fn.Pkg()) {
			return w.receiver(call, fn)
		}
		return nil
	}
	if arg, ok := standard[fn.Pkg().Path()+"."+fn.Name()]; ok && arg < len(call.Args) {
		return w.behind(call, call.Args[arg], fn)
	}
	return nil
}

// receiver is the write of a method to what it is called on.
func (w *Writes) receiver(call *ast.CallExpr, fn *types.Func) []Write {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || !isReference(fn.Signature().Recv().Type()) {
		return nil
	}
	if isReference(w.TypesInfo.TypeOf(sel.X)) {
		return w.behind(call, sel.X, fn)
	}
	return []Write{{Path: path(w.TypesInfo, sel.X), Node: call, By: fn, To: sel.X}} // its address is taken
}

func isMethodCall(info *types.Info, call *ast.CallExpr) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && info.Selections[sel] != nil
}

// writes reports whether a method of another package, with a pointer as its receiver, changes that, by its name.
func writes(method string) bool {
	for _, prefix := range []string{
		"Abs", "Add", "Append", "Clear", "Copy", "Dec", "Delete", "Div", "Exp", "Fill", "Grow", "Inc", "Init", "Insert", "Mod", "Move", "Mul",
		"Neg", "Pop", "Push", "Put", "Quo", "Rem", "Remove", "Reset", "Scan", "Set", "Store", "Sub", "Swap", "Truncate", "Unmarshal", "Write",
	} {
		if rest, ok := strings.CutPrefix(method, prefix); ok && (rest == "" || rest[0] < 'a' || 'z' < rest[0]) {
			return true
		}
	}
	return false
}

// standard has the functions of the standard library that write to what an argument refers to.
var standard = map[string]int{
	"encoding/json.Unmarshal": 1,
	"maps.Copy":               0,
	"maps.DeleteFunc":         0,
	"maps.Insert":             0,
	"slices.Compact":          0,
	"slices.CompactFunc":      0,
	"slices.Delete":           0,
	"slices.DeleteFunc":       0,
	"slices.Insert":           0,
	"slices.Replace":          0,
	"slices.Reverse":          0,
	"slices.Sort":             0,
	"slices.SortFunc":         0,
	"slices.SortStableFunc":   0,
	"sort.Float64s":           0,
	"sort.Ints":               0,
	"sort.Slice":              0,
	"sort.SliceStable":        0,
	"sort.Sort":               0,
	"sort.Stable":             0,
	"sort.Strings":            0,
}

// Analyzer gives other analyzers the *[Writes].
var Analyzer = &analysis.Analyzer{
	Name:       "esgenmemory",
	Doc:        "find what writes to memory",
	Requires:   []*analysis.Analyzer{domain.Analyzer},
	ResultType: reflect.TypeFor[*Writes](),
	Run: func(pass *analysis.Pass) (any, error) {
		return NewWrites(pass.ResultOf[domain.Analyzer].(*domain.Package)), nil
	},
}
