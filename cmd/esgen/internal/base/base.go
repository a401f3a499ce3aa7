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
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
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
	_, dir = b.repository(dir)
	folder, err := filepath.Rel(r.root, filepath.Join(dir, lock.Dir))
	if err == nil {
		folder = filepath.ToSlash(folder)
		released, err = r.read(r.commit, folder, files, working)
	}
	if err == nil && r.before != "" {
		var before *lock.Lock
		if files, err = r.filesAt(r.before, folder); err == nil {
			before, err = r.read(r.before, folder, files, working)
		}
		if err == nil {
			released = both(before, released)
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the schema lock that is %s: %w", r.what, err)
	}
	return released, r.what, nil
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
			if !corpus.Readable(f.content) {
				_, dir := b.repository(dir)
				folder, err := filepath.Rel(r.root, filepath.Join(dir, corpus.Folder(lock.Dir)))
				if err == nil {
					f.content, err = r.readable(r.commit, filepath.ToSlash(folder)+"/"+f.name, corpus.Readable)
				}
				if err != nil {
					return nil, fmt.Errorf("reading the golden corpus that is %s: %w", r.what, err)
				}
			}
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
		return nil, nil, false, fmt.Errorf("reading the schema lock that is %s: %w", r.what, err)
	}
	return r, files, false, nil
}

// both returns what two merged commits have released, before and after: where a merge has made of a version what can't read
// it as it was, and no exception came with it, it counts as it was.
func both(before, after *lock.Lock) *lock.Lock {
	broken := &lock.Lock{Dir: before.Dir}
	for _, e := range before.Events {
		kept := *e
		kept.Versions = slices.DeleteFunc(slices.Clone(e.Versions), func(v *lock.Version) bool {
			now := after.Event(e.Name).Version(v.Schema)
			return now != nil && !slices.ContainsFunc(compat.Readers(v.Shape, now.Shape), func(c compat.Change) bool {
				allowed := slices.Contains(now.Allow, c.Exception()) && !slices.Contains(v.Allow, c.Exception())
				return c.Verdict > compat.Safe && !allowed
			})
		})
		if len(kept.Versions) > 0 {
			broken.Events = append(broken.Events, &kept)
		}
	}
	return broken.Join(after, func(*lock.Version) bool { return true })
}

// Ignored reports whether git is told to ignore the lock of the package in a folder, so that nothing in it would
// ever be released: *.lock is a usual line of .gitignore.
func (b *Base) Ignored(dir string) bool {
	r, dir := b.repository(dir)
	if r == nil {
		return false
	}
	_, err := r.git("check-ignore", "--quiet", filepath.Join(dir, lock.Dir, "event.json"))
	return err == nil
}

// Unsure returns an error if nothing tells what is released: the clone is shallow and has no base branch, as in
// workflows that check out one commit. To check there would be to pass.
func (b *Base) Unsure(dir string) error {
	r, _ := b.repository(dir)
	if r == nil {
		return nil
	}
	<-r.ready
	if !r.guessed {
		return nil
	}
	if shallow, err := r.git("rev-parse", "--is-shallow-repository"); err != nil || shallow != "true" {
		return nil
	}
	return fmt.Errorf("finding what is released: this clone has one commit and no base branch to compare it with: fetch that, as by git fetch --depth=1 origin main:refs/remotes/origin/main, or name another with -base or %s", Variable)
}

// Gone returns the locks that the base has below a folder of packages whose Go files are there no more: they were
// deleted, or moved with or without their locks. Folders that the go command doesn't look into
// are left out, and those of other modules.
func (b *Base) Gone(dir string) ([]*lock.Lock, error) {
	r, dir := b.repository(dir)
	if r == nil {
		return nil, nil
	}
	<-r.ready
	if r.failed != nil || r.unknown != nil || r.commit == "" {
		return nil, r.failed
	}
	folders, err := r.folders()
	if err != nil {
		return nil, fmt.Errorf("listing the schema locks that are %s: %w", r.what, err)
	}
	var gone []*lock.Lock
	for _, folder := range folders {
		path := filepath.Join(r.root, filepath.FromSlash(folder))
		if below, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(below) || hasGo(path) || Module(path) != Module(dir) {
			continue
		}
		here, err := lock.Read(path, problem.NewList(nil))
		if err != nil {
			return nil, err
		}
		var was *lock.Lock
		files, err := r.files(folder + "/" + lock.Dir)
		if err == nil {
			was, err = r.read(r.commit, folder+"/"+lock.Dir, files, here)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the schema lock that is %s: %w", r.what, err)
		}
		gone = append(gone, was)
	}
	return gone, nil
}

func hasGo(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	return len(files) > 0
}

// Module returns the folder of the go.mod that a folder is under, be it there or not; "" for none.
func Module(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// Commit returns what tells the base of the repository that dir is in from others, false if git couldn't
// tell.
func (b *Base) Commit(dir string) (string, bool) {
	r, _ := b.repository(dir)
	if r == nil {
		return "", true
	}
	<-r.ready
	return r.commit + " " + r.before + " " + r.what, r.failed == nil && r.unknown == nil
}

// read reads the files of a lock as they are in a commit, in a folder below the root. Those that are the same in the working tree are taken
// from there. One that can't be read counts as it could be last, with what the working tree has beyond that: a mistake that was merged must
// not keep anyone from mending it, nor make a fresh start of what is stored.
func (r *repository) read(commit, folder string, files []file, working *lock.Lock) (*lock.Lock, error) {
	here := map[string]*lock.Event{}
	for _, e := range working.Events {
		here[filepath.Base(e.Pos.Filename)] = e
	}
	var events []*lock.Event
	for _, f := range files {
		e := here[f.name]
		if f.content != nil {
			if lock.Newer(f.content) {
				return nil, fmt.Errorf("%s is in a format of a newer esgen: update esgen", f.name)
			}
			path := filepath.Join(working.Dir, f.name)
			parsed := parse(path, f.content)
			if parsed == nil {
				content, err := r.readable(commit, folder+"/"+f.name, func(data []byte) bool { return parse(path, data) != nil })
				if err != nil {
					return nil, err
				}
				if parsed = parse(path, content); parsed != nil && e != nil {
					parsed = (&lock.Lock{Events: []*lock.Event{parsed}}).Join(&lock.Lock{Events: []*lock.Event{e}}, func(*lock.Version) bool { return true }).Event(parsed.Name)
				}
			}
			if parsed != nil {
				e = parsed
			}
		}
		if e != nil {
			events = append(events, e)
		}
	}
	return lock.New(working.Dir, events, problem.NewList(nil)), nil
}

// parse returns the event of a file that is not on the disk, nil if it can't be read.
func parse(path string, content []byte) *lock.Event {
	return lock.Parse(path, content, problem.NewList(nil))
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
		r.guessed = true
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
		if r.commit == head {
			r.before = r.merged(head)
		}
	case exitStatus(err) == 1: // of a shallow clone the history between is not there
		r.commit, r.what = name, "on "+short(name)
	default:
		r.unknown = err
	}
}

// merged returns what the base branch was before the merge that a commit is, "" for other commits and where the
// clone doesn't have it: two branches that made the same version of an event can be merged without a word.
func (r *repository) merged(commit string) string {
	if _, err := r.git("rev-parse", "--quiet", "--verify", commit+"^2^{commit}"); err != nil {
		return ""
	}
	before, err := r.git("rev-parse", "--quiet", "--verify", commit+"^1^{commit}")
	if err != nil {
		return ""
	}
	return before
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
