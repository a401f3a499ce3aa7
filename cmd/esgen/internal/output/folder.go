package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// PlanFolder compares a folder that is to have files, by their names with forward slashes, with the
// disk, as [Plan] does for each of them. Other files in it that esgen wrote are orphaned. header returns the
// line by which a file of that name is known as esgen's, false if it can't be.
func PlanFolder(dir string, files map[string][]byte, header func(name string) (string, bool), problems *problem.List) ([]*Change, error) {
	names := map[string]bool{}
	for name := range files {
		names[name] = true
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names[filepath.ToSlash(name)] = true
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("comparing generated files: %w", err)
	}
	var changes []*Change
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	slices.SortFunc(all, strings.Compare)
	for _, name := range all {
		line, ok := header(name)
		if !ok {
			continue
		}
		change, err := Plan(filepath.Join(dir, filepath.FromSlash(name)), line, files[name], problems)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// Tidy removes the folders below dir that changes have left empty.
func Tidy(dir string, changes []*Change) {
	for _, c := range changes {
		if c.State != Orphaned {
			continue
		}
		for parent := filepath.Dir(c.Path); len(parent) > len(dir); parent = filepath.Dir(parent) {
			if os.Remove(parent) != nil {
				break // it isn't empty
			}
		}
	}
}
