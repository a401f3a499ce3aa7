package load

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
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
	p.Declared, p.DeclaredInTests, p.Doubtful = map[string]token.Pos{}, map[string]token.Pos{}, map[string]bool{}
	p.scan(file, cfg)
	declare(p.Declared, file)
	t := newTree(p)
	t.imported[file] = t.guessImports(file)
	t.check(imports, cfg)
	return p
}
