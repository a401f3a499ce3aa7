// Package fold tells apart the code that computes an aggregate's state from its events, so that snapshots
// of other code are not used. It follows that code from the apply methods and upcasters to all
// that they reach in the package, and writes it in a normal form, in which comments, formatting, the names of
// local variables, the places of declarations and the like don't count.
//
// What it can't see into, such as another package's functions, it reports, unless the aggregate's
// directive has fold=, with which the author states the version of that. The standard library is taken to
// compute the same in every version.
package fold

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Package sets the Code of a package's aggregates.
func Package(p *model.Package, problems *problem.List) {
	decls := index(p.Package)
	for _, a := range p.Aggregates {
		w := newWalk(p, decls)
		w.opaque = func(pos token.Pos, does string) {
			if a.Fold == "" {
				problems.At(pos, "the fold of aggregate %s %s, which the fingerprint of its snapshots doesn't cover: "+
					"add fold=1 to //esgen:aggregate, and raise it whenever that gives another result", a.Go, does)
			}
		}
		w.aggregate(a)
		sum := sha256.Sum256([]byte(w.text()))
		a.Code = hex.EncodeToString(sum[:12])
	}
}

// walk follows the code of one aggregate's fold.
type walk struct {
	*model.Package
	*declarations
	opaque func(pos token.Pos, does string)

	seen    map[any]bool // objects, and init functions by their declaration
	queue   []func() string
	written []string
}

func newWalk(p *model.Package, decls *declarations) *walk {
	return &walk{Package: p, declarations: decls, seen: map[any]bool{}}
}

// text returns all that was reached, in an order that doesn't depend on where it is declared.
func (w *walk) text() string {
	for len(w.queue) > 0 {
		next := w.queue[0]
		w.queue = w.queue[1:]
		w.written = append(w.written, next())
	}
	slices.Sort(w.written)
	return strings.Join(w.written, "\n")
}

// aggregate adds an aggregate's fold: what is generated of it, and where the user's part begins.
func (w *walk) aggregate(a *model.Aggregate) {
	w.stored(a.Type)
	w.foreign(a.State, a.Pos)
	for _, e := range a.Events {
		for _, v := range e.Versions {
			line := fmt.Sprintf("event %s %d %s", strconv.Quote(e.Name), v.Schema, v.Go)
			if v.Type != nil {
				w.stored(v.Type)
				w.foreign(v.Shape, v.Pos)
			} else { // esgen reads it as the lock has it, into the next version that has a struct
				line += " locked " + shape.Fingerprint(v.Shape)
			}
			switch {
			case v.Upcast != nil:
				line += " upcast " + v.Upcast.Func
				if to := v.Upcast.To; to != nil {
					line += " to " + to.Go
				}
				w.reach(w.Types.Scope().Lookup(v.Upcast.Func))
			case v.Assign:
				assigned := slices.Sorted(slices.Values(v.Assigned))
				line += " assign " + strings.Join(assigned, " ")
			default:
				w.method(a.Type, names.Apply(v.Go))
			}
			w.written = append(w.written, line)
		}
	}
}

// method reaches a method of a type by name.
func (w *walk) method(t *types.Named, name string) {
	for m := range t.Methods() {
		if m.Name() == name {
			w.reach(m)
		}
	}
}

// stored reaches a type of what is stored, and the methods by which it decides itself how it is.
func (w *walk) stored(t *types.Named) {
	w.reach(t.Obj())
	w.inside(t, func(named *types.Named) {
		for m := range named.Methods() {
			for _, prefix := range []string{"Marshal", "Unmarshal", "Append", "IsZero"} {
				if strings.HasPrefix(m.Name(), prefix) {
					w.reach(m)
				}
			}
		}
	})
}

// foreign reports what a stored type has of another package's methods, by which values of it are read: pos is where no field of
// the package leads there.
func (w *walk) foreign(t *shape.Type, pos token.Pos) {
	told := map[*shape.Type]bool{}
	var value func(t *shape.Type, pos token.Pos)
	value = func(t *shape.Type, pos token.Pos) {
		if t == nil || told[t] {
			return
		}
		told[t] = true
		if t.Kind == shape.Marshaler || t.Kind == shape.Text {
			if pkg := w.codec(t.Go); pkg != nil {
				w.opaque(pos, "reads "+t.Name+" by methods of package "+pkg.Path())
			}
		}
		value(t.Key, pos)
		value(t.Elem, pos)
		for _, f := range t.Fields {
			at := pos
			if slices.ContainsFunc(w.Files, func(file *ast.File) bool { return file.FileStart <= f.Pos && f.Pos <= file.FileEnd }) {
				at = f.Pos
			}
			value(f.Type, at)
		}
	}
	value(t, pos)
}

// codec returns the other package whose methods a type has that marshals itself, nil if they are of this one or of those that are
// taken to stay.
func (w *walk) codec(t types.Type) *types.Package {
	methods := types.NewMethodSet(types.NewPointer(t))
	for _, name := range []string{"UnmarshalJSON", "MarshalJSON", "UnmarshalText", "MarshalText"} {
		if m := methods.Lookup(nil, name); m != nil && w.isOpaque(m.Obj().Pkg()) {
			return m.Obj().Pkg()
		}
	}
	return nil
}

// inside calls do for each of the package's named types that values of type t consist of.
func (w *walk) inside(t types.Type, do func(*types.Named)) {
	seen := map[types.Type]bool{}
	var visit func(types.Type)
	visit = func(t types.Type) {
		t = types.Unalias(t)
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Named:
			if t.Obj().Pkg() == w.Types {
				do(t.Origin())
				visit(t.Underlying())
			}
			for arg := range t.TypeArgs().Types() {
				visit(arg)
			}
		case *types.Pointer:
			visit(t.Elem())
		case *types.Slice:
			visit(t.Elem())
		case *types.Array:
			visit(t.Elem())
		case *types.Chan:
			visit(t.Elem())
		case *types.Map:
			visit(t.Key())
			visit(t.Elem())
		case *types.Struct:
			for f := range t.Fields() {
				visit(f.Type())
			}
		case *types.Tuple:
			for v := range t.Variables() {
				visit(v.Type())
			}
		}
	}
	visit(t)
}

// isAggregate reports whether a type is the state of one of the package's aggregates.
func (w *walk) isAggregate(t *types.Named) bool {
	return slices.ContainsFunc(w.Aggregates, func(a *model.Aggregate) bool { return a.Type == t })
}

// reach adds an object of the package, once.
func (w *walk) reach(obj types.Object) {
	if obj == nil || w.seen[obj] {
		return
	}
	w.seen[obj] = true
	switch obj := obj.(type) {
	case *types.Func:
		if decl := w.funcs[obj]; decl != nil {
			w.queue = append(w.queue, func() string { return w.function(obj, decl) })
		}
	case *types.TypeName:
		if spec := w.types[obj]; spec != nil {
			w.queue = append(w.queue, func() string { return w.typ(obj, spec) })
		}
	case *types.Const:
		if value, ok := w.values[obj]; ok {
			w.queue = append(w.queue, func() string { return w.constant(obj, value) })
		}
	case *types.Var:
		if value, ok := w.values[obj]; ok {
			w.queue = append(w.queue, func() string { return w.variable(obj, value) })
		}
	}
}
