// Package check finds what keeps a model from being generated, and completes it with
// what the emitter needs: the shapes of what is stored, and the generated apply bodies.
package check

import (
	"cmp"
	"go/types"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

const rootPackage = "github.com/esgen-go/esgen/aggregate"

// Package checks one package.
func Package(p *model.Package, problems *problem.List) {
	c := &checker{Package: p, problems: problems}
	c.names()
	for _, a := range p.Aggregates {
		if c.root(a) {
			a.State = c.shape(a.Type, shape.State)
		}
		for _, e := range a.Events {
			for _, v := range e.Versions {
				switch {
				case v.Type != nil:
					v.Shape = c.shape(v.Type, shape.Event)
				case v.Locked != nil:
					v.Shape = v.Locked.Shape
				default: // a function takes it as it is
					v.Shape = &shape.Type{Kind: shape.Raw}
				}
			}
		}
		for _, v := range a.Latest() {
			if !v.Event.Broken {
				c.apply(a, v)
			}
		}
		c.unapplied(a)
		for _, v := range a.Old() {
			if v.Retired {
				problems.At(v.Pos, "//esgen:retired is at version %d of %s, which upcaster %s takes, so that it is never recorded anyhow: remove the directive", v.Schema, v.Event.Name, cmp.Or(v.Upcast.Func, "of esgen's"))
			}
			if v.Assign {
				problems.At(v.AssignPos, "apply=assign is at version %d of %s, and only the latest is applied: remove it", v.Schema, v.Event.Name)
			}
		}
	}
	if !c.shapeless {
		c.steps()
	}
}

type checker struct {
	*model.Package
	problems *problem.List

	shapeless bool // a shape is incomplete
}

func (c *checker) shape(t *types.Named, mode shape.Mode) *shape.Type {
	s, problems := shape.Of(t, mode)
	c.shapeless = c.shapeless || len(problems) > 0
	for _, p := range problems {
		if !p.Unknown || !c.Broken && !c.problems.OnLine(p.Pos) {
			c.problems.At(p.Pos, "%s", p)
		}
	}
	return s
}

// root checks that a state struct embeds aggregate.Root.
func (c *checker) root(a *model.Aggregate) bool {
	s := a.Type.Underlying().(*types.Struct)
	for i := range s.NumFields() {
		f := s.Field(i)
		if f.Type().Underlying() == types.Typ[types.Invalid] && f.Name() == "Root" {
			return false // the type-checker has told
		}
		t := types.Unalias(f.Type())
		pointer, isPointer := t.(*types.Pointer)
		if isPointer {
			t = types.Unalias(pointer.Elem())
		}
		if !isRoot(t) {
			continue
		}
		switch {
		case isPointer:
			c.problems.At(f.Pos(), "aggregate %s embeds a pointer to aggregate.Root: embed the value, aggregate.Root", a.Go)
		case !f.Embedded():
			c.problems.At(f.Pos(), "aggregate %s has aggregate.Root as field %s: embed it, without the name", a.Go, f.Name())
		case f.Name() != "Root":
			c.problems.At(f.Pos(), "aggregate %s embeds aggregate.Root by the name of an alias, %s: embed aggregate.Root itself", a.Go, f.Name())
		case s.Tag(i) != "":
			c.problems.At(f.Pos(), "aggregate.Root has a tag in aggregate %s, and is never stored: remove the tag", a.Go)
		default:
			return true
		}
		return false
	}
	c.problems.At(a.Pos, "aggregate %s doesn't embed aggregate.Root: write aggregate.Root as the first line of the struct and import %q", a.Go, rootPackage)
	return false
}

func isRoot(t types.Type) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Name() == "Root" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == rootPackage
}
