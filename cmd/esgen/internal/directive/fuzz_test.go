package directive_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

func FuzzAnyCommentParsesWithoutAPanic(f *testing.F) {
	for _, seed := range []string{
		"//esgen:event", "//esgen:event name=a version=2 apply=assign", "//esgen:aggregate name=a new=B",
		"//esgen:upcast", "//esgen:upcast name=a version=1", "//esgen:retired", "//esgen:drop name=a", "// esgen:event", "/*esgen:event*/", "//esgen:evnt", "//esgen:event name=`", `//esgen:event "x`,
		"//esgen:event name= =x", "//go:generate go tool esgen", "//esgne:event", "// prose", "//",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "/*") {
			return
		}
		fset := token.NewFileSet()
		file := fset.AddFile("a.go", -1, len(text)+2)
		problems := problem.NewList(fset)
		d, ok := directive.Parse(&ast.Comment{Slash: file.Pos(0), Text: text}, problems)
		if ok && !slices.Contains([]directive.Kind{directive.Aggregate, directive.Drop, directive.Event, directive.Retired, directive.Upcast}, d.Kind) {
			t.Errorf("%q is a directive of kind %q", text, d.Kind)
		}
		for _, arg := range d.Args {
			if arg.Value == "" || !arg.Pos.IsValid() {
				t.Errorf("%q has argument %+v", text, arg)
			}
		}
	})
}
