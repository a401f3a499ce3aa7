package serial_test

import (
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/cmd/esgen/internal/corpus"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// The lock of the nasty package holds every kind of shape that there is.
func TestEveryShapeComesBackFromTheLock(t *testing.T) {
	t.Parallel()
	pkg := load(t, "nasty")
	dir := filepath.Join("testdata", "nasty", lock.Dir)
	var events []*lock.Event
	for _, name := range nastyEvents {
		s, problems := shape.Of(pkg.Types.Scope().Lookup(name).Type(), shape.Event)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		e := &lock.Event{
			Name: "nasty." + names.Snake(name), Category: "nasty", Aggregate: "State",
			Versions: []*lock.Version{{Schema: 1, State: lock.Current, Go: name, Shape: s}},
		}
		path := filepath.Join(dir, lock.FileName(e.Name))
		text := e.Encode()
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		locked, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(locked), string(text)); diff != "" {
			t.Errorf("%s changed (-locked +now); run go test -update if that is right:\n%s", path, diff)
		}
		list := problem.NewList(token.NewFileSet())
		read := lock.Parse(path, locked, list)
		if read == nil {
			t.Fatal(list.Lines("."))
		}
		if !lock.Same(read.Versions[0].Shape, s) {
			t.Errorf("%s: what is read is not what was written:\n%s", name, locked)
		}
		if diff := cmp.Diff(string(locked), string(read.Encode())); diff != "" {
			t.Errorf("%s is written otherwise after it was read:\n%s", name, diff)
		}
		events = append(events, read)
	}
	goldens(t, lock.New(dir, events, problem.NewList(token.NewFileSet())))
}

// goldens checks that the nasty package has a golden for every edge of what it can store now, beside those that it had. The
// tests in the package read them.
func goldens(t *testing.T, l *lock.Lock) {
	t.Helper()
	list := problem.NewList(token.NewFileSet())
	here, err := corpus.Read(l.Dir, list)
	if err != nil || list.Len() > 0 {
		t.Fatal(err, list.Lines("."))
	}
	for name, f := range corpus.Next(l, l, here, here) {
		path := filepath.Join(corpus.Folder(l.Dir), name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Encode(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		had, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(had), string(f.Encode())); diff != "" {
			t.Errorf("%s lacks goldens; run go test -update:\n%s", path, diff)
		}
	}
}
