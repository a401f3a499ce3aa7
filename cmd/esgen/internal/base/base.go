// Package base finds the schema locks of the base branch: what is locked there has been
// released, and is not for a branch to rewrite.
//
// The base is where the branch at hand left the base branch. That is named by the user, or else is what
// origin/HEAD, origin/main, origin/master, main or master names, the first that there is. Where no such
// branch is known, all that is committed counts as released; where git can't be asked, all that is in the
// lock. Outside of git, before the first commit, and with the name [None], nothing does
// but what people have marked.
package base

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/corpus"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// None is the name of no branch at all: nothing is released but what is marked.
const None = "none"

// Variable is the environment variable that names the base branch.
const Variable = "ESGEN_BASE"

// Base is the base of all repositories that a run touches. Each of them is asked once.
type Base struct {
	ctx   context.Context
	name  string // "" to look for it
	exact bool   // the commit of that name, rather than where the branch at hand left it
	repos map[string]*repository
}

// New returns the base with that name; "" looks for it.
func New(ctx context.Context, name string) *Base {
	return &Base{ctx: ctx, name: name, repos: map[string]*repository{}}
}

// At returns the commit that a revision names, a tag or a branch's head for instance, as the base.
func At(ctx context.Context, revision string) *Base {
	b := New(ctx, revision)
	b.exact = true
	return b
}

// Close ends the processes that read from git.
func (b *Base) Close() {
	for _, r := range b.repos {
		<-r.ready
		r.mu.Lock()
		if r.objects != nil {
			r.objects.close()
		}
		r.mu.Unlock()
	}
}

// Prepare begins to ask git about the repository that dir is in, so that the answer is there when it is
// needed.
func (b *Base) Prepare(dir string) { b.repository(dir) }

// Released returns the lock that the base has of the package in a folder, and why it counts as released. It is nil
// if nothing does. working is the lock of the working tree.
func (b *Base) Released(dir string, working *lock.Lock) (released *lock.Lock, why string, err error) {
	r, files, all, err := b.files(dir, lock.Dir)
	switch {
	case err != nil || r == nil:
		return nil, "", err
	case all:
		return working, fmt.Sprintf("git can't be asked what is released: %v", r.unknown), nil
	}
	return r.read(files, working), r.what, nil
}

// ReleasedCorpus returns the golden corpus that the base has of the package in a folder. working is that of the
// working tree.
func (b *Base) ReleasedCorpus(dir string, working corpus.Corpus) (corpus.Corpus, error) {
	r, files, all, err := b.files(dir, corpus.Folder(lock.Dir))
	switch {
	case err != nil || r == nil:
		return nil, err
	case all:
		return working, nil
	}
	changed := map[string][]byte{}
	released := corpus.Corpus{}
	for _, f := range files {
		if f.content != nil {
			changed[f.name] = f.content
		} else if g := working[f.name]; g != nil {
			released[f.name] = g
		}
	}
	maps.Copy(released, corpus.Parse(changed))
	return released, nil
}

// files returns the files that the base has in a folder of the package in dir; all says that those of the working tree
// count. Without a repository nothing is released.
func (b *Base) files(dir, folder string) (r *repository, files []file, all bool, err error) {
	r, dir = b.repository(dir)
	if r == nil {
		return nil, nil, false, nil
	}
	<-r.ready
	switch {
	case r.failed != nil:
		return nil, nil, false, r.failed
	case r.unknown != nil:
		return r, nil, true, nil
	case r.commit == "":
		return nil, nil, false, nil
	}
	path, err := filepath.Rel(r.root, filepath.Join(dir, folder))
	if err != nil {
		return nil, nil, false, fmt.Errorf("finding the schema lock in git: %w", err)
	}
	files, err = r.files(filepath.ToSlash(path))
	if err != nil {
		return nil, nil, false, fmt.Errorf("reading the schema lock of %s: %w", r.what, err)
	}
	return r, files, false, nil
}

// Commit returns what tells the base of the repository that dir is in from others, false if git couldn't
// tell.
func (b *Base) Commit(dir string) (string, bool) {
	r, _ := b.repository(dir)
	if r == nil {
		return "", true
	}
	<-r.ready
	return r.commit + " " + r.what, r.failed == nil && r.unknown == nil
}

// read reads the files of a lock as they are in the base. Those that are the same in the working tree are taken
// from there, and so are those that can't be read: a mistake that was merged must not keep anyone
// from mending it.
func (r *repository) read(files []file, working *lock.Lock) *lock.Lock {
	here := map[string]*lock.Event{}
	for _, e := range working.Events {
		here[filepath.Base(e.Pos.Filename)] = e
	}
	var events []*lock.Event
	for _, f := range files {
		e := here[f.name]
		if f.content != nil {
			ignored := problem.NewList(nil)
			if parsed := lock.Parse(filepath.Join(working.Dir, f.name), f.content, ignored); parsed != nil {
				e = parsed
			}
		}
		if e != nil {
			events = append(events, e)
		}
	}
	return lock.New(working.Dir, events, problem.NewList(nil))
}

// repository returns the repository that dir is in, and dir without symbolic links; nil outside of any.
func (b *Base) repository(dir string) (*repository, string) {
	if b.name == None {
		return nil, dir
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	root := rootOf(dir)
	if root == "" {
		return nil, dir
	}
	r := b.repos[root]
	if r == nil {
		r = &repository{ctx: b.ctx, root: root, ready: make(chan struct{})}
		b.repos[root] = r
		go func() {
			defer close(r.ready)
			r.find(b.name, b.exact)
		}()
	}
	return r, dir
}

// rootOf returns the folder of the working tree that dir is in, "" if there is none.
func rootOf(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		} else if !errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// find finds the commit.
func (r *repository) find(name string, exact bool) {
	head, err := r.git("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
	if err != nil {
		if exit := exitStatus(err); exit != 1 {
			r.unknown = err
		}
		return // nothing is committed yet
	}
	given := name != ""
	if !given {
		if name, err = r.defaultBranch(); err != nil {
			r.unknown = err
			return
		}
	}
	if name == "" {
		r.commit, r.what = head, "committed, and no base branch is known (name one with -base or "+Variable+")"
		return
	}
	if given {
		if _, err := r.git("rev-parse", "--quiet", "--verify", name+"^{commit}"); err != nil || strings.HasPrefix(name, "-") {
			r.failed = fmt.Errorf("finding the base: git knows no %s in %s: fetch it (git fetch origin), or name another with -base or %s", name, r.root, Variable)
			return
		}
	}
	if exact {
		r.commit, r.what = name, "in "+name
		return
	}
	switch r.commit, err = r.git("merge-base", "HEAD", name); {
	case err == nil:
		r.what = "on " + short(name)
	case exitStatus(err) == 1: // of a shallow clone the history between is not there
		r.commit, r.what = name, "on "+short(name)
	default:
		r.unknown = err
	}
}

func (r *repository) defaultBranch() (string, error) {
	candidates := []string{"refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master"}
	out, err := r.git(append([]string{"for-each-ref", "--format=%(refname)"}, candidates...)...)
	if err != nil {
		return "", err
	}
	found := strings.Fields(out)
	for _, name := range candidates {
		for _, f := range found {
			if f == name {
				return name, nil
			}
		}
	}
	return "", nil
}

func short(name string) string {
	for _, prefix := range []string{"refs/remotes/", "refs/heads/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}
