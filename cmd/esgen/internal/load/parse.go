package load

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
)

// parse reads the package's files. It returns false if there is no directive in them, in which
// case they are not parsed at all.
func parse(p *Package, root *packages.Package, cfg Config) (bool, error) {
	names := append(slices.Clone(root.GoFiles), filesWithErrors(root)...)
	slices.Sort(names)
	sources := map[string][]byte{}
	mentioned := false
	for _, name := range names {
		if filepath.Ext(name) != ".go" || isOwn(name) {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return false, fmt.Errorf("reading package %s: %w", p.Path, err)
		}
		sources[name] = src
		mentioned = mentioned || bytes.Contains(src, []byte("esgen:"))
	}
	if !mentioned {
		return false, nil
	}

	before := cfg.Problems.Len()
	p.Declared, p.Doubtful = map[string]token.Pos{}, map[string]bool{}
	for _, name := range slices.Compact(names) {
		src, ok := sources[name]
		if !ok {
			continue
		}
		file, err := parser.ParseFile(cfg.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			addSyntaxErrors(err, cfg)
		}
		if file == nil || file.Name == nil || file.Name.Name == "" || file.Name.Name == "_" {
			continue
		}
		if p.Name == "" {
			p.Name = file.Name.Name
		} else if file.Name.Name != p.Name {
			cfg.Problems.At(file.Name.Pos(), "package %s in the folder of package %s: one folder holds one package", file.Name.Name, p.Name)
			continue
		}
		p.Files = append(p.Files, file)
		p.scan(file, cfg)
		declare(p.Declared, file)
	}
	p.Broken = cfg.Problems.Len() > before
	if len(p.Directives) == 0 && !p.Broken {
		return false, nil
	}
	return true, parseTests(p, cfg)
}

// scan adds the directives of a file.
func (p *Package) scan(file *ast.File, cfg Config) {
	found, doubtful := directive.Scan(file, cfg.Problems)
	p.Directives = append(p.Directives, found...)
	for _, name := range doubtful {
		p.Doubtful[name] = true
	}
}

// parseTests collects what the test files declare, so that generated tests don't clash with
// it. Directives in them have no effect, which is a problem.
func parseTests(p *Package, cfg Config) error {
	p.DeclaredInTests = map[string]token.Pos{}
	names, err := filepath.Glob(filepath.Join(escapeGlob(p.Dir), "*_test.go"))
	if err != nil {
		return fmt.Errorf("listing the tests of package %s: %w", p.Path, err)
	}
	for _, name := range names {
		if isOwn(name) {
			continue
		}
		file, _ := parser.ParseFile(cfg.Fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil || file.Name == nil {
			continue // its syntax errors are for go test to tell
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				if d, ok := ast.ParseDirective(c.Slash, c.Text); ok && d.Tool == "esgen" && d.Name != "ignore" {
					cfg.Problems.At(c.Slash, "//esgen:%s in a test file has no effect: move the declaration to a file that is no test", d.Name)
				}
			}
		}
		if file.Name.Name == p.Name {
			declare(p.DeclaredInTests, file)
		}
	}
	return nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(dir)
}

// filesWithErrors returns the files that the go command leaves out because it can't read them.
func filesWithErrors(root *packages.Package) []string {
	var names []string
	for _, e := range root.Errors {
		name, _, _ := strings.Cut(e.Pos, ":")
		if !filepath.IsAbs(name) {
			name = filepath.Join(root.Dir, filepath.Base(name))
		}
		if e.Kind == packages.ParseError && strings.HasSuffix(name, ".go") && !slices.Contains(root.GoFiles, name) {
			if _, err := os.Stat(name); err == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

func isOwn(name string) bool {
	base := filepath.Base(name)
	return base == GeneratedFile || base == GeneratedTestFile
}

func addSyntaxErrors(err error, cfg Config) {
	if list, ok := errors.AsType[scanner.ErrorList](err); ok {
		for _, e := range list {
			cfg.Problems.Add(e.Pos, e.Msg)
		}
	}
}

// declare adds the package-level names of a file.
func declare(names map[string]token.Pos, file *ast.File) {
	add := func(id *ast.Ident) {
		if _, ok := names[id.Name]; !ok && id.Name != "_" {
			names[id.Name] = id.Pos()
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				if decl.Name.Name != "init" {
					add(decl.Name)
				}
			} else if recv := receiver(decl); recv != "" {
				name := recv + "." + decl.Name.Name
				if _, ok := names[name]; !ok {
					names[name] = decl.Name.Pos()
				}
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name)
					}
				}
			}
		}
	}
}

// receiver returns the name of a method's receiver type, "" if it is broken.
func receiver(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return ""
	}
	t := decl.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
