package vet_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/esgen-go/esgen/vet"
)

// root is the folder of the module under test.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}()

var built string // the folder of the esgen under test, once there is one

var esgen = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "esgen-vet-")
	if err != nil {
		return "", err
	}
	built = dir
	cmd := exec.Command("go", "build", "-o", dir, "./cmd/esgen")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building esgen: %w\n%s", err, out)
	}
	return filepath.Join(dir, "esgen"), nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	os.RemoveAll(built)
	os.Exit(status)
}

// writeModule writes files to a module that finds the module under test, and generates its code.
func writeModule(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	files = maps.Clone(files)
	files["go.mod"] = strings.Replace(string(mod), "module github.com/esgen-go/esgen\n", "module example.com/app\n", 1) +
		"\nrequire github.com/esgen-go/esgen v0.0.0\n\nreplace github.com/esgen-go/esgen => " + root + "\n"
	files["go.sum"] = string(sum)
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "./...")
}

// run runs esgen.
func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	bin, err := esgen()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("esgen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// readFiles returns the files below a folder of testdata.
func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	sub := os.DirFS(filepath.Join("testdata", dir))
	err := fs.WalkDir(sub, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sub, path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// analyze runs all analyzers.
func analyze(t *testing.T, dir string, tests bool, patterns ...string) []*checker.Action {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{
		Dir: dir, Mode: packages.LoadSyntax, Tests: tests, Env: append(os.Environ(), "GOWORK=off"),
	}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range loaded {
		for _, err := range p.Errors {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	graph, err := checker.Analyze(vet.Analyzers(), loaded, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range graph.Roots {
		if action.Err != nil {
			t.Error(action.Err)
		}
	}
	return graph.Roots
}

// findings runs all analyzers and returns what they find as "file:line: analyzer".
func findings(t *testing.T, dir string, patterns ...string) (lines []string, messages map[string]string) {
	t.Helper()
	messages = map[string]string{}
	for _, action := range analyze(t, dir, false, patterns...) {
		for _, d := range action.Diagnostics {
			at := action.Package.Fset.Position(d.Pos)
			rel, err := filepath.Rel(dir, at.Filename)
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("%s:%d: %s", filepath.ToSlash(rel), at.Line, action.Analyzer.Name)
			messages[line] = d.Message
		}
	}
	return slices.Sorted(maps.Keys(messages)), messages
}

// Real code that is right is not complained about: three domains, the bank and the fixture of other tests.
func TestNoFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it builds packages")
	}
	t.Parallel()
	dir := t.TempDir()
	writeModule(t, dir, readFiles(t, "samples"))
	for _, module := range []struct{ dir, patterns string }{{dir, "./..."}, {filepath.Join(root, "examples", "bank"), "./..."}, {root, "./internal/fixture/..."}} {
		lines, messages := findings(t, module.dir, module.patterns)
		for _, line := range lines {
			t.Errorf("%s: %s", line, messages[line])
		}
	}
}

var (
	wantHere = regexp.MustCompile(`// want (\w+)$`)
	wantNext = regexp.MustCompile(`// want\+1 (\w+)$`)
)

// Every fault of a long list, put into the samples, is found where it is, and nothing else is.
func TestSeededFaultsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it builds packages")
	}
	t.Parallel()
	samples := readFiles(t, "samples")
	for name, content := range samples {
		// What the faults call outside of their package is for esgen to ask about, not for vet.
		samples[name] = strings.ReplaceAll(content, "//esgen:aggregate\n", "//esgen:aggregate fold=1\n")
	}
	var variants []map[string]string // of faults that exclude each other
	for _, s := range seeds {
		if n := strings.Count(samples[s.file], s.old); n != 1 {
			t.Fatalf("%q is %d times in %s", s.old, n, s.file)
		}
		i := slices.IndexFunc(variants, func(v map[string]string) bool { return strings.Count(v[s.file], s.old) == 1 })
		if i < 0 {
			i = len(variants)
			variants = append(variants, maps.Clone(samples))
		}
		variants[i][s.file] = strings.Replace(variants[i][s.file], s.old, s.new, 1)
	}
	files := map[string]string{}
	var want []string
	for i, variant := range variants {
		for name, content := range variant {
			name = fmt.Sprintf("v%d/%s", i, name)
			files[name] = content
			line := 0
			for text := range strings.Lines(content) {
				line++
				text = strings.TrimSpace(text)
				if m := wantHere.FindStringSubmatch(text); m != nil {
					want = append(want, fmt.Sprintf("%s:%d: %s", name, line, m[1]))
				}
				if m := wantNext.FindStringSubmatch(text); m != nil {
					want = append(want, fmt.Sprintf("%s:%d: %s", name, line+1, m[1]))
				}
			}
		}
	}
	slices.Sort(want)
	if len(want) < 30 {
		t.Fatalf("%d faults, want 30 or more", len(want))
	}
	dir := t.TempDir()
	writeModule(t, dir, files)
	got, messages := findings(t, dir, "./...")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
		for _, line := range got {
			if !slices.Contains(want, line) {
				t.Logf("%s: %s", line, messages[line])
			}
		}
	}
	t.Logf("%d faults in %d variants", len(want), len(variants))
}

// The help of esgen vet describes every analyzer, and esgen vet finds what the analyzers do.
func TestCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it builds packages")
	}
	t.Parallel()
	bin, err := esgen()
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.Command(bin, "vet", "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range vet.Analyzers() {
		first, _, _ := strings.Cut(a.Doc, "\n")
		if !bytes.Contains(help, []byte("\n"+a.Name+"\n\n\t"+first+"\n")) {
			t.Errorf("the help doesn't describe %s", a.Name)
		}
	}
}
