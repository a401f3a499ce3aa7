package check

import (
	"fmt"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// apply checks the apply method of an event, or the fields that make a generated one.
func (c *checker) apply(a *model.Aggregate, v *model.Version) {
	name := names.Apply(v.Go)
	method := methodOf(a.Type, name)
	stub := "func (" + receiverName(a) + " *" + a.Go + ") " + name + "(e " + v.Go + ")"
	switch {
	case v.Assign && method != nil:
		c.problems.At(method.Pos(), "apply=assign at event %s generates %s: remove this method or the argument", v.Go, name)
	case v.Assign:
		assigned, wrong := c.assignable(a, v)
		v.Assigned = assigned
		for _, w := range wrong {
			c.problems.At(w.pos, "apply=assign: %s, or write %s yourself", w.message, name)
		}
	case method == nil:
		if c.Declared[a.Go+"."+name] != token.NoPos {
			return // declared in a way that the type-checker has told
		}
		if other := c.applierOf(a, v); other != nil {
			c.problems.At(other.Pos(), "%s applies %s and is never called: rename it to %s", other.Name(), v.Go, name)
			return
		}
		remedy := ""
		if assigned, wrong := c.assignable(a, v); len(assigned) > 0 && len(wrong) == 0 {
			remedy = ", or apply=assign at its directive to copy the fields by name"
		}
		c.problems.At(v.Pos, "event %s has no apply body: write %s { … }%s", v.Go, stub, remedy)
	default:
		if wrong := wrongApply(a, v, method); wrong != "" {
			c.problems.At(method.Pos(), "apply method %s %s: write %s", name, wrong, stub)
		}
	}
}

// wrongApply says what is wrong with the signature of an apply method, "" if nothing is.
func wrongApply(a *model.Aggregate, v *model.Version, method *types.Func) string {
	sig := method.Signature()
	if _, ok := types.Unalias(sig.Recv().Type()).(*types.Pointer); !ok {
		return "has a value receiver and changes a copy"
	}
	if sig.Params().Len() != 1 || sig.Variadic() {
		return "doesn't take the event alone"
	}
	param := types.Unalias(sig.Params().At(0).Type())
	if pointer, ok := param.(*types.Pointer); ok && types.Identical(pointer.Elem(), v.Type) {
		return "takes a pointer, and events are values"
	}
	if !types.Identical(param, v.Type) {
		if param.Underlying() == types.Typ[types.Invalid] {
			return ""
		}
		return "takes " + types.TypeString(param, types.RelativeTo(v.Type.Obj().Pkg())) + " instead of " + v.Go
	}
	if sig.Results().Len() > 0 {
		return "has a result, and what has happened can't be refused"
	}
	return ""
}

// applierOf returns a method whose name starts with apply and that takes the event, if
// its name is not that of another event's.
func (c *checker) applierOf(a *model.Aggregate, v *model.Version) *types.Func {
	for m := range a.Type.Methods() {
		sig := m.Signature()
		if strings.HasPrefix(m.Name(), "apply") && sig.Params().Len() == 1 && types.Identical(sig.Params().At(0).Type(), v.Type) {
			return m
		}
	}
	return nil
}

// unassignable is a field that can't be copied to the state.
type unassignable struct {
	pos     token.Pos
	message string
}

// assignable pairs the event's fields with those of the state. Fields that are not stored are left
// alone: a replay doesn't have them.
func (c *checker) assignable(a *model.Aggregate, v *model.Version) (names []string, wrong []unassignable) {
	state := a.Type.Underlying().(*types.Struct)
	event := v.Type.Underlying().(*types.Struct)
	for i := range event.NumFields() {
		f := event.Field(i)
		to := fieldOf(state, f.Name())
		switch {
		case f.Name() == "_" || reflect.StructTag(event.Tag(i)).Get("json") == "-":
		case f.Type().Underlying() == types.Typ[types.Invalid]:
		case to == nil || to.Embedded():
			wrong = append(wrong, unassignable{f.Pos(), fmt.Sprintf("%s has no field %s to assign %s.%[2]s to: add it", a.Go, f.Name(), v.Go)})
		case to.Type().Underlying() == types.Typ[types.Invalid]:
		case !types.AssignableTo(f.Type(), to.Type()):
			wrong = append(wrong, unassignable{f.Pos(), fmt.Sprintf("%s.%s of type %s can't be assigned to %s.%[2]s of type %[5]s: make the types equal",
				v.Go, f.Name(), c.typeString(f.Type()), a.Go, c.typeString(to.Type()))})
		default:
			names = append(names, f.Name())
		}
	}
	return names, wrong
}

func (c *checker) typeString(t types.Type) string {
	return types.TypeString(t, types.RelativeTo(c.Types))
}

func fieldOf(s *types.Struct, name string) *types.Var {
	for f := range s.Fields() {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

func methodOf(t *types.Named, name string) *types.Func {
	for m := range t.Methods() {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

// receiverName returns the name that the aggregate's methods use for the receiver.
func receiverName(a *model.Aggregate) string {
	for m := range a.Type.Methods() {
		if name := m.Signature().Recv().Name(); name != "" && name != "_" {
			return name
		}
	}
	return strings.ToLower(names.Lower(a.Go)[:1])
}
