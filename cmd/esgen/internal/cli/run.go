// Package cli is the command line of esgen.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/token"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/esgen-go/esgen/cmd/esgen/internal/base"
	"github.com/esgen-go/esgen/cmd/esgen/internal/check"
	"github.com/esgen-go/esgen/cmd/esgen/internal/emit"
	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/output"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// The exit statuses.
const (
	OK       = 0
	Problems = 1 // in the packages; with -check also drift
	Failed   = 2 // wrong usage, or something that has nothing to do with the packages' code
)

// command is one run.
type command struct {
	dir            string
	patterns       []string
	check, verbose bool
	baseName       string
	stderr         io.Writer
	started        time.Time
	problems       *problem.List
}

// Run runs esgen in dir with the command line's arguments and returns the exit status.
func Run(ctx context.Context, dir string, args []string, stdout, stderr io.Writer) int {
	c := &command{dir: dir, stderr: stderr, started: time.Now()}
	flags := flag.NewFlagSet("esgen", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors and help are printed here
	flags.BoolVar(&c.check, "check", false, "")
	flags.BoolVar(&c.verbose, "v", false, "")
	flags.StringVar(&c.baseName, "base", os.Getenv(base.Variable), "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return OK
	} else if err != nil {
		fmt.Fprintf(stderr, "esgen: %v\nRun 'esgen -h' for the usage.\n", err)
		return Failed
	}
	c.patterns = flags.Args()

	changes, err := c.generate(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "esgen: %v\n", err)
		c.adviseTidy(err.Error())
		return Failed
	case c.problems.Len() > 0:
		lines := c.problems.Lines(dir)
		for _, line := range lines {
			fmt.Fprintln(stderr, line)
		}
		c.adviseTidy(lines...)
		return Problems
	case c.check:
		return c.report(changes)
	}
	if err := output.Apply(changes); err != nil {
		fmt.Fprintf(stderr, "esgen: %v\n", err)
		return Failed
	}
	for _, change := range changes {
		verb := "wrote"
		if change.Content == nil {
			verb = "removed"
		}
		c.logf("%s %s (was %s)", verb, problem.Relative(dir, change.Path), change.State)
	}
	c.logf("done: %d files changed", len(changes))
	return OK
}

// generate takes the packages through all stages but the last, which touches files.
func (c *command) generate(ctx context.Context) ([]*output.Change, error) {
	fset := token.NewFileSet()
	c.problems = problem.NewList(fset)
	released := base.New(ctx, c.baseName)
	defer released.Close()
	released.Prepare(c.dir)
	loaded, err := load.Load(ctx, load.Config{
		Dir: c.dir, Patterns: c.patterns, Fset: fset, Problems: c.problems, Logf: c.logf,
	})
	if err != nil {
		return nil, err
	}
	var models []*model.Package
	for _, p := range loaded {
		m, err := c.model(p, released)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	if c.problems.Len() > 0 {
		return nil, nil
	}
	c.logf("checked %d packages", len(models))
	var changes []*output.Change
	for _, m := range models {
		more, err := c.plan(m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}

// model builds the model of a package, checks it and compares it with the lock.
func (c *command) model(p *load.Package, released *base.Base) (*model.Package, error) {
	m := &model.Package{Package: p}
	if p.Dir == "" {
		return m, nil
	}
	before := c.problems.Len()
	working, err := lock.Read(p.Dir, c.problems)
	if err != nil {
		return nil, err
	}
	inBase, why, err := released.Released(p.Dir, working)
	if err != nil {
		return nil, err
	}
	frozen := working.Frozen(inBase)
	if len(working.Events)+len(frozen.Events) > 0 {
		c.logf("read the lock of %s: %d events, %d released (%s)", p.Path, len(working.Events), len(frozen.Events), why)
	}
	if p.Types != nil {
		m = model.Build(p, working, frozen, c.problems)
		check.Package(m, c.problems)
	}
	m.Lock, m.Frozen = working, frozen
	if c.problems.Len() == before {
		history.Check(m, frozen, why, c.problems)
	}
	return m, nil
}

// plan emits the files of a package and compares them with the disk.
func (c *command) plan(m *model.Package) ([]*output.Change, error) {
	if m.Dir == "" {
		return nil, nil
	}
	var code, test []byte
	if m.Types != nil {
		var err error
		if code, test, err = emit.Package(m); err != nil {
			return nil, err
		}
		c.logf("generated %s: %d bytes, tests %d bytes", m.Path, len(code), len(test))
	}
	var changes []*output.Change
	for _, file := range []struct {
		name    string
		content []byte
	}{{load.GeneratedFile, code}, {load.GeneratedTestFile, test}} {
		change, err := output.Plan(filepath.Join(m.Dir, file.name), "// "+emit.Header, file.content, c.problems)
		if err != nil {
			return nil, err
		}
		if change != nil {
			changes = append(changes, change)
		}
	}
	locks, err := c.planLock(m)
	return append(changes, locks...), err
}

// planLock compares the lock of a package with what it is to become.
func (c *command) planLock(m *model.Package) ([]*output.Change, error) {
	contents := map[string][]byte{}
	for _, e := range m.Lock.Events {
		contents[filepath.Base(e.Pos.Filename)] = nil
	}
	for _, e := range history.Next(m, m.Lock, m.Frozen).Events {
		contents[lock.FileName(e.Name)] = e.Encode()
	}
	var changes []*output.Change
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		change, err := output.PlanIn(m.Lock.Dir, name, contents[name], c.problems)
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
func (c *command) adviseTidy(lines ...string) {
	for _, line := range lines {
		if strings.Contains(line, "missing go.sum entry") || strings.Contains(line, "no required module provides package") {
			fmt.Fprintln(c.stderr, "esgen: go.mod or go.sum lacks what is imported: run go mod tidy")
			return
		}
	}
}

// report prints what is not as esgen would leave it.
func (c *command) report(changes []*output.Change) int {
	for _, change := range changes {
		fmt.Fprintf(c.stderr, "%s: %s: run esgen (go generate)\n", problem.Relative(c.dir, change.Path), change.State)
	}
	if len(changes) > 0 {
		return Problems
	}
	return OK
}

func (c *command) logf(format string, args ...any) {
	if c.verbose {
		fmt.Fprintf(c.stderr, "esgen: %4d ms: %s\n", time.Since(c.started).Milliseconds(), fmt.Sprintf(format, args...))
	}
}
