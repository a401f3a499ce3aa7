// Package output brings generated files to disk: all or none of them, only where they differ,
// and never over a file that esgen did not write.
package output

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// State is how a file on disk compares to what esgen would write.
type State string

// The states that call for a change.
const (
	Missing  State = "missing"
	Stale    State = "stale"
	Orphaned State = "orphaned" // nothing is generated there any more
)

// Change is what is to be done to one file.
type Change struct {
	Path    string
	State   State
	Content []byte // nil to remove the file
	old     []byte // nil if there is none
	folder  bool   // comes and goes with its files
}

// PlanIn compares a file in a folder that is esgen's own, which comes and goes with its files.
func PlanIn(folder, name string, content []byte, problems *problem.List) (*Change, error) {
	change, err := Plan(filepath.Join(folder, name), "", content, problems)
	if change != nil {
		change.folder = true
	}
	return change, err
}

// Plan compares a file that is to have a content, or nil if there is to be no file, with
// the disk. It returns nil if nothing is to be done. Files without the header are
// a problem if they are in the way, and else none of esgen's business; with the header "" all are esgen's.
func Plan(path, header string, content []byte, problems *problem.List) (*Change, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if content == nil {
			return nil, nil
		}
		return &Change{Path: path, State: Missing, Content: content}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("comparing generated code: %w", err)
	}
	switch own := header == "" || hasHeader(old, header); {
	case !own && content == nil:
		return nil, nil
	case !own:
		problems.Add(token.Position{Filename: path, Line: 1, Column: 1}, fmt.Sprintf(
			"%s is not written by esgen (it lacks the line %q) and is in its way: rename or remove it", filepath.Base(path), header))
		return nil, nil
	case content == nil:
		return &Change{Path: path, State: Orphaned, old: old}, nil
	case bytes.Equal(bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n")), content):
		return nil, nil
	}
	return &Change{Path: path, State: Stale, Content: content, old: old}, nil
}

// hasHeader looks beyond the first line, where the marker of a merge conflict may be.
func hasHeader(content []byte, header string) bool {
	const lines = 10
	for i, line := range bytes.SplitN(content, []byte("\n"), lines+1) {
		if i < lines && string(bytes.TrimRight(line, "\r")) == header {
			return true
		}
	}
	return false
}

// Apply makes all changes, or none if one fails.
func Apply(changes []*Change) (err error) {
	temps := make([]string, len(changes))
	defer func() {
		for _, c := range changes {
			if c.folder {
				os.Remove(filepath.Dir(c.Path)) // if nothing is left in it
			}
		}
	}()
	defer func() {
		for _, temp := range temps {
			if temp != "" {
				os.Remove(temp) // a leftover of a failure; the failure is what is told
			}
		}
	}()
	for i, c := range changes {
		if c.Content == nil {
			continue
		}
		if temps[i], err = writeTemp(c); err != nil {
			return fmt.Errorf("writing %s: %w", c.Path, err)
		}
	}
	for i, c := range changes {
		if c.Content == nil {
			err = os.Remove(c.Path)
		} else if err = os.Rename(temps[i], c.Path); err == nil {
			temps[i] = ""
		}
		if err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", c.Path, err), undo(changes[:i]))
		}
	}
	return nil
}

func writeTemp(c *Change) (string, error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o755); err != nil {
		return "", err
	}
	// The leading dot keeps a leftover out of the package.
	f, err := os.CreateTemp(filepath.Dir(c.Path), "."+filepath.Base(c.Path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(c.Content)
	return f.Name(), errors.Join(err, f.Chmod(0o644), f.Close())
}

// undo puts back what was there before.
func undo(changes []*Change) error {
	var errs []error
	for _, c := range changes {
		if c.old == nil {
			errs = append(errs, os.Remove(c.Path))
		} else {
			errs = append(errs, os.WriteFile(c.Path, c.old, 0o644))
		}
	}
	return errors.Join(errs...)
}
