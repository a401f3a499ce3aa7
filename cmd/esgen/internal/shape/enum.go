package shape

import (
	"cmp"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
)

// Constant is a constant that a type is declared with.
type Constant struct{ Name, Value string }

// constants returns the constants that are declared with a named type of strings or
// whole numbers, in the package that declares the type. Those of the standard library are no lists
// of what a value may be: time.Duration has time.Second.
func (b *builder) constants(t types.Type) []Constant {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || b.user == nil || IsStandard(b.user.Path(), named.Obj().Pkg().Path()) {
		return nil
	}
	if u, ok := named.Underlying().(*types.Basic); !ok || u.Info()&(types.IsString|types.IsInteger) == 0 {
		return nil
	}
	var found []*types.Const
	scope := named.Obj().Pkg().Scope()
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || !types.Identical(c.Type(), named) {
			continue
		}
		switch c.Val().Kind() {
		case constant.String, constant.Int:
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *types.Const) int {
		return cmp.Or(compareConstants(a.Val(), b.Val()), cmp.Compare(a.Name(), b.Name()))
	})
	var all []Constant
	for _, c := range found {
		value := c.Val().ExactString()
		if c.Val().Kind() == constant.String {
			value = constant.StringVal(c.Val())
		}
		all = append(all, Constant{c.Name(), value})
	}
	return all
}

// Values returns the values of constants, each once.
func Values(all []Constant) []string {
	var values []string
	for _, c := range all {
		values = append(values, c.Value)
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

// Exchanged is a value that two constants had one after the other.
type Exchanged struct{ Value, Before, Now string }

// Renumbered returns the values that belong to other constants now than they did before, as where a line was
// inserted among iota's. It takes two names of one value for that only if one of them has another value in the other
// shape: a constant may be renamed. Of the highest value nothing is told if it is the number of the others.
func Renumbered(before, now *Type) []Exchanged {
	var all []Exchanged
	for _, value := range now.Enum {
		old, current := before.constantsOf(value), now.constantsOf(value)
		if len(old) == 0 || len(current) == 0 || slices.ContainsFunc(old, func(name string) bool { return slices.Contains(current, name) }) {
			continue
		}
		if value == before.Enum[len(before.Enum)-1] {
			old = slices.DeleteFunc(old, func(name string) bool { return before.counts(name) })
		}
		for _, name := range old {
			if now.has(name) {
				all = append(all, Exchanged{value, name, current[0]})
				break
			}
		}
		if len(all) > 0 && all[len(all)-1].Value == value || len(old) == 0 {
			continue
		}
		for _, name := range current {
			if before.has(name) && !now.counts(name) {
				all = append(all, Exchanged{value, old[0], name})
				break
			}
		}
	}
	return all
}

func (t *Type) constantsOf(value string) []string {
	var names []string
	for _, c := range t.Constants {
		if c.Value == value {
			names = append(names, c.Name)
		}
	}
	return names
}

func (t *Type) has(name string) bool {
	return slices.ContainsFunc(t.Constants, func(c Constant) bool { return c.Name == name })
}

// counter are the words by which constants go that stand behind all others, such as numLevels or LevelCount.
var counter = regexp.MustCompile(`(^|[a-z0-9_])(Num|Count|Max|End|Sentinel|Last)([A-Z_]|$)|^(num|count|max|end|sentinel|last)([A-Z_]|$)`)

// counts reports whether a constant is likely to be no value but the number of them: one that only
// the package sees, among others that all see, or one whose name says so.
func (t *Type) counts(name string) bool {
	exported := slices.ContainsFunc(t.Constants, func(c Constant) bool { return token.IsExported(c.Name) })
	return counter.MatchString(name) || exported && !token.IsExported(name)
}
