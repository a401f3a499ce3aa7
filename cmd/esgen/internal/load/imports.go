package load

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
)

// importer imports packages from their export data.
type importer struct {
	ctx     context.Context
	cfg     Config
	listed  map[string]*packages.Package // by import path, nil if the go command doesn't know it
	modules map[string]bool              // the listed packages that are in a module, and so not in the standard library
	types   map[string]*types.Package
	source  map[string]bool // packages whose import from source has begun
}

func newImporter(ctx context.Context, cfg Config) *importer {
	return &importer{ctx: ctx, cfg: cfg, listed: map[string]*packages.Package{}, modules: map[string]bool{}, types: map[string]*types.Package{}, source: map[string]bool{}}
}

// list asks the go command for the export data of packages, in one call.
func (i *importer) list(paths []string) error {
	var missing []string
	for _, p := range paths {
		if _, ok := i.listed[p]; !ok && p != "unsafe" && p != "C" {
			i.listed[p] = nil
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	i.cfg.Logf("importing %s", strings.Join(missing, " "))
	found, err := packages.Load(&packages.Config{
		Context: i.ctx,
		Dir:     i.cfg.Dir,
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedModule | packages.NeedExportFile,
	}, missing...)
	if err != nil {
		return fmt.Errorf("importing packages: %w", goError(err))
	}
	for _, p := range found {
		i.listed[p.PkgPath] = p
		i.modules[p.PkgPath] = p.Module != nil
	}
	return nil
}

// Import implements [types.Importer] for packages that were listed.
func (i *importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p := i.types[path]; p != nil && p.Complete() {
		return p, nil
	}
	listed := i.listed[path]
	switch {
	case listed == nil:
		return nil, fmt.Errorf("the go command doesn't find it")
	case listed.ExportFile != "":
	case listed.Name == "" || len(listed.GoFiles) == 0: // not there at all
		return nil, errors.New(firstError(listed))
	default:
		return i.fromSource(listed)
	}
	f, err := os.Open(listed.ExportFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	//lint:ignore SA1019 The go command of Go 1.26 exports archives, which Read doesn't take by itself.
	r, err := gcexportdata.NewReader(f)
	if err != nil {
		return nil, err
	}
	return gcexportdata.Read(r, i.cfg.Fset, i.types, path)
}

// resolveImports decides for each tree which imports its reached declarations need, and lists
// those. The name of an imported package is guessed from its path; where the guess
// turns out to be wrong, all imports of that file are listed.
func resolveImports(trees []*tree, imports *importer) error {
	var paths []string
	for _, t := range trees {
		for _, f := range t.Files {
			t.imported[f] = t.guessImports(f)
			paths = append(paths, importPaths(t.imported[f])...)
		}
	}
	if err := imports.list(paths); err != nil {
		return err
	}
	paths = nil
	for _, t := range trees {
		for _, f := range t.Files {
			if !t.explained(f, imports) {
				t.imported[f] = f.Imports
				paths = append(paths, importPaths(f.Imports)...)
			}
		}
	}
	return imports.list(paths)
}

func (t *tree) guessImports(f *ast.File) []*ast.ImportSpec {
	var specs []*ast.ImportSpec
	for _, spec := range f.Imports {
		name := importName(spec)
		switch {
		case name == "_":
		case name == ".":
			if t.dots[f] {
				specs = append(specs, spec)
			}
		case name != "":
			if t.wants[f][name] || t.mayWant[f][name] {
				specs = append(specs, spec)
			}
		case slices.ContainsFunc(guessNames(importPath(spec)), func(guess string) bool { return t.wants[f][guess] || t.mayWant[f][guess] }):
			specs = append(specs, spec)
		}
	}
	return specs
}

// explained reports whether each qualifier in the file is the name of one of the imports
// that were picked.
func (t *tree) explained(f *ast.File, imports *importer) bool {
	names := map[string]bool{}
	for _, spec := range t.imported[f] {
		if name := importName(spec); name != "" {
			names[name] = true
		} else if listed := imports.listed[importPath(spec)]; listed != nil {
			names[listed.Name] = true
		} else {
			names[path.Base(importPath(spec))] = true
		}
	}
	for want := range t.wants[f] {
		if !names[want] {
			return false
		}
	}
	return true
}

func importName(spec *ast.ImportSpec) string {
	if spec.Name == nil {
		return ""
	}
	return spec.Name.Name
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return p
}

func importPaths(specs []*ast.ImportSpec) []string {
	var paths []string
	for _, spec := range specs {
		if p := importPath(spec); p != "" {
			paths = append(paths, p)
		}
	}
	return paths
}

// guessNames returns the names that the package at an import path may have.
func guessNames(p string) []string {
	base := path.Base(p)
	if isMajorVersion(base) {
		base = path.Base(path.Dir(p))
	}
	base, _, _ = strings.Cut(base, ".") // gopkg.in/yaml.v3, nats.go
	guesses := []string{base, strings.ReplaceAll(base, "-", ""), strings.ReplaceAll(base, "-", "_")}
	parts := strings.Split(base, "-") // go-cmp, uuid-go
	guesses = append(guesses, parts...)
	return append(guesses, strings.TrimPrefix(base, "go"))
}

func isMajorVersion(s string) bool {
	digits, ok := strings.CutPrefix(s, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
