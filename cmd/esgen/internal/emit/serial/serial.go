// Package serial writes typed serializers: for each shape a function that
// appends its JSON and one that decodes it, without reflection, for the
// run-time package es/codec.
//
// Use it in this order: New, any number of Append, Decode and Guard, then Emit
// into the package's generated file and EmitTests into its test file.
package serial

import (
	"fmt"
	"go/types"
	"maps"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

const codecPath = "github.com/esgen-go/esgen/es/codec"

// Generator collects the functions that one package needs. The same calls in
// the same order give the same code.
type Generator struct {
	pkg    *types.Package
	taken  func(name string) bool
	used   map[string]bool // names of generated functions
	funcs  map[functionKey]*function
	order  []*function // as they were requested or found
	guards []*shape.Type
	names  map[string]string // paths of the packages that types come from, to their names
}

// functionKey tells functions apart: by the type, and by the view of it.
type functionKey struct {
	name string
	view *shape.Type
}

// function stands for the functions of one type.
type function struct {
	t              *shape.Type
	base           string // what follows append, decode and read in the names
	append, decode bool   // is needed
	root           bool   // decode from a whole text is needed
	recursive      bool
}

// New returns a generator for the code of one package. taken reports the names
// of the package's own declarations, which generated functions must not have;
// nil means that there are none.
func New(pkg *types.Package, taken func(name string) bool) *Generator {
	if taken == nil {
		taken = func(string) bool { return false }
	}
	return &Generator{pkg: pkg, taken: taken, used: map[string]bool{}, funcs: map[functionKey]*function{}, names: map[string]string{}}
}

// Append requests a function that appends t's JSON and returns its name:
//
//	func appendOpened(dst []byte, v *Opened) ([]byte, error)
//
// On an error, a *codec.Error that names the field, the returned slice is of no use.
// t must come from [shape.Of] without problems, and be a named type of the package.
func (g *Generator) Append(t *shape.Type) string {
	f := g.function(t, "")
	g.need(f, true)
	return f.appendName()
}

// Decode requests a function that decodes t from one whole JSON text and
// returns its name:
//
//	func decodeOpened(data []byte, v *Opened) error
//
// It sets all of v: of a state all but its aggregate.Root and the fields that
// are opted out, which keep their values. Nothing in v refers to data
// afterwards. After an error, a *codec.Error, v is undefined.
func (g *Generator) Decode(t *shape.Type) string {
	f := g.function(t, "")
	f.root = true
	g.need(f, false)
	return f.decodeName()
}

// Guard requests declarations that stop the package from compiling when t's struct, one of the
// package's structs within it, or a tag of these was changed after generation.
func (g *Generator) Guard(t *shape.Type) { g.guards = append(g.guards, t) }

// Emit writes all requested functions and guards, and those that these call,
// to the package's generated file.
func (g *Generator) Emit(f *jen.File) {
	g.nameImports(f)
	for _, fn := range g.order {
		if fn.append {
			g.emitAppend(f, fn)
		}
		if fn.root {
			g.emitDecode(f, fn)
		}
		if fn.decode {
			g.emitRead(f, fn)
		}
	}
	g.emitGuards(f)
}

// nameImports gives the packages that generated code can need their own names,
// unless the package has declared these itself.
func (g *Generator) nameImports(f *jen.File) {
	names := map[string]string{codecPath: "codec", "strconv": "strconv"}
	for _, fn := range g.order {
		packagesOf(fn.t, names)
	}
	for _, path := range slices.Sorted(maps.Keys(names)) {
		name := names[path]
		if !g.taken(name) {
			f.ImportName(path, name)
			continue
		}
		for g.taken(name) {
			name += "pkg"
		}
		f.ImportAlias(path, name)
	}
	g.names = names
}

// packagesOf adds the packages of all types within t to names.
func packagesOf(t *shape.Type, names map[string]string) {
	named := func(t types.Type) {
		if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil {
			names[n.Obj().Pkg().Path()] = n.Obj().Pkg().Name()
		}
	}
	for t := range t.All() {
		named(t.Go)
		if n := t.Named(); n != nil {
			for arg := range n.TypeArgs().Types() {
				named(arg)
			}
		}
		for _, f := range t.Fields {
			for _, s := range f.Steps {
				if s.Ptr != nil {
					named(s.Ptr)
				}
			}
		}
	}
}

// local returns a name for a local variable: name, unless that would hide
// something that the package declares or imports.
func (g *Generator) local(name string) *jen.Statement {
	for g.taken(name) || slices.Contains(slices.Collect(maps.Values(g.names)), name) {
		name += "_"
	}
	return jen.Id(name)
}

func (f *function) appendName() string { return "append" + f.base }
func (f *function) nestName() string   { return "nest" + f.base }
func (f *function) decodeName() string { return "decode" + f.base }
func (f *function) readName() string   { return "read" + f.base }
func (f *function) fieldsName() string { return "fieldsOf" + f.base }

// hasFunction reports whether values of t are handled by a function of their
// own; all others are handled where they occur.
func (g *Generator) hasFunction(t *shape.Type) bool {
	switch t.Kind {
	case shape.Struct:
		return true
	case shape.Slice, shape.Array, shape.Map, shape.Pointer:
		return t.Named() != nil && reaches(t, t)
	}
	return false
}

// function returns the function of t, which is made if need be. hint is a name
// for types that have none.
func (g *Generator) function(t *shape.Type, hint string) *function {
	key := functionKey{name: fmt.Sprint(t.Mode, " ", types.TypeString(t.Go, nil))}
	if t.View != "" {
		key.view = t // the same type is read from several old shapes
	}
	if f := g.funcs[key]; f != nil {
		return f
	}
	base := g.baseName(t.Go)
	if base == "" {
		base = hint
	}
	if t.Mode == shape.State {
		base += "State"
	}
	base += t.View
	f := &function{t: t, base: g.free(base), recursive: reaches(t, t)}
	g.funcs[key] = f
	g.order = append(g.order, f)
	return f
}

// free returns base, with a number behind it if one of the names made from it is taken.
func (g *Generator) free(base string) string {
	name := base
	for n := 2; ; n++ {
		f := function{base: name}
		clash := false
		for _, name := range []string{f.appendName(), f.nestName(), f.decodeName(), f.readName(), f.fieldsName()} {
			clash = clash || g.used[name] || g.taken(name)
		}
		if !clash {
			g.used[f.appendName()] = true
			return name
		}
		name = fmt.Sprint(base, n)
	}
}

// baseName makes a name for a named type: Opened, TimeRange for range.Time's
// Range, PageItem for Page[Item].
func (g *Generator) baseName(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		name := title(t.Obj().Name())
		if pkg := t.Obj().Pkg(); pkg != nil && pkg != g.pkg {
			name = title(pkg.Name()) + name
		}
		for arg := range t.TypeArgs().Types() {
			name += g.baseName(arg)
		}
		return name
	case *types.Basic:
		return title(t.Name())
	case *types.Pointer:
		return g.baseName(t.Elem())
	case *types.Slice:
		return g.baseName(t.Elem()) + "s"
	}
	return ""
}

// need marks f, and all functions that it calls, as needed for appending or decoding.
func (g *Generator) need(f *function, forAppend bool) {
	if forAppend && f.append || !forAppend && f.decode {
		return
	}
	if forAppend {
		f.append = true
	} else {
		f.decode = true
	}
	g.needWithin(f.t, f.base, forAppend)
}

func (g *Generator) needWithin(t *shape.Type, hint string, forAppend bool) {
	visit := func(t *shape.Type, hint string) {
		if g.hasFunction(t) {
			g.need(g.function(t, hint), forAppend)
		} else {
			g.needWithin(t, hint, forAppend)
		}
	}
	if t.Elem != nil {
		visit(t.Elem, hint)
	}
	for _, f := range t.Fields {
		visit(f.Type, hint+title(f.Go))
	}
}

// reaches reports whether a value of type from can hold one of type to.
func reaches(from, to *shape.Type) bool {
	for t := range from.All() {
		if t.Elem == to || slices.ContainsFunc(t.Fields, func(f *shape.Field) bool { return f.Type == to }) {
			return true
		}
	}
	return false
}
