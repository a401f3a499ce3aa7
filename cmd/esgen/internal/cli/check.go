package cli

import (
	"context"

	"github.com/esgen-go/esgen/cmd/esgen/internal/history"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
)

func checkCommand() *command {
	return &command{name: "check", summary: "tell what is not as esgen would leave it", usage: checkUsage, run: runCheck}
}

func runCheck(ctx context.Context, in *invocation, args []string) int {
	g := newGeneration(in)
	flags := in.flags()
	g.flags(flags)
	flags.Var(&g.format, "format", "")
	rolling := flags.Bool("rolling", false, "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	g.patterns = orAll(flags.Args())
	if *rolling {
		g.compare = g.rolling
	}
	return g.check(ctx)
}

// rolling reports too what the released build can't read of what this one stores.
func (g *generation) rolling(m *model.Package) {
	g.breaking(m)
	for _, f := range history.Rolling(g.fset, m, m.Frozen) {
		if f.Breaks() {
			f.Report(g.problems)
		}
	}
}

const checkUsage = `esgen check tells which generated files are missing, stale or orphaned, which changes to
released events would break what is stored, and which released goldens were rewritten. It writes nothing.

Usage:

	esgen check [-rolling] [-base=branch] [-format=format] [-v] [packages]

Without flags it is the same as esgen -check. The packages are those below the current folder
(./...) if none are named.

A change is judged against every version in the schema lock of the base branch. It is
told at its line, with a rule's name, the event, the field's path in the JSON text, and what to write:

	order.go:9:2: EVENT_FIELD_NARROWED order.placed items[].quantity int64→int32 (locked in v2): …

The rules are in docs/guides/schema-evolution.md. A change that is meant all the same is allowed
by the rule and the path, at the directive of the event:

	//esgen:event version=2 allow=EVENT_ENUM_VALUE_REMOVED:status

An exception is for one change. Once it is released it allows no other, and can go.

Flags:

	-rolling        tell too what the released build can't read of what this one stores,
	                while both run side by side, and what to deploy first
	-base=branch    as for esgen
	-format=format  text (the default, to the standard error), json or github (annotations
	                of workflows), to the standard output
	-v              tell what is read, and when
	-h              print this

Exit status:

	0  everything is current, and no change breaks what is stored
	1  something is not, or the packages have problems, one a line as
	   file:line:col: message
	2  wrong usage, or esgen couldn't do its work

Example:

	go tool esgen check   in CI
`
