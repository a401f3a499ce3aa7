package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// root is the folder of the module under test.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}()

// long is for tests that load or build many packages, one after the other. -short leaves them out, and with it the race
// tests, which have nothing to find in them.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: it loads or builds many packages")
	}
}

// writeModule writes files, with a go.mod and go.sum that find the module under test, to a
// folder outside of its tree.
func writeModule(t testing.TB, dir string, files ...txtar.File) {
	t.Helper()
	for name, data := range moduleFiles(t) {
		writeFile(t, filepath.Join(dir, name), data)
	}
	for _, f := range files {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(f.Name)), f.Data)
	}
}

// moduleFiles returns a go.mod and a go.sum. They require what the module under test does.
func moduleFiles(t testing.TB) map[string][]byte {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod = bytes.Replace(mod, []byte("module github.com/esgen-go/esgen\n"), []byte("module example.com/app\n"), 1)
	mod = append(mod, "\nrequire github.com/esgen-go/esgen v0.0.0\n\nreplace github.com/esgen-go/esgen => "+root+"\n"...)
	return map[string][]byte{"go.mod": mod, "go.sum": sum}
}

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// esgen runs the generator and returns its exit status and what it printed.
func esgen(t testing.TB, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = cli.Run(t.Context(), dir, args, &out, &err)
	return status, out.String(), err.String()
}

// tree returns the files below dir.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
