package load

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
)

// FromSource loads a package of one file without the go command. It returns nil if
// there is nothing to load.
func FromSource(src string, imports types.Importer, cfg Config) *Package {
	file, err := parser.ParseFile(cfg.Fset, "source.go", src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		addSyntaxErrors(err, cfg)
	}
	if file == nil || file.Name == nil || !token.IsIdentifier(file.Name.Name) || file.Name.Name == "_" {
		return nil
	}
	p := &Package{Path: "example.com/" + file.Name.Name, Name: file.Name.Name, Files: []*ast.File{file}}
	p.Directives = directive.Scan(file, cfg.Problems)
	p.Declared, p.DeclaredInTests = map[string]token.Pos{}, map[string]token.Pos{}
	declare(p.Declared, file)
	t := newTree(p)
	t.imported[file] = t.guessImports(file)
	t.check(imports, cfg)
	return p
}
