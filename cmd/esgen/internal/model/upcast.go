package model

import (
	"go/token"
	"go/types"
	"strconv"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// upcast is an upcaster before its events are resolved.
type upcast struct {
	*Upcast
	from *eventStruct
	to   *eventStruct // nil for None and for a slice of the sum
	sum  string       // the sum that there is a slice of

	// Of one that takes a JSON text, in place of from.
	event  string
	schema int
}

// isRaw reports whether t is json.RawMessage.
func isRaw(t types.Type) bool {
	return types.TypeString(types.Unalias(t), nil) == "encoding/json.RawMessage"
}

// takesEvents reports whether all that a function takes are structs of this package.
func (b *builder) takesEvents(sig *types.Signature) bool {
	for v := range sig.Params().Variables() {
		named, ok := types.Unalias(v.Type()).(*types.Named)
		if !ok || named.Obj().Pkg() != b.Types || !isStruct(named) {
			return false
		}
	}
	return true
}

// takesSlice reports whether t is a slice of structs of this package.
func (b *builder) takesSlice(t types.Type) bool {
	slice, ok := types.Unalias(t).(*types.Slice)
	if !ok {
		return false
	}
	named, ok := types.Unalias(slice.Elem()).(*types.Named)
	return ok && named.Obj().Pkg() == b.Types && isStruct(named)
}

// rawTarget returns which version of which event a function of a JSON text is for.
func (b *builder) rawTarget(d directive.Attached) (event string, schema int, ok bool) {
	event, ok = value(d, "name", "")
	if !ok || !isEventName(event) {
		b.problems.At(d.Func.Name.Pos(), "upcaster %s takes a JSON text, and nothing tells of which event: write //esgen:upcast name=order.placed version=1", d.Func.Name.Name)
		return "", 0, false
	}
	text, _ := value(d, "version", "1")
	schema, err := strconv.Atoi(text)
	if err != nil || schema < 1 || schema > maxSchema || strconv.Itoa(schema) != text {
		b.problems.At(d.Args["version"].Pos, "version=%s is no schema version: write a whole number from 1, such as version=2", text)
		return "", 0, false
	}
	return event, schema, true
}

// firstArg returns the position of the first argument of a directive.
func firstArg(d directive.Attached) token.Pos {
	pos := token.NoPos
	for _, arg := range d.Args {
		if !pos.IsValid() || arg.Pos < pos {
			pos = arg.Pos
		}
	}
	return pos
}

// upcastForms says which functions are upcasters.
func (b *builder) upcastForms() string {
	several := ""
	if len(b.Aggregates) == 1 {
		several = " ([]" + names.Sum(b.Aggregates[0].Go) + " for events of several types)"
	}
	return "write func(Old) New, func(Old) []New" + several + ", or func(Old) without a result to drop the event, each with an error as last result if it can fail"
}

// upcast adds an upcaster. It returns false if the function is none, which has been reported.
func (b *builder) upcast(d directive.Attached) bool {
	name := d.Func.Name.Name
	obj, ok := b.Info.Defs[d.Func.Name].(*types.Func)
	if !ok {
		return false
	}
	pos := d.Func.Name.Pos()
	sig := obj.Signature()
	switch {
	case name == "_":
		b.problems.At(pos, "upcaster has no name, so that nothing can call it: write one, such as upcastOpenedV1")
		return false
	case sig.Recv() != nil:
		b.problems.At(pos, "upcaster %s is a method: make it a function, func %[1]s(old Old) New", name)
		return false
	case sig.TypeParams() != nil:
		b.problems.At(pos, "upcaster %s has type parameters: write one function for each version", name)
		return false
	case sig.Variadic():
		b.problems.At(pos, "upcaster %s takes any number of events instead of one, the old version: %s", name, b.upcastForms())
		return false
	case sig.Params().Len() > 1 && b.takesEvents(sig):
		b.problems.At(pos, "upcaster %s merges several events into one, and each stored event is read alone: upcast them one by one, or copy the streams with a transformation, as docs/guides/schema-evolution.md shows", name)
		return false
	case sig.Params().Len() != 1:
		b.problems.At(pos, "upcaster %s takes %d parameters instead of one, the old version: %s", name, sig.Params().Len(), b.upcastForms())
		return false
	}
	param := sig.Params().At(0).Type()
	results := make([]types.Type, 0, 2)
	for v := range sig.Results().Variables() {
		results = append(results, v.Type())
	}
	for _, t := range append([]types.Type{param}, results...) {
		if invalid(t) {
			return false // the type-checker has told
		}
	}

	u := &upcast{Upcast: &Upcast{Func: name, Pos: pos, Raw: isRaw(param)}}
	switch {
	case u.Raw:
		if u.event, u.schema, ok = b.rawTarget(d); !ok {
			return false
		}
	case len(d.Args) > 0:
		b.problems.At(firstArg(d), "upcaster %s takes %s, which tells the event and its version: remove the arguments of the directive, which are for functions of json.RawMessage", name, b.typeString(param))
		return false
	case b.takesSlice(param):
		b.problems.At(pos, "upcaster %s merges several events into one, and each stored event is read alone: upcast them one by one, or copy the streams with a transformation, as docs/guides/schema-evolution.md shows", name)
		return false
	}
	if u.from = b.versionStruct(param); u.from == nil && !u.Raw {
		b.problems.At(pos, "upcaster %s takes %s, which is no struct type of this package (events are values, not pointers): %s", name, b.typeString(param), b.upcastForms())
		return false
	}
	if n := len(results); n > 0 && isError(results[n-1]) {
		u.Errors, results = true, results[:n-1]
	}
	switch {
	case len(results) == 0:
		u.Result = None
	case len(results) > 1 || !b.upcastResult(u, results[0]):
		b.problems.At(pos, "upcaster %s returns %s, which is no struct type of this package nor a slice of one: %s", name, b.typeString(sig.Results()), b.upcastForms())
		return false
	}
	if u.Raw {
		b.raws = append(b.raws, u)
		return true
	}
	if other := u.from.from; other != nil {
		b.problems.At(pos, "%s and %s both upcast %s: a version has one upcaster, remove one of them", other.Func, name, u.from.goName)
		return false
	}
	u.from.from = u
	b.upcasts = append(b.upcasts, u)
	return true
}

func (b *builder) upcastResult(u *upcast, t types.Type) bool {
	if slice, ok := types.Unalias(t).(*types.Slice); ok {
		u.Result = Many
		t = slice.Elem()
		for _, a := range b.Aggregates {
			if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Name() == names.Sum(a.Go) && named.Obj().Pkg() == b.Types {
				u.sum = a.Go
				return true
			}
		}
	}
	u.to = b.versionStruct(t)
	return u.to != nil
}

// versionStruct returns the struct type of this package behind t, or nil.
func (b *builder) versionStruct(t types.Type) *eventStruct {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() != b.Types || named.TypeArgs() != nil || !isStruct(named) {
		return nil
	}
	name := named.Obj().Name()
	if b.structs[name] == nil {
		b.structs[name] = &eventStruct{goName: name, named: named}
		b.order = append(b.order, b.structs[name])
	}
	return b.structs[name]
}

func (b *builder) typeString(t types.Type) string {
	return types.TypeString(t, types.RelativeTo(b.Types))
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

func invalid(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Slice:
		return invalid(t.Elem())
	case *types.Pointer:
		return invalid(t.Elem())
	}
	return t == types.Typ[types.Invalid] || t.Underlying() == types.Typ[types.Invalid]
}
