package load_test

import (
	"errors"
	"go/format"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/esgen-go/esgen/cmd/esgen/internal/check"
	"github.com/esgen-go/esgen/cmd/esgen/internal/emit"
	"github.com/esgen-go/esgen/cmd/esgen/internal/fold"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Whatever Go source it is given, broken or not, esgen gives problems or code that is
// formatted Go, without a panic.
func FuzzAnySourceGivesProblemsOrCode(f *testing.F) {
	for _, pattern := range []string{"broken", "script"} {
		names, err := filepath.Glob(filepath.Join("..", "..", "testdata", pattern, "*.txtar"))
		if err != nil || len(names) == 0 {
			f.Fatalf("no seeds: %v", err)
		}
		for _, name := range names {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range archive.Files {
				if strings.HasSuffix(file.Name, ".go") {
					f.Add(string(file.Data))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		fset := token.NewFileSet()
		problems := problem.NewList(fset)
		p := load.FromSource(src, importRoot{}, load.Config{Fset: fset, Problems: problems})
		if p == nil || p.Types == nil {
			return
		}
		m := model.Build(p, &lock.Lock{}, &lock.Lock{}, problems)
		check.Package(m, problems)
		fold.Package(m, problems)
		if problems.Len() > 0 {
			for _, line := range problems.Lines("") {
				if !strings.HasPrefix(line, "source.go:") {
					t.Errorf("problem without a place: %s", line)
				}
			}
			return
		}
		code, test, err := emit.Package(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range [][]byte{code, test} {
			if formatted, err := format.Source(out); err != nil || string(formatted) != string(out) {
				t.Errorf("generated code is not formatted: %v\n%s", err, out)
			}
		}
	})
}

// importRoot imports aggregate.Root alone.
type importRoot struct{}

func (importRoot) Import(path string) (*types.Package, error) {
	if path != "github.com/esgen-go/esgen/aggregate" {
		return nil, errors.New("not in this test")
	}
	p := types.NewPackage(path, "aggregate")
	name := types.NewTypeName(token.NoPos, p, "Root", nil)
	id := types.NewField(token.NoPos, p, "id", types.Typ[types.String], false)
	types.NewNamed(name, types.NewStruct([]*types.Var{id}, nil), nil)
	p.Scope().Insert(name)
	p.MarkComplete()
	return p, nil
}
