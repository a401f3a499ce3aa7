// Package corpus keeps the golden corpus beside the schema lock: for every event version of which the shape is
// known, a stored event for each of its edges. What is released is never changed or removed; what is not
// follows the shape.
package corpus

import (
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/internal/golden"
)

// Corpus is the goldens of a package, by the name of the file.
type Corpus map[string]*golden.File

// Folder returns the folder of a lock's corpus.
func Folder(lockDir string) string { return filepath.Join(lockDir, golden.Dir) }

// Read reads the corpus that belongs to a lock. What is wrong with the files is added to the problems.
func Read(lockDir string, problems *problem.List) (Corpus, error) {
	dir := Folder(lockDir)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the golden corpus: %w", err)
	}
	c := Corpus{}
	for _, entry := range entries {
		if entry.IsDir() || !lock.IsFile(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the golden corpus: %w", err)
		}
		f, err := golden.Parse(data)
		switch {
		case err != nil:
			problems.Add(token.Position{Filename: path, Line: 1, Column: 1}, "reading the golden corpus: "+err.Error())
		case lock.FileName(f.Event) != entry.Name():
			problems.Add(token.Position{Filename: path, Line: 1, Column: 1}, fmt.Sprintf(
				"the goldens of event %s are in the wrong file: rename that to %s", f.Event, lock.FileName(f.Event)))
		default:
			c[entry.Name()] = f
		}
	}
	return c, nil
}

// Parse reads files that are not on the disk. What can't be read is left out: it was merged, and must not keep anyone from
// mending it.
func Parse(files map[string][]byte) Corpus {
	c := Corpus{}
	for name, data := range files {
		if f, err := golden.Parse(data); err == nil {
			c[name] = f
		}
	}
	return c
}

// Readable reports whether a file of the corpus can be read.
func Readable(data []byte) bool {
	_, err := golden.Parse(data)
	return err == nil
}

// Next returns the corpus that goes with a lock: all of frozen, which is released; what people have added to working, and
// what was written down of results; and a golden for every edge that has none yet. Before is the lock that working was
// written with.
func Next(l, before *lock.Lock, working, frozen Corpus) Corpus {
	next := Corpus{}
	for _, e := range l.Events {
		name := lock.FileName(e.Name)
		b := &builder{Event: e, before: before.Event(e.Name), working: working[name], frozen: frozen[name]}
		if b.working == nil {
			b.working = &golden.File{}
		}
		if b.frozen == nil {
			b.frozen = &golden.File{}
		}
		next[name] = b.build()
	}
	return next
}

// builder makes the goldens of one event.
type builder struct {
	*lock.Event
	before          *lock.Event // may be nil
	working, frozen *golden.File
	file            *golden.File
}

func (b *builder) build() *golden.File {
	b.file = &golden.File{Event: b.Name}
	for _, g := range b.frozen.Goldens {
		kept := *g
		if here := b.working.Get(g.Version, g.Name); here != nil && string(here.Stored) == string(g.Stored) {
			kept.Result = here.Result
		}
		b.file.Goldens = append(b.file.Goldens, &kept)
	}
	for _, g := range b.working.Goldens {
		v := b.Version(g.Version)
		if (edgeOf(g.Name) == "" || v != nil && v.Released) && b.file.Get(g.Version, g.Name) == nil {
			b.file.Goldens = append(b.file.Goldens, g)
		}
	}
	for _, v := range b.Versions {
		b.fill(v)
	}
	b.file.Sort()
	return b.file
}

// fill adds the goldens that a version lacks.
func (b *builder) fill(v *lock.Version) {
	made := map[string]bool{}
	for _, edge := range Edges {
		stored, read, ok := payload(v.Shape, edge)
		if !ok || made[stored] {
			continue
		}
		made[stored] = true
		var has, same bool
		name := string(edge)
		for _, g := range b.file.Goldens {
			if g.Version == v.Schema && edgeOf(g.Name) == edge {
				has, name = true, fmt.Sprintf("%s-%d", edge, numberOf(g.Name)+1)
				same = same || string(g.Stored) == stored
			}
		}
		if same || has && v.State == lock.Upcast { // which is not stored any more, however its types change
			continue
		}
		g := &golden.Golden{Version: v.Schema, Name: name, Stored: []byte(stored)}
		g.Result = b.predicted(g, v, read)
		if here := b.working.Get(g.Version, g.Name); here != nil && string(here.Stored) == stored && !b.outdated(here, edge) {
			g.Result = here.Result
		}
		b.file.Goldens = append(b.file.Goldens, g)
	}
}

// predicted returns what the golden of a version is read as that is no other version's business.
func (b *builder) predicted(g *golden.Golden, v *lock.Version, read string) golden.Result {
	if v.State == lock.Upcast || read == string(g.Stored) {
		return golden.Result{}
	}
	return golden.Result{Read: []golden.Event{{Is: golden.Is(b.Name, v.Schema), Data: []byte(read)}}}
}

// outdated reports whether a result is no more than what was predicted for the shape that was locked before: nobody has
// accepted another.
func (b *builder) outdated(here *golden.Golden, edge Edge) bool {
	v := b.before.Version(here.Version)
	if v == nil {
		return false
	}
	_, read, ok := payload(v.Shape, edge)
	before := &golden.Golden{Version: here.Version, Stored: here.Stored, Result: b.predicted(here, v, read)}
	return ok && here.Expected(b.Name).Same(before.Expected(b.Name))
}

// edgeName is the name of a golden that esgen writes; with a number from the second of an edge.
var edgeName = regexp.MustCompile(`^(zero|bare|full|high|low|was)(-[1-9][0-9]{0,8})?$`)

// edgeOf returns the edge that a golden is of, "" for one that people have added.
func edgeOf(name string) Edge {
	if m := edgeName.FindStringSubmatch(name); m != nil {
		return Edge(m[1])
	}
	return ""
}

func numberOf(name string) int {
	_, number, _ := strings.Cut(name, "-")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 1
	}
	return n
}

// Rewritten reports the released goldens that working has not, or not as they are.
func Rewritten(lockDir string, working, frozen Corpus, problems *problem.List) {
	for name, released := range frozen {
		at := token.Position{Filename: filepath.Join(Folder(lockDir), name), Line: 1, Column: 1}
		here := working[name]
		if here == nil {
			problems.Add(at, fmt.Sprintf("the goldens of %s are released and gone: run esgen, which brings them back", released.Event))
			continue
		}
		for _, g := range released.Goldens {
			now := here.Get(g.Version, g.Name)
			switch {
			case now == nil:
				problems.Add(at, fmt.Sprintf("golden %s of version %d of %s is released and gone: run esgen, which brings it back", g.Name, g.Version, released.Event))
			case string(now.Stored) != string(g.Stored):
				problems.Add(at, fmt.Sprintf("golden %s of version %d of %s was rewritten, and what is stored never changes: "+
					"run esgen, which brings it back, and add the other text under a name of its own", g.Name, g.Version, released.Event))
			}
		}
	}
}
