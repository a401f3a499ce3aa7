package check

import (
	"go/token"
	"go/types"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// names reports declarations of the user's that have the name of a generated one, and
// generated ones that have the same.
func (c *checker) names() {
	owner := map[string]string{} // of generated names
	generated := func(name, of string, pos token.Pos, remedy string) {
		mine, ok := c.Declared[name]
		if !ok {
			mine, ok = c.DeclaredInTests[name]
		}
		if ok {
			c.problems.At(mine, "%s has the name of what esgen generates for %s: %s", name, of, remedy)
		} else if other, ok := owner[name]; ok && other == of {
			c.problems.At(pos, "%s makes esgen generate %s twice: write another new= at its directive", of, name)
		} else if ok {
			c.problems.At(pos, "%s and %s both make esgen generate %s: rename one of them", other, of, name)
		}
		owner[name] = of
	}
	for _, name := range predeclared {
		if pos, ok := c.Declared[name]; ok {
			c.problems.At(pos, "%s hides what Go declares by that name, which generated code needs: rename it", name)
		}
	}
	for _, a := range c.Aggregates {
		of := "aggregate " + a.Go
		const rename = "rename yours"
		generated(a.New, of, a.Pos, "rename yours, or the generated one with //esgen:aggregate new="+otherNew(a))
		generated(a.NewRepository, of, a.Pos, rename)
		generated(a.Decode, of, a.Pos, rename)
		generated(names.Sum(a.Go), of, a.Pos, "rename yours: it is the generated sum of the aggregate's events")
		c.local(a.Go, a.Pos)
		for _, v := range append(a.Latest(), a.Old()...) {
			if v.Type != nil {
				c.local(v.Go, v.Pos)
			}
			if v.Upcast != nil {
				c.local(v.Upcast.Func, v.Upcast.Pos)
			}
		}
		for _, v := range a.Latest() {
			of := "event " + v.Go
			if record := names.Record(v.Go); !v.Retired {
				c.field(a, record, of)
				generated(a.Go+"."+record, of, v.Pos, "remove this method (your editor may have made a stub of it); esgen writes it")
			}
			generated(v.Go+"."+names.SumMethod(a.Go), of, v.Pos, "remove this method; esgen writes it")
			if v.Assign {
				c.field(a, names.Apply(v.Go), of)
			}
		}
	}
}

// predeclared are the identifiers that generated code uses as Go declares them.
var predeclared = []string{
	"any", "append", "bool", "byte", "error", "false", "float32", "float64", "int", "int16", "int32", "int64", "int8",
	"len", "make", "new", "nil", "rune", "string", "true", "uint", "uint16", "uint32", "uint64", "uint8", "uintptr",
}

// local reports a name that would mean a variable in generated functions.
func (c *checker) local(name string, pos token.Pos) {
	if names.Local[name] {
		c.problems.At(pos, "%s is the name of a variable in generated code: take a longer one", name)
	}
}

// field reports a field of the state that has the name of a generated method.
func (c *checker) field(a *model.Aggregate, name, of string) {
	if f := fieldOf(a.Type.Underlying().(*types.Struct), name); f != nil {
		c.problems.At(f.Pos(), "field %s has the name of the method that esgen generates for %s: rename the field", name, of)
	}
}

func otherNew(a *model.Aggregate) string {
	if long := "New" + names.Upper(a.Go); a.New != long {
		return long
	}
	return "Make" + names.Upper(a.Go)
}
