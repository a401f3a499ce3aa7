package load

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// check type-checks what is reached.
func (t *tree) check(imports types.Importer, cfg Config) {
	t.Info = &types.Info{
		Defs:  map[*ast.Ident]types.Object{},
		Uses:  map[*ast.Ident]types.Object{},
		Types: map[ast.Expr]types.TypeAndValue{},

		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances:  map[*ast.Ident]types.Instance{},
	}
	conf := types.Config{
		Importer:                 imports,
		FakeImportC:              true,
		DisableUnusedImportCheck: true,
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok {
				if strings.HasPrefix(e.Msg, "could not import") {
					t.Broken = true
				}
				if t.quiet(e.Pos) {
					return
				}
				if message := withRemedy(e.Msg); message != "" {
					cfg.Problems.At(e.Pos, "%s", message)
				}
			}
		},
	}
	files := t.prune()
	if sums := t.sums(cfg); sums != nil {
		files = append(files, sums)
	}
	t.Package.Types, _ = conf.Check(t.Path, cfg.Fset, files, t.Info) // errors went to conf.Error
}

// withRemedy adds what to write to a message of the type-checker. It returns "" for a message that
// only adds to the one before.
func withRemedy(message string) string {
	switch {
	case strings.HasPrefix(message, "\t"):
		return ""
	case strings.HasPrefix(message, "undefined: "):
		return message + ": declare it, or import the package that does"
	case strings.Contains(message, "redeclared in this block"):
		return message + ": rename one of the declarations"
	}
	return message
}

// sums declares the generated sum types, which upcasters may mention.
func (t *tree) sums(cfg Config) *ast.File {
	var src strings.Builder
	fmt.Fprintf(&src, "package %s\n", t.Name)
	declared := map[string]bool{}
	for _, aggregate := range t.aggregates() {
		sum := names.Sum(aggregate)
		if _, taken := t.Declared[sum]; !taken && !declared[sum] {
			declared[sum] = true
			fmt.Fprintf(&src, "type %s interface { %s() }\n", sum, names.SumMethod(aggregate))
		}
	}
	file, err := parser.ParseFile(cfg.Fset, GeneratedFile, src.String(), parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	return file
}
