// Package scaffold writes the first files of an aggregate and makes a module ready for esgen.
package scaffold

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"text/template"
)

//go:embed aggregate.go.tmpl
var aggregateTemplate string

//go:embed aggregate_test.go.tmpl
var testTemplate string

// File is a file to be written.
type File struct {
	Path    string
	Content []byte
}

// Aggregate returns the files of an aggregate in a folder, which need not be there. It refuses
// one that has Go files already.
func Aggregate(m *Module, dir string, n Names) ([]File, error) {
	rel, err := filepath.Rel(m.Dir, dir)
	if err != nil {
		return nil, err
	}
	if element := hidden(rel); element != "" {
		return nil, fmt.Errorf("the go command finds no packages below a folder named %s: choose another place", element)
	}
	if rel == "." {
		return nil, errors.New("the module's root is left to the program: name a folder below it, such as esgen new account")
	}
	if there, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.go")); err != nil {
		return nil, err
	} else if len(there) > 0 {
		return nil, fmt.Errorf("%s has Go files already, such as %s, and nothing is overwritten: choose another folder", dir, filepath.Base(there[0]))
	}
	data := struct {
		Names
		Import string
	}{n, path.Join(m.Path, filepath.ToSlash(rel))}
	var files []File
	for _, f := range []struct{ name, text string }{{n.Package + ".go", aggregateTemplate}, {n.Package + "_test.go", testTemplate}} {
		var b bytes.Buffer
		if err := template.Must(template.New(f.name).Parse(f.text)).Execute(&b, data); err != nil {
			return nil, err
		}
		content, err := format.Source(b.Bytes())
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.name, err)
		}
		files = append(files, File{filepath.Join(dir, f.name), content})
	}
	return files, nil
}

// Write writes the files, none of which may be there: all of them, or none if one fails. It returns
// what undoes that, folders included.
func Write(files []File) (undo func() error, err error) {
	var made []string // in the order in which they were made
	undo = func() error {
		var errs []error
		for i := len(made) - 1; i >= 0; i-- {
			errs = append(errs, os.Remove(made[i]))
		}
		return errors.Join(errs...)
	}
	for _, f := range files {
		folders, err := makeFolder(filepath.Dir(f.Path))
		made = append(made, folders...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("writing %s: %w", f.Path, err), undo())
		}
		out, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("writing %s: %w", f.Path, err), undo())
		}
		made = append(made, f.Path)
		_, err = out.Write(f.Content)
		if err = errors.Join(err, out.Close()); err != nil {
			return nil, errors.Join(fmt.Errorf("writing %s: %w", f.Path, err), undo())
		}
	}
	return undo, nil
}

// makeFolder makes a folder with its parents and returns those that were not there, outermost first.
func makeFolder(dir string) ([]string, error) {
	err := os.Mkdir(dir, 0o755)
	switch {
	case err == nil:
		return []string{dir}, nil
	case errors.Is(err, fs.ErrExist):
		return nil, nil // if it is no folder, writing to it tells
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	made, err := makeFolder(filepath.Dir(dir))
	if err != nil {
		return made, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return made, err
	}
	return append(made, dir), nil
}
