package shape

import (
	"cmp"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// constants returns the values of the constants that are declared with a named type of strings or
// whole numbers, in the package that declares the type. Those of the standard library are no lists
// of what a value may be: time.Duration has time.Second.
func (b *builder) constants(t types.Type) []string {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || b.user == nil || IsStandard(b.user.Path(), named.Obj().Pkg().Path()) {
		return nil
	}
	if u, ok := named.Underlying().(*types.Basic); !ok || u.Info()&(types.IsString|types.IsInteger) == 0 {
		return nil
	}
	var found []constant.Value
	scope := named.Obj().Pkg().Scope()
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || !types.Identical(c.Type(), named) {
			continue
		}
		switch c.Val().Kind() {
		case constant.String, constant.Int:
			found = append(found, c.Val())
		}
	}
	slices.SortFunc(found, compareConstants)
	var values []string
	for _, v := range found {
		if v.Kind() == constant.String {
			values = append(values, constant.StringVal(v))
		} else {
			values = append(values, v.ExactString())
		}
	}
	return slices.Compact(values)
}

func compareConstants(a, b constant.Value) int {
	if a.Kind() == constant.String && b.Kind() == constant.String {
		return cmp.Compare(constant.StringVal(a), constant.StringVal(b))
	}
	switch {
	case constant.Compare(a, token.LSS, b):
		return -1
	case constant.Compare(a, token.GTR, b):
		return 1
	}
	return 0
}
