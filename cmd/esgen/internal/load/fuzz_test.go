package load_test

import (
	"errors"
	"fmt"
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
	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
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
		checkSource(t, src, &lock.Lock{}, &lock.Lock{})
		working, frozen := someLocks(t)
		checkSource(t, src, working, frozen)
	})
}

func checkSource(t *testing.T, src string, working, frozen *lock.Lock) {
	fset := token.NewFileSet()
	problems := problem.NewList(fset)
	p := load.FromSource(src, importSome{}, load.Config{Fset: fset, Problems: problems})
	if p == nil || p.Types == nil {
		return
	}
	m := model.Build(p, working, frozen, problems)
	check.Package(m, problems)
	fold.Package(m, problems)
	if problems.Len() == 0 {
		for _, f := range history.Findings(fset, m, frozen) {
			if f.Breaks() {
				f.Report(problems)
			}
		}
	}
	if problems.Len() > 0 {
		for _, line := range problems.Lines("") {
			if !strings.HasPrefix(line, "source.go:") && !strings.HasPrefix(line, "esgen.lock/") {
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
	for _, e := range history.Next(m, working, frozen).Events {
		text := e.Encode()
		again := lock.Parse("esgen.lock/"+lock.FileName(e.Name), text, problems)
		if again == nil {
			t.Fatalf("what is locked can't be read: %v\n%s", problems.Lines(""), text)
		}
		if string(again.Encode()) != string(text) {
			t.Errorf("what is locked is written otherwise after it was read:\n%s", text)
		}
	}
}

// someLocks returns locks with events that the seeds have, in older versions too.
func someLocks(t *testing.T) (working, frozen *lock.Lock) {
	const fields = `{"name": "text", "go": "Text", "type": "string"}, {"name": "quantity", "go": "Quantity", "type": "int32", "optional": "omitempty"}, {"name": "items", "go": "Items", "type": "[]Item"}`
	const types = `"Item": {"fields": [{"name": "sku", "go": "SKU", "type": "string"}, {"name": "sub", "go": "Sub", "type": "*Item"}]}`
	problems := problem.NewList(token.NewFileSet())
	parse := func(event string, versions ...string) *lock.Event {
		category, _, _ := strings.Cut(event, ".")
		for i, v := range versions {
			versions[i] = fmt.Sprintf(`{"version": %d, "state": "current", "go": "Placed", %s}`, i+1, v)
		}
		return lock.Parse("esgen.lock/"+lock.FileName(event), fmt.Appendf(nil, `{"format": 1, "event": %q, "category": %q, "aggregate": "Order", "versions": [%s]}`,
			event, category, strings.Join(versions, ",")), problems)
	}
	full, empty, tree := `"fields": [`+fields+`], "types": {`+types+`}`, `"fields": []`, `"type": "Placed", "types": {"Placed": {"fields": [{"name": "all", "go": "All", "type": "[]Placed"}]}}`
	working = lock.New("esgen.lock", []*lock.Event{
		parse("order.placed", full, full), parse("order.viewed", empty), parse("account.opened", empty, full), parse("order.a", tree), parse("order.paid", empty),
	}, problems)
	frozen = lock.New("esgen.lock", []*lock.Event{parse("order.placed", full), parse("order.settled", tree), parse("account.opened", empty)}, problems)
	if problems.Len() > 0 {
		t.Fatal(problems.Lines(""))
	}
	return working, frozen
}

// importSome imports aggregate.Root and json.RawMessage alone.
type importSome struct{}

func (importSome) Import(path string) (*types.Package, error) {
	switch path {
	case "encoding/json":
		p := types.NewPackage(path, "json")
		name := types.NewTypeName(token.NoPos, p, "RawMessage", nil)
		types.NewNamed(name, types.NewSlice(types.Typ[types.Byte]), nil)
		p.Scope().Insert(name)
		p.MarkComplete()
		return p, nil
	case "github.com/esgen-go/esgen/aggregate":
	default:
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
