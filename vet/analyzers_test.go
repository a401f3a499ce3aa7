package vet_test

import (
	"cmp"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"

	"github.com/esgen-go/esgen/vet"
)

var wantPattern = regexp.MustCompile("`([^`]*)`|\"([^\"]*)\"")

// Each analyzer finds in its package in testdata/src what the comments there say, as with package analysistest, and
// its fixes give the golden files. (analysistest itself would load all dependencies from source, once an analyzer.)
// The code around is generated for real.
func TestAnalyzers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeModule(t, dir, readFiles(t, "src"))
	actions := analyze(t, dir, true, "./...")
	for _, a := range vet.Analyzers() {
		t.Run(a.Name, func(t *testing.T) {
			found := map[string][]string{} // by file:line
			var edits []analysis.TextEdit
			var last *checker.Action
			for _, action := range actions {
				own := action.Analyzer == a || a == vet.Ignore && action.Analyzer == vet.StateChange
				if !own || !strings.HasSuffix(action.Package.PkgPath, "/"+a.Name) {
					continue
				}
				last = action
				for _, d := range action.Diagnostics {
					at := action.Package.Fset.Position(d.Pos)
					place := fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
					if slices.Contains(found[place], d.Message) {
						continue // of the package with its tests
					}
					found[place] = append(found[place], d.Message)
					for _, fix := range d.SuggestedFixes {
						edits = append(edits, fix.TextEdits...)
					}
				}
			}
			if last == nil {
				t.Fatal("no package for it")
			}
			wanted(t, filepath.Join("testdata", "src", a.Name), found)
			golden(t, last, filepath.Join("testdata", "src", a.Name, a.Name+".go"), edits)
		})
	}
}

// The analyzers are as package analysis asks.
func TestAnalyzersAreValid(t *testing.T) {
	t.Parallel()
	if err := analysis.Validate(vet.Analyzers()); err != nil {
		t.Error(err)
	}
}

// wanted compares the findings with the comments.
func wanted(t *testing.T, dir string, found map[string][]string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for text := range strings.Lines(string(src)) {
			line++
			place := fmt.Sprintf("%s:%d", filepath.Base(name), line)
			_, want, ok := strings.Cut(text, "// want ")
			if !ok {
				_, want, _ = strings.Cut(text, "/* want ")
				want, _, _ = strings.Cut(want, "*/")
			}
			for _, m := range wantPattern.FindAllStringSubmatch(want, -1) {
				pattern := regexp.MustCompile(m[1] + m[2])
				i := slices.IndexFunc(found[place], pattern.MatchString)
				if i < 0 {
					t.Errorf("%s: nothing found that matches %q", place, pattern)
					continue
				}
				found[place] = slices.Delete(found[place], i, i+1)
			}
		}
	}
	for place, messages := range found {
		for _, m := range messages {
			t.Errorf("%s: unexpected: %s", place, m)
		}
	}
}

// golden compares a file after all fixes with its golden file; without fixes there is none.
func golden(t *testing.T, action *checker.Action, name string, edits []analysis.TextEdit) {
	t.Helper()
	want, err := os.ReadFile(name + ".golden")
	if len(edits) == 0 {
		if err == nil {
			t.Errorf("%s.golden: there are no fixes", name)
		}
		return
	}
	src, readErr := os.ReadFile(name)
	if readErr != nil {
		t.Fatal(readErr)
	}
	slices.SortFunc(edits, func(x, y analysis.TextEdit) int { return cmp.Compare(y.Pos, x.Pos) })
	for _, e := range edits {
		at := action.Package.Fset.Position(e.Pos)
		if filepath.Base(at.Filename) != filepath.Base(name) {
			continue
		}
		end := action.Package.Fset.Position(max(e.End, e.Pos))
		src = slices.Replace(src, at.Offset, end.Offset, e.NewText...)
	}
	got, formatErr := format.Source(src)
	if formatErr != nil {
		t.Fatalf("the fixed code: %v\n%s", formatErr, src)
	}
	if os.Getenv("ESGEN_UPDATE") != "" {
		if err := os.WriteFile(name+".golden", got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("fixed code (-want +got):\n%s", diff)
	}
}
