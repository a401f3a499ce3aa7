package load

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// fromSource imports a package that doesn't compile, often because code is still to
// be generated for it. Errors in it are not told: if they matter, something of
// what is imported is missing, and that is.
func (i *importer) fromSource(listed *packages.Package) (*types.Package, error) {
	path := listed.PkgPath
	if i.source[path] {
		return nil, errors.New("import cycle")
	}
	i.source[path] = true
	i.cfg.Logf("importing %s from source: it doesn't compile", path)
	var files []*ast.File
	var imports []string
	for _, name := range listed.GoFiles {
		if isOwn(name) {
			continue
		}
		file, err := parser.ParseFile(i.cfg.Fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("it doesn't parse: %w", err)
		}
		files = append(files, file)
		imports = append(imports, importPaths(file.Imports)...)
	}
	if err := i.list(imports); err != nil {
		return nil, err
	}
	conf := types.Config{
		Importer:                 i,
		FakeImportC:              true,
		IgnoreFuncBodies:         true,
		DisableUnusedImportCheck: true,
		Error:                    func(error) {},
	}
	p, _ := conf.Check(path, i.cfg.Fset, files, nil)
	i.types[path] = p
	return p, nil
}

// firstError returns what the go command says of a package that it can't find.
func firstError(listed *packages.Package) string {
	if len(listed.Errors) == 0 {
		return "it has no Go files"
	}
	return listed.Errors[0].Msg
}
