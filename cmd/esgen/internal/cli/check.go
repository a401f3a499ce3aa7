package cli

import "context"

func checkCommand() *command {
	return &command{name: "check", summary: "tell what is not as esgen would leave it", usage: checkUsage, run: runCheck}
}

func runCheck(ctx context.Context, in *invocation, args []string) int {
	g := newGeneration(in)
	flags := in.flags()
	g.flags(flags)
	if status, done := in.parse(flags, args); done {
		return status
	}
	g.patterns = flags.Args()
	return g.check(ctx)
}

const checkUsage = `esgen check tells which generated files are missing, stale or orphaned. It writes nothing.

Usage:

	esgen check [-base=branch] [-v] [packages]

It is the same as esgen -check. The packages are named as for the go command, such
as . (the default) or ./...

Flags:

	-base=branch  as for esgen
	-v            tell what is read, and when
	-h            print this

Exit status:

	0  everything is current
	1  something is not current, or the packages have problems, one a line as
	   file:line:col: message
	2  wrong usage, or esgen couldn't do its work

Example:

	go tool esgen check ./...   in CI
`
