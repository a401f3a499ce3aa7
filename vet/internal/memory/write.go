package memory

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
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
	effects map[*types.Func]map[effect]bool
}

// effect is a write of a function through a parameter.
type effect struct {
	param int // -1 is the receiver
	field string
	level int
}

// NewWrites reads all functions of a package.
func NewWrites(p *domain.Package) *Writes {
	w := &Writes{p, map[*types.Func]map[effect]bool{}}
	shared := map[*types.Func]*Shared{}
	for fn, decl := range p.Decls {
		w.effects[fn] = map[effect]bool{}
		shared[fn] = NewShared(p.TypesInfo, decl)
	}
	for changed := true; changed; {
		changed = false
		for fn, decl := range p.Decls {
			for _, write := range w.In(decl.Body) {
				for _, place := range shared[fn].Written(write.Path).places {
					param, ok := parameter(fn, place.Var)
					if e := (effect{param, place.Field, place.Level}); ok && place.Crossed() && !w.effects[fn][e] {
						w.effects[fn][e], changed = true, true
					}
				}
			}
		}
	}
	return w
}

// parameter returns the number of a parameter.
func parameter(fn *types.Func, v *types.Var) (int, bool) {
	if v == fn.Signature().Recv() {
		return -1, true
	}
	for i := range fn.Signature().Params().Len() {
		if v == fn.Signature().Params().At(i) {
			return i, true
		}
	}
	return 0, false
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

// through is the write of a called function through an argument.
func (w *Writes) through(call *ast.CallExpr, arg ast.Expr, by *types.Func, e effect) Write {
	arg = ast.Unparen(arg)
	address := !isReference(w.TypesInfo.TypeOf(arg)) // of a method's receiver, which is taken
	if unary, ok := arg.(*ast.UnaryExpr); ok && unary.Op == token.AND {
		arg, address = unary.X, true
	}
	p := path(w.TypesInfo, arg)
	p.State = p.State || domain.PointedAggregate(w.TypesInfo.TypeOf(arg)) != nil && w.isStored(arg, e.field)
	levels := e.level
	if address && e.field == "" {
		levels--
	}
	switch {
	case e.field != "" && p.Field == "" && p.Level == 0:
		p.Field, p.Via = e.field, !address
	case e.field != "" && !address:
		levels++
	}
	p.Level += max(levels, 0)
	return Write{Path: p, Node: call, By: by, To: arg}
}

// isStored reports whether a field of what an expression points to is, if that is an aggregate.
func (w *Writes) isStored(e ast.Expr, field string) bool {
	return field == "" || domain.IsStored(domain.PointedAggregate(w.TypesInfo.TypeOf(e)), field)
}

func (w *Writes) call(call *ast.CallExpr) []Write {
	info := w.TypesInfo
	switch {
	case len(call.Args) == 0 && !isMethodCall(info, call):
		return nil
	case isBuiltin(info, call, "delete", "clear", "copy"):
		return []Write{w.through(call, call.Args[0], nil, behind)}
	case isBuiltin(info, call, "append"):
		if _, ok := ast.Unparen(call.Args[0]).(*ast.SliceExpr); ok { // append(s[:i], …) writes over what was there
			return []Write{w.through(call, call.Args[0], nil, behind)}
		}
		return nil
	}
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok {
		return nil
	}
	fn = fn.Origin()
	if effects, known := w.effects[fn]; known {
		return w.effectsOf(call, fn, effects)
	}
	if fn.Pkg() == nil || fn.Pkg() == w.Pkg {
		return nil
	}
	if fills(fn.Name()) && !domain.IsToolkit(fn.Pkg()) {
		return w.filled(call, fn)
	}
	if recv := fn.Signature().Recv(); recv != nil {
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if ok && writes(fn.Name()) && isReference(recv.Type()) && domain.PointedAggregate(recv.Type()) == nil && !domain.IsToolkit(fn.Pkg()) {
			return []Write{w.through(call, sel.X, fn, behind)}
		}
		return nil
	}
	if arg, ok := standard[fn.Pkg().Path()+"."+fn.Name()]; ok && arg < len(call.Args) {
		return []Write{w.through(call, call.Args[arg], fn, behind)}
	}
	return nil
}

// filled returns the writes of a function that puts what it reads where the pointers among its arguments say.
func (w *Writes) filled(call *ast.CallExpr, fn *types.Func) []Write {
	var all []Write
	for _, arg := range call.Args {
		if t := w.TypesInfo.TypeOf(arg); t != nil {
			if _, ok := t.Underlying().(*types.Pointer); ok {
				all = append(all, w.through(call, arg, fn, behind))
			}
		}
	}
	return all
}

// fills reports whether a function of another package is one of these, by its name: json.Unmarshal, fmt.Sscan, Decode of a decoder,
// Scan of a database's row.
func fills(name string) bool {
	for _, prefix := range []string{"Decode", "Fscan", "Scan", "Sscan", "Unmarshal"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// behind is a write to what a pointer, slice or map refers to.
var behind = effect{level: 1}

func (w *Writes) effectsOf(call *ast.CallExpr, fn *types.Func, effects map[effect]bool) []Write {
	var all []Write
	sorted := slices.SortedFunc(maps.Keys(effects), func(x, y effect) int {
		return cmp.Or(cmp.Compare(x.param, y.param), cmp.Compare(x.field, y.field), cmp.Compare(x.level, y.level))
	})
	last := fn.Signature().Params().Len() - 1
	for _, e := range sorted {
		if e.param < 0 {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
				all = append(all, w.through(call, sel.X, fn, e))
			}
			continue
		}
		for i, arg := range call.Args {
			if min(i, last) == e.param {
				all = append(all, w.through(call, arg, fn, e))
			}
		}
	}
	return all
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
	"encoding/binary.Read":  2,
	"maps.Copy":             0,
	"maps.DeleteFunc":       0,
	"maps.Insert":           0,
	"slices.Compact":        0,
	"slices.CompactFunc":    0,
	"slices.Delete":         0,
	"slices.DeleteFunc":     0,
	"slices.Insert":         0,
	"slices.Replace":        0,
	"slices.Reverse":        0,
	"slices.Sort":           0,
	"slices.SortFunc":       0,
	"slices.SortStableFunc": 0,
	"sort.Float64s":         0,
	"sort.Ints":             0,
	"sort.Slice":            0,
	"sort.SliceStable":      0,
	"sort.Sort":             0,
	"sort.Stable":           0,
	"sort.Strings":          0,

	"sync/atomic.AddInt32":   0,
	"sync/atomic.AddInt64":   0,
	"sync/atomic.AddUint32":  0,
	"sync/atomic.AddUint64":  0,
	"sync/atomic.StoreInt32": 0,
	"sync/atomic.StoreInt64": 0,
	"sync/atomic.SwapInt64":  0,
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
