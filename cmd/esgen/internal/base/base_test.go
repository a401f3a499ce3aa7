package base_test

import (
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/base"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// repo is a repository with a lock in the folder order.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r *repo) git(args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// write writes the lock of an event with so many versions; with none, it removes it.
func (r *repo) write(event string, versions int) {
	r.t.Helper()
	path := filepath.Join(r.dir, "order", lock.Dir, lock.FileName(event))
	if versions == 0 {
		if err := os.Remove(path); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	var all []string
	for i := range versions {
		all = append(all, fmt.Sprintf(`{"version":%d,"state":"current","go":"A","fields":[]}`, i+1))
	}
	text := fmt.Sprintf(`{"format":1,"event":%q,"category":"order","aggregate":"Order","versions":[%s]}`, event, strings.Join(all, ","))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) commit(event string, versions int) {
	r.t.Helper()
	r.write(event, versions)
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", "a change")
}

// released returns the events that are released, each with its last version.
func (r *repo) released(name string) (events, why string, err error) {
	r.t.Helper()
	b := base.New(r.t.Context(), name)
	defer b.Close()
	problems := problem.NewList(token.NewFileSet())
	dir := filepath.Join(r.dir, "order")
	working, err := lock.Read(dir, problems)
	if err != nil {
		r.t.Fatal(err)
	}
	l, why, err := b.Released(dir, working)
	if l == nil {
		return "none", why, err
	}
	var all []string
	for _, e := range l.Events {
		all = append(all, fmt.Sprintf("%s %d", e.Name, e.Last().Schema))
	}
	return strings.Join(all, ", "), why, err
}

func (r *repo) want(name, events, why string) {
	r.t.Helper()
	got, because, err := r.released(name)
	if err != nil || got != events || because != why {
		r.t.Errorf("released with base %q: %s (%s), error %v; want %s (%s)", name, got, because, err, events, why)
	}
}

func TestWhatIsOnTheBaseBranchIsReleased(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", 1)
	r.want("", "none", "") // nothing is committed yet
	r.commit("a", 1)
	r.want("", "a 1", "on main")
	r.write("a", 2)
	r.write("b", 1)
	r.want("", "a 1", "on main") // of what is not committed, nothing
	r.git("switch", "--quiet", "--create", "feature")
	r.commit("B", 1)
	r.want("", "a 1", "on main") // of what the branch has, nothing
	r.git("switch", "--quiet", "main")
	r.commit("c", 1)
	r.git("switch", "--quiet", "feature")
	r.want("", "a 1", "on main") // of what main has had since, nothing
	r.write("a", 0)
	r.want("", "a 1", "on main") // a lock that is gone is released all the same
	r.want(base.None, "none", "")
	r.want("HEAD", "B 1, a 2, b 1", "on HEAD")
	r.git("checkout", "--quiet", "--force", "--detach")
	r.want("", "a 1", "on main")
}

func TestTheRemotesDefaultBranchComesFirst(t *testing.T) {
	t.Parallel()
	origin := newRepo(t)
	origin.git("checkout", "--quiet", "-b", "trunk")
	origin.commit("a", 1)
	r := &repo{t, filepath.Join(t.TempDir(), "clone")}
	origin.git("clone", "--quiet", origin.dir, r.dir)
	r.commit("a", 2) // ahead of origin
	r.want("", "a 1", "on origin/HEAD")
	r.git("remote", "set-head", "origin", "--delete")
	r.want("", "a 2", "committed, and no base branch is known (name one with -base or ESGEN_BASE)")
	r.want("origin/trunk", "a 1", "on origin/trunk")
}

func TestAShallowCloneIsComparedWithTheTipOfTheBaseBranch(t *testing.T) {
	t.Parallel()
	origin := newRepo(t)
	origin.commit("a", 1)
	origin.git("switch", "--quiet", "--create", "feature")
	origin.commit("a", 2)
	origin.commit("a", 3)
	origin.git("switch", "--quiet", "main")
	r := &repo{t, filepath.Join(t.TempDir(), "clone")}
	origin.git("clone", "--quiet", "--depth=1", "--branch=feature", "file://"+origin.dir, r.dir)
	r.write("a", 4)
	r.want("", "a 3", "committed, and no base branch is known (name one with -base or ESGEN_BASE)")
	r.git("fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
	r.want("", "a 1", "on origin/main")
}

func TestOfALinkedWorkTreeTheBaseIsTheRepositorys(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("a", 1)
	linked := &repo{t, filepath.Join(t.TempDir(), "linked")}
	r.git("worktree", "add", "--quiet", "-b", "feature", linked.dir)
	linked.commit("a", 2)
	linked.want("", "a 1", "on main")
}

func TestOutsideOfGitNothingIsReleased(t *testing.T) {
	t.Parallel()
	r := &repo{t, t.TempDir()}
	r.write("a", 1)
	r.want("", "none", "")
	r.want("main", "none", "")
}

func TestWhereGitCantBeAskedAllOfTheLockIsReleased(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", 1)
	if err := os.RemoveAll(filepath.Join(r.dir, ".git")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, ".git"), []byte("gitdir: /nowhere"), 0o644); err != nil {
		t.Fatal(err)
	}
	events, why, err := r.released("")
	if err != nil || events != "a 1" || !strings.Contains(why, "git can't be asked what is released") {
		t.Errorf("got %s (%s), %v", events, why, err)
	}
}

func TestABaseThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("a", 1)
	for _, name := range []string{"origin/trunk", "--all"} {
		_, _, err := r.released(name)
		if err == nil || !strings.Contains(err.Error(), "git knows no "+name) || !strings.Contains(err.Error(), "fetch it") {
			t.Errorf("got %v", err)
		}
	}
}

func TestALockThatCantBeReadInTheBaseIsThatOfTheWorkingTree(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("a", 1)
	path := filepath.Join(r.dir, "order", lock.Dir, "a.json")
	if err := os.WriteFile(path, []byte("<<<<<<< HEAD\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.git("commit", "--quiet", "--all", "--message", "a mistake")
	r.write("a", 2)
	r.want("", "a 2", "on main")
}

// A lock that was merged with a mistake and is then deleted would leave nothing that the code is held to.
func TestALockThatCannotBeReadCountsAsItCouldBeLast(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("order.placed", 1)
	r.commit("order.placed", 2)
	path := filepath.Join(r.dir, "order", lock.Dir, lock.FileName("order.placed"))
	for _, damaged := range []string{"", "{", "<<<<<<< HEAD\n"} {
		if err := os.WriteFile(path, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		r.git("commit", "--quiet", "--all", "--message", "damaged")
		r.write("order.placed", 0)
		if events, why, err := r.released(""); err != nil || events != "order.placed 2" {
			t.Errorf("damaged to %q and deleted: released is %q (%s), %v", damaged, events, why, err)
		}
	}
}

func TestALockOfANewerFormatIsNotTakenForNone(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("order.placed", 1)
	path := filepath.Join(r.dir, "order", lock.Dir, lock.FileName("order.placed"))
	if err := os.WriteFile(path, []byte(`{"format":9,"something":"new"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	r.git("commit", "--quiet", "--all", "--message", "newer")
	r.write("order.placed", 0)
	if events, _, err := r.released(""); err == nil || !strings.Contains(err.Error(), "order.placed.json is in a format of a newer esgen") {
		t.Errorf("released is %q, %v", events, err)
	}
}
