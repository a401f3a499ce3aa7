package cli

import (
	"context"
	"go/token"

	"github.com/esgen-go/esgen/cmd/esgen/internal/base"
	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

func diffCommand() *command {
	return &command{name: "diff", summary: "judge what has changed in the events since a revision", usage: diffUsage, run: runDiff}
}

func runDiff(ctx context.Context, in *invocation, args []string) int {
	g := newGeneration(in)
	flags := in.flags()
	g.flags(flags)
	flags.Var(&g.format, "format", "")
	revision := flags.String("rev", "", "")
	rolling := flags.Bool("rolling", false, "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	g.patterns = orAll(flags.Args())
	g.fset = token.NewFileSet()
	g.problems = problem.NewList(g.fset)
	changes := problem.NewList(g.fset)
	broken := false
	g.tell = func(f history.Finding) {
		f.Report(changes)
		broken = broken || f.Breaks()
	}
	g.compare = func(m *model.Package) {
		findings := history.Findings(g.fset, m, m.Frozen)
		if *rolling {
			findings = append(findings, history.Rolling(g.fset, m, m.Frozen)...)
		}
		for _, f := range findings {
			g.tell(f)
		}
	}
	released := base.New(ctx, g.base)
	if *revision != "" {
		released = base.At(ctx, *revision)
	}
	defer released.Close()
	released.Prepare(g.dir)
	if _, err := g.models(ctx, released); err != nil {
		return g.failed(err)
	}
	if g.problems.Len() > 0 {
		g.problems.Print(g.stderr, problem.Text, g.dir)
		return Failed
	}
	if err := changes.Print(g.stdout, g.format, g.dir); err != nil {
		return g.failed(err)
	}
	if broken {
		return Problems
	}
	return OK
}

const diffUsage = `esgen diff judges all that has changed in the events of the packages since a revision: what is
safe, what needs a version bump, what needs an upcaster, and what to write. It compares the code
of the working tree with the schema lock (esgen.lock) of the revision, and writes nothing. The
packages are those below the current folder (./...) if none are named.

Usage:

	esgen diff [-rev=revision] [-rolling] [-format=format] [-v] [packages]

Flags:

	-rev=revision   a tag, branch or commit (default: where the branch at hand left the
	                base branch, as for esgen; see -base there)
	-base=branch    as for esgen
	-rolling        judge too what the build of that revision can't read of what this one
	                stores, while both run side by side
	-format=format  text (the default), json or github (annotations of workflows)
	-v              tell what is read, and when
	-h              print this

Exit status:

	0  all changes are safe, or allowed with allow= at the event's directive
	1  there are others
	2  wrong usage, or the packages have problems that must be mended first

Example:

	go tool esgen diff -rev=v1.4.0
`
