package cli

import (
	"context"
	"flag"
	"fmt"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/esgen-go/esgen/cmd/esgen/internal/base"
	"github.com/esgen-go/esgen/cmd/esgen/internal/cache"
	"github.com/esgen-go/esgen/cmd/esgen/internal/check"
	"github.com/esgen-go/esgen/cmd/esgen/internal/corpus"
	"github.com/esgen-go/esgen/cmd/esgen/internal/emit"
	"github.com/esgen-go/esgen/cmd/esgen/internal/fold"
	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/output"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// generation is one run over packages, whose files it writes or checks.
type generation struct {
	*invocation
	patterns []string
	verbose  bool
	base     string     // the name of the base branch, "" to look for it
	cache    *cache.Run // of packages that need no work; nil for none
	format   problem.Format
	compare  func(*model.Package) // reports what the code has done to what is released
	started  time.Time
	fset     *token.FileSet
	problems *problem.List
}

// runGenerate is esgen without the name of a command.
func runGenerate(ctx context.Context, in *invocation, args []string) int {
	g := newGeneration(in)
	flags := in.flags()
	g.flags(flags)
	check := flags.Bool("check", false, "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	g.patterns = flags.Args()
	if *check {
		return g.check(ctx)
	}
	g.cache = cache.Start()
	return g.write(ctx)
}

func newGeneration(in *invocation) *generation {
	g := &generation{invocation: in, started: time.Now(), format: problem.Text}
	g.compare = g.breaking
	return g
}

// breaking reports the changes to what is released that must not be released as they are.
func (g *generation) breaking(m *model.Package) {
	for _, f := range history.Findings(g.fset, m, m.Frozen) {
		if f.Breaks() {
			f.Report(g.problems)
		}
	}
}

// flags defines the flags that writing and checking have in common.
func (g *generation) flags(flags *flag.FlagSet) {
	flags.BoolVar(&g.verbose, "v", false, "")
	flags.StringVar(&g.base, "base", os.Getenv(base.Variable), "")
}

// write brings the packages' files up to date.
func (g *generation) write(ctx context.Context) int {
	changes, status := g.plan(ctx)
	if status != OK {
		return status
	}
	return g.apply(changes)
}

// apply makes the changes and returns the status.
func (g *generation) apply(changes []*output.Change) int {
	if err := output.Apply(changes); err != nil {
		return g.failed(err)
	}
	for _, change := range changes {
		verb := "wrote"
		if change.Content == nil {
			verb = "removed"
		}
		g.logf("%s %s (was %s)", verb, problem.Relative(g.dir, change.Path), change.State)
	}
	g.logf("done: %d files changed", len(changes))
	return OK
}

// check prints what is not as esgen would leave it.
func (g *generation) check(ctx context.Context) int {
	compare := g.compare
	g.compare = func(m *model.Package) {
		compare(m)
		corpus.Rewritten(m.Lock.Dir, m.Corpus, m.FrozenCorpus, g.problems)
	}
	changes, status := g.plan(ctx)
	if status != OK {
		return status
	}
	return g.drift(changes, "run esgen (go generate)")
}

// drift reports what is to be changed, with what would do it, and returns the status.
func (g *generation) drift(changes []*output.Change, remedy string) int {
	for _, change := range changes {
		g.problems.Add(token.Position{Filename: change.Path}, string(change.State)+": "+remedy)
	}
	return g.report()
}

// plan returns what is to be changed on the disk, or prints why it can't and returns the status.
func (g *generation) plan(ctx context.Context) ([]*output.Change, int) {
	changes, err := g.changes(ctx)
	return changes, g.status(err)
}

// status prints the error or the problems, if there are any, and returns the status.
func (g *generation) status(err error) int {
	switch {
	case err != nil:
		status := g.failed(err)
		g.adviseTidy(err.Error())
		return status
	case g.problems.Len() > 0:
		status := g.report()
		g.adviseTidy(g.problems.Lines(g.dir)...)
		return status
	}
	return OK
}

// report prints the problems, to the standard output where it is for tools to read, and returns the status.
func (g *generation) report() int {
	w := g.stderr
	if g.format != problem.Text {
		w = g.stdout
	}
	if err := g.problems.Print(w, g.format, g.dir); err != nil {
		return g.failed(err)
	}
	if g.problems.Len() > 0 {
		return Problems
	}
	return OK
}

// load loads and checks the packages, in view of what is released. It returns nothing if there are problems.
func (g *generation) load(ctx context.Context) ([]*model.Package, error) {
	g.fset = token.NewFileSet()
	g.problems = problem.NewList(g.fset)
	released := base.New(ctx, g.base)
	defer released.Close()
	released.Prepare(g.dir)
	models, err := g.models(ctx, released)
	if err != nil || g.problems.Len() > 0 {
		return nil, err
	}
	return models, nil
}

// changes takes the packages through all stages but the last, which touches files.
func (g *generation) changes(ctx context.Context) ([]*output.Change, error) {
	models, err := g.load(ctx)
	if err != nil {
		return nil, err
	}
	emitted, err := g.emit(models)
	if err != nil {
		return nil, err
	}
	var changes []*output.Change
	var current []string // folders in which there is nothing to do
	for i, m := range models {
		more, err := g.files(m, emitted[i])
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
		if len(more) == 0 {
			current = append(current, m.Dir)
		}
	}
	if g.problems.Len() == 0 {
		if err := g.cache.Remember(current); err != nil {
			g.logf("remembering what is current: %v", err)
		}
	}
	return changes, nil
}

// models loads the packages and checks them.
func (g *generation) models(ctx context.Context, released *base.Base) ([]*model.Package, error) {
	cfg := load.Config{Dir: g.dir, Patterns: g.patterns, Fset: g.fset, Problems: g.problems, Logf: g.logf}
	if g.cache != nil {
		cfg.Known = func(p *packages.Package) bool {
			commit, ok := released.Commit(p.Dir)
			return ok && g.cache.Known(p, commit)
		}
	}
	loaded, err := load.Load(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var models []*model.Package
	for _, p := range loaded {
		if p.Known {
			continue
		}
		m, err := g.model(p, released)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	if g.problems.Len() == 0 {
		g.logf("checked %d packages", len(models))
	}
	return models, nil
}

// model builds the model of a package, checks it and compares it with the lock.
func (g *generation) model(p *load.Package, released *base.Base) (*model.Package, error) {
	m := &model.Package{Package: p}
	if p.Dir == "" {
		return m, nil
	}
	before := g.problems.Len()
	working, err := lock.Read(p.Dir, g.problems)
	if err != nil {
		return nil, err
	}
	inBase, why, err := released.Released(p.Dir, working)
	if err != nil {
		return nil, err
	}
	frozen := working.Frozen(inBase)
	goldens, err := corpus.Read(working.Dir, g.problems)
	if err != nil {
		return nil, err
	}
	frozenGoldens, err := released.ReleasedCorpus(p.Dir, goldens)
	if err != nil {
		return nil, err
	}
	if len(working.Events)+len(frozen.Events) > 0 {
		g.logf("read the lock of %s: %d events, %d released (%s)", p.Path, len(working.Events), len(frozen.Events), why)
	}
	if p.Types != nil {
		m = model.Build(p, working, frozen, g.problems)
		check.Package(m, g.problems)
		fold.Package(m, g.problems)
	}
	m.Lock, m.Frozen = working, frozen
	m.Corpus, m.FrozenCorpus = goldens, frozenGoldens
	if g.problems.Len() == before {
		g.compare(m)
	}
	return m, nil
}

// emitted is the generated code of a package, nil for one without directives.
type emitted struct{ code, test []byte }

// emit emits the code of all packages, several at a time.
func (g *generation) emit(models []*model.Package) ([]emitted, error) {
	all := make([]emitted, len(models))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range models {
		if m.Dir == "" || m.Types == nil {
			continue
		}
		group.Go(func() (err error) {
			all[i].code, all[i].test, err = emit.Package(m)
			return err
		})
	}
	return all, group.Wait()
}

// files compares the files of a package with the disk.
func (g *generation) files(m *model.Package, e emitted) ([]*output.Change, error) {
	if m.Dir == "" {
		return nil, nil
	}
	if m.Types != nil {
		g.logf("generated %s: %d bytes, tests %d bytes", m.Path, len(e.code), len(e.test))
	}
	var changes []*output.Change
	for _, file := range []struct {
		name    string
		content []byte
	}{{load.GeneratedFile, e.code}, {load.GeneratedTestFile, e.test}} {
		change, err := output.Plan(filepath.Join(m.Dir, file.name), "// "+emit.Header, file.content, g.problems)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, change)
		}
	}
	next := history.Next(m, m.Lock, m.Frozen)
	// The corpus first: its folder must be empty before that of the lock can be removed.
	goldens, locks := map[string][]byte{}, map[string][]byte{}
	for name := range m.Corpus {
		goldens[name] = nil
	}
	for name, f := range corpus.Next(next, m.Lock, m.Corpus, m.FrozenCorpus) {
		goldens[name] = f.Encode()
	}
	more, err := g.folder(corpus.Folder(m.Lock.Dir), goldens)
	if err != nil {
		return nil, err
	}
	changes = append(changes, more...)
	for _, e := range m.Lock.Events {
		locks[filepath.Base(e.Pos.Filename)] = nil
	}
	for _, e := range next.Events {
		locks[lock.FileName(e.Name)] = e.Encode()
	}
	more, err = g.folder(m.Lock.Dir, locks)
	return append(changes, more...), err
}

// folder compares a folder of a package's with what it is to become.
func (g *generation) folder(dir string, contents map[string][]byte) ([]*output.Change, error) {
	var changes []*output.Change
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		change, err := output.PlanIn(dir, name, contents[name], g.problems)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// adviseTidy prints a last line on how to mend a go.mod or go.sum of which lines report that it
// lacks something: likely more than they say.
func (g *generation) adviseTidy(lines ...string) {
	for _, line := range lines {
		if strings.Contains(line, "missing go.sum entry") || strings.Contains(line, "no required module provides package") {
			fmt.Fprintln(g.stderr, "esgen: go.mod or go.sum lacks what is imported: run go mod tidy")
			return
		}
	}
}

func (g *generation) logf(format string, args ...any) {
	if g.verbose {
		fmt.Fprintf(g.stderr, "esgen: %4d ms: %s\n", time.Since(g.started).Milliseconds(), fmt.Sprintf(format, args...))
	}
}
