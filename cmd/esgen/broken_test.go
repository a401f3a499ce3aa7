package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cli"
)

// Each archive in testdata/broken is a module that has problems, with what esgen prints as
// its last file.
func TestProblemsNamePlaceAndRemedyAndNoFileIsTouched(t *testing.T) {
	long(t)
	t.Parallel()
	archives, err := filepath.Glob(filepath.Join("testdata", "broken", "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	const (
		problems = "problems"
		tidy     = "esgen: go.mod or go.sum lacks what is imported: run go mod tidy\n"
	)
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if last := len(archive.Files) - 1; archive.Files[last].Name == problems {
				want = string(archive.Files[last].Data)
				archive.Files = archive.Files[:last]
			}
			dir := t.TempDir()
			writeModule(t, dir, archive.Files...)
			before := tree(t, dir)

			status, stdout, got := esgen(t, dir, "./...")
			if status != cli.Problems {
				t.Errorf("exit status %d, want %d", status, cli.Problems)
			}
			if stdout != "" {
				t.Errorf("printed to standard output: %s", stdout)
			}
			if after := tree(t, dir); !maps.Equal(before, after) {
				t.Errorf("files were touched:\n%s", cmp.Diff(before, after))
			}
			for line := range strings.Lines(got) {
				if parts := strings.SplitN(line, ":", 4); line != tidy && (len(parts) < 4 || filepath.Ext(parts[0]) != ".go" && filepath.Ext(parts[0]) != ".json") {
					t.Errorf("not of the form file:line:col: message: %s", line)
				}
			}
			if *update {
				archive.Files = append(archive.Files, txtar.File{Name: problems, Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
