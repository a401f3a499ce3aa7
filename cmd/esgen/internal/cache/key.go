package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// format is raised when keys are made of something else.
const format = 1

// Run is one run of esgen over packages.
type Run struct {
	folder  folder
	program string
	keys    *keys
	roots   map[string]root // by folder
}

type root struct {
	*packages.Package
	released string
	key      string
}

// Start begins a run. It returns nil if nothing is to be remembered: there is no folder for it, or it isn't known
// which program this is. All methods of a nil Run do nothing.
func Start() *Run {
	f := open()
	program, err := identity()
	if f == "" || err != nil {
		return nil
	}
	return &Run{folder: f, program: program, keys: newKeys(program), roots: map[string]root{}}
}

// identity tells this build of esgen from others. A file that is built again is written again.
func identity() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(path, " ", info.Size(), " ", info.ModTime().UnixNano(), " ", runtime.Version()), nil
}

// Known reports whether an earlier run of this esgen had nothing to change in a package that was the same then:
// its Go files, those that esgen wrote among them, its lock and its test data; the Go files of all packages that it
// imports, directly or not, except that what lies in the module cache or the Go distribution counts as its version
// does; and released, which says which commit has what is released.
func (r *Run) Known(p *packages.Package, released string) bool {
	if r == nil || p.Dir == "" {
		return false
	}
	key, ok := r.keys.of(p, released)
	if !ok {
		return false
	}
	r.roots[p.Dir] = root{p, released, key}
	return r.folder.has(p.Dir, key)
}

// Remember notes that there was nothing to change in the packages of these folders, unless they have changed since
// they were looked at.
func (r *Run) Remember(dirs []string) error {
	if r == nil {
		return nil
	}
	var errs []error
	again := newKeys(r.program)
	for _, dir := range dirs {
		root, ok := r.roots[dir]
		if !ok {
			continue
		}
		if key, ok := again.of(root.Package, root.released); ok && key == root.key {
			errs = append(errs, r.folder.put(dir, key))
		}
	}
	return errors.Join(errs...)
}

// keys computes the keys of packages that share dependencies.
type keys struct {
	program string
	folders map[string]string // what is known of a folder by its files
	goRoots map[string]string // the version in a Go distribution
}

func newKeys(program string) *keys {
	return &keys{program, map[string]string{}, map[string]string{}}
}

// of returns the key of a package, false if it can't have one.
func (k *keys) of(p *packages.Package, released string) (string, bool) {
	h := sha256.New()
	line := func(values ...any) { fmt.Fprintf(h, "%q\n", fmt.Sprint(values...)) }
	line("format ", format)
	line(k.program)
	line(released)
	if p.Module != nil {
		line(p.Module.Path, " ", p.Module.GoVersion)
	}
	for _, dir := range []string{"esgen.lock", "testdata"} {
		if err := writeTree(h, filepath.Join(p.Dir, dir)); err != nil {
			return "", false
		}
	}
	for _, dep := range closure(p) {
		identity, ok := k.identity(dep)
		if !ok {
			return "", false
		}
		line(dep.PkgPath, " ", dep.Name, " ", identity)
	}
	return hex.EncodeToString(h.Sum(nil)), true
}

// closure returns a package and all that it imports, directly or not, by path.
func closure(p *packages.Package) []*packages.Package {
	seen := map[*packages.Package]bool{p: true}
	all := []*packages.Package{p}
	for i := 0; i < len(all); i++ {
		for _, imported := range all[i].Imports {
			if !seen[imported] {
				seen[imported] = true
				all = append(all, imported)
			}
		}
	}
	slices.SortFunc(all, func(a, b *packages.Package) int { return strings.Compare(a.PkgPath, b.PkgPath) })
	return all
}

// identity returns what tells one state of a package from others, false if there is something wrong with it.
func (k *keys) identity(p *packages.Package) (string, bool) {
	switch {
	case p.PkgPath == "unsafe":
		return "", true
	case len(p.Errors) > 0 || p.Dir == "":
		return "", false
	case p.Module == nil: // of the Go distribution, or of GOPATH
		if version, ok := k.goRoot(p.Dir); ok {
			return version, true
		}
	case !local(p.Module) && strings.Contains(filepath.Base(strings.TrimSuffix(p.Dir, subfolder(p))), "@v"):
		return p.Dir, true // of the module cache, where nothing changes
	}
	return k.folder(p)
}

// local reports whether a module is in a folder of somebody's own, as the main ones are and those that a replace
// directive without a version points to. Such a folder may be called anything.
func local(m *packages.Module) bool {
	return m.Main || m.Version == "" || m.Replace != nil && m.Replace.Version == ""
}

// subfolder returns where a package is below its module's folder.
func subfolder(p *packages.Package) string {
	return filepath.FromSlash(strings.TrimPrefix(p.PkgPath, p.Module.Path))
}

// goRoot returns the version of the Go distribution that a package's folder is in, false if it is in none.
func (k *keys) goRoot(dir string) (string, bool) {
	root, _, ok := strings.Cut(dir, string(filepath.Separator)+"src"+string(filepath.Separator))
	if !ok {
		return "", false
	}
	if _, ok := k.goRoots[root]; !ok {
		version, err := os.ReadFile(filepath.Join(root, "VERSION"))
		if err != nil {
			version = nil
		}
		k.goRoots[root] = string(version)
	}
	return k.goRoots[root], k.goRoots[root] != ""
}

// folder returns a hash over the Go files of a package's folder, with which of them are built.
func (k *keys) folder(p *packages.Package) (string, bool) {
	if known, ok := k.folders[p.Dir]; ok {
		return known, true
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return "", false
	}
	h := sha256.New()
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(p.Dir, e.Name()))
		if err != nil {
			return "", false
		}
		writeFile(h, e.Name(), content)
	}
	for _, name := range p.GoFiles {
		fmt.Fprintf(h, "%q\n", name)
	}
	k.folders[p.Dir] = hex.EncodeToString(h.Sum(nil))
	return k.folders[p.Dir], true
}

// writeTree writes all files below dir, if it is there.
func writeTree(h hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == dir:
			return nil
		case err != nil || d.IsDir():
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		writeFile(h, path, content)
		return nil
	})
}

// writeFile writes a file in a way that leaves no doubt where it ends.
func writeFile(h hash.Hash, name string, content []byte) {
	fmt.Fprintf(h, "%q %d\n", name, len(content))
	h.Write(content)
}
