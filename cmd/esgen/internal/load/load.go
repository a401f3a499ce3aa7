// Package load reads the packages that esgen generates code for: their directives and
// the types of the declarations that those reach.
//
// Loading is nearly all of a run's cost, so it asks for little: the go command lists the
// packages by name; only files of packages with directives are parsed; of their
// imports only those are loaded, as export data, that the reachable declarations mention.
// A package is type-checked without the rest of its declarations, without the bodies of functions
// that take no part in a fold and without what esgen wrote, so that it need not compile.
package load

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// The names of the files that esgen writes to a package's folder.
const (
	GeneratedFile     = "es_gen.go"
	GeneratedTestFile = "es_gen_test.go"
)

// Package is one package that was asked for. Without Directives only Path, Dir, Module and Known are set.
type Package struct {
	Path, Name, Dir string
	Module          string // the path of its module; "" outside of one
	Known           bool   // there is nothing to do for it, says the Config

	Files      []*ast.File // neither tests nor esgen's own
	Directives []directive.Attached
	Broken     bool // some directives, files or imports could not be read, which has been reported

	// Doubtful has the names of the types that broken directives are about.
	Doubtful map[string]bool

	// Declared has the positions of the package-level names in all files but
	// esgen's own, and of methods as "Type.method".
	Declared map[string]token.Pos
	// DeclaredInTests has those of the package's own test files.
	DeclaredInTests map[string]token.Pos

	Types *types.Package
	Info  *types.Info // of bodies too, where they may take part in a fold

	modules map[string]bool // packages that are known to be in one
}

// IsStandard reports whether a package that this one imports, or a type comes from, is the standard library's.
func (p *Package) IsStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && !p.modules[path] && (p.Module == "" || !strings.HasPrefix(path+"/", p.Module+"/"))
}

// Config says what to load.
type Config struct {
	Dir      string   // where the patterns are relative to
	Patterns []string // as the go command understands them; none means "."
	Fset     *token.FileSet
	Problems *problem.List
	Logf     func(format string, args ...any) // never nil

	// Known reports of packages whether there is nothing to do for them, so that they are not parsed;
	// nil for none. They are given with all that they import.
	Known func(*packages.Package) bool
}

// Load loads the packages that match the patterns, in the order of their paths. What is wrong with their
// code is added to the problems; the error is for what keeps esgen from working at all.
func Load(ctx context.Context, cfg Config) ([]*Package, error) {
	roots, err := list(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var all []*Package
	var trees []*tree
	for _, root := range roots {
		p := &Package{Path: root.PkgPath, Dir: root.Dir}
		if root.Module != nil {
			p.Module = root.Module.Path
		}
		all = append(all, p)
		if p.Known = cfg.Known != nil && cfg.Known(root); p.Known {
			cfg.Logf("nothing has changed in %s", p.Path)
			continue
		}
		found, err := parse(p, root, cfg)
		if err != nil {
			return nil, err
		}
		if found {
			trees = append(trees, newTree(p))
		}
	}
	imports := newImporter(ctx, cfg)
	if err := resolveImports(trees, imports); err != nil {
		return nil, err
	}
	for _, t := range trees {
		t.modules = imports.modules
		t.check(imports, cfg)
	}
	return all, nil
}

// goError returns what the go command printed instead of err, which quotes that, if it printed anything.
func goError(err error) error {
	_, printed, _ := strings.Cut(err.Error(), "stderr: ")
	if printed = strings.TrimSpace(printed); printed != "" {
		return errors.New(printed)
	}
	return err
}

// list asks the go command for the files of the packages that match the patterns. Those of
// dependencies, which a pattern such as "all" matches too, are not for this module to write to.
func list(ctx context.Context, cfg Config) ([]*packages.Package, error) {
	for _, pattern := range cfg.Patterns {
		if strings.HasSuffix(pattern, ".go") {
			return nil, fmt.Errorf("%s is a file: name the folder of its package", pattern)
		}
	}
	mode := packages.NeedName | packages.NeedFiles | packages.NeedModule
	if cfg.Known != nil {
		mode |= packages.NeedImports | packages.NeedDeps
	}
	roots, err := packages.Load(&packages.Config{Context: ctx, Dir: cfg.Dir, Mode: mode}, cfg.Patterns...)
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", goError(err))
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("listing packages: no package matches %q", cfg.Patterns)
	}
	own := slices.DeleteFunc(slices.Clone(roots), func(p *packages.Package) bool { return p.Module != nil && !p.Module.Main })
	if len(own) == 0 {
		return nil, fmt.Errorf("listing packages: %s belongs to module %s: run esgen in that one", roots[0].PkgPath, roots[0].Module.Path)
	}
	for _, root := range own {
		cfg.Logf("listed %s: %d files", root.PkgPath, len(root.GoFiles))
		if root.Dir != "" && len(root.GoFiles) > 0 {
			continue // esgen parses the files itself: it has better messages
		}
		for _, e := range root.Errors {
			return nil, fmt.Errorf("listing packages: %s", e.Msg)
		}
	}
	return own, nil
}
