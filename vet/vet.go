package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/esgen-go/esgen/vet/internal/domain"
	"github.com/esgen-go/esgen/vet/internal/memory"
)

// Analyzers returns all analyzers, by name.
func Analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		DroppedError,
		DroppedIteration,
		EventPointer,
		Ignore,
		PureFold,
		RecordedEvent,
		StateChange,
		UnusedEvent,
	}
}

// newAnalyzer returns an analyzer whose findings can be ignored.
func newAnalyzer(name, doc string, run func(*pass)) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:     name,
		Doc:      doc,
		URL:      "https://pkg.go.dev/github.com/esgen-go/esgen/vet#" + name,
		Requires: []*analysis.Analyzer{domain.Analyzer, memory.Analyzer},
		Run: func(p *analysis.Pass) (any, error) {
			ignores := ignoresOf(p)
			inner := *p
			type finding struct {
				pos     token.Pos
				message string
			}
			told := map[finding]bool{} // a helper may do twice what is told of in the same words
			inner.Report = func(d analysis.Diagnostic) {
				if f := (finding{d.Pos, d.Message}); !ignores.cover(p, d.Pos) && !told[f] {
					told[f] = true
					p.Report(d)
				}
			}
			run(&pass{
				Pass:   &inner,
				domain: p.ResultOf[domain.Analyzer].(*domain.Package),
				writes: p.ResultOf[memory.Analyzer].(*memory.Writes),
			})
			ignores.reportUnused(p)
			return nil, nil
		},
	}
}

// pass is one analyzer's look at one package.
type pass struct {
	*analysis.Pass
	domain *domain.Package
	writes *memory.Writes
}

// written returns the files that people wrote, tests among them.
func (p *pass) written() []*ast.File {
	var files []*ast.File
	for _, file := range p.Files {
		if !ast.IsGenerated(file) {
			files = append(files, file)
		}
	}
	return files
}

func (p *pass) isTest(file *ast.File) bool {
	return strings.HasSuffix(p.Fset.File(file.FileStart).Name(), "_test.go")
}

// typeName writes a type as code of the package would.
func (p *pass) typeName(t types.Type) string {
	return types.TypeString(t, func(other *types.Package) string {
		if other == p.Pkg {
			return ""
		}
		return other.Name()
	})
}

var errorType = types.Universe.Lookup("error").Type()

// returnsOnlyError reports whether the function around a node has one result, an error, so that
// "return err" is right in it.
func returnsOnlyError(info *types.Info, stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		var t types.Type
		switch fn := stack[i].(type) {
		case *ast.FuncLit:
			t = info.TypeOf(fn)
		case *ast.FuncDecl:
			t = info.TypeOf(fn.Name)
		default:
			continue
		}
		sig, ok := t.(*types.Signature)
		return ok && sig.Results().Len() == 1 && types.Identical(sig.Results().At(0).Type(), errorType)
	}
	return false
}

// inspect walks a part of the code with the stack of enclosing nodes, the outermost first.
func inspect(root ast.Node, visit func(n ast.Node, stack []ast.Node)) {
	var stack []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		visit(n, stack)
		stack = append(stack, n)
		return true
	})
}
