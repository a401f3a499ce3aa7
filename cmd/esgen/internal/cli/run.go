// Package cli is the command line of esgen: one file a command, with what it prints as its help.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// The exit statuses.
const (
	OK       = 0
	Problems = 1 // in the packages; of a check also drift
	Failed   = 2 // wrong usage, or something that has nothing to do with the packages' code
)

// command is what the first argument can name.
type command struct {
	name    string
	summary string // a few words, for the list of commands
	usage   string // the help
	run     func(context.Context, *invocation, []string) int
}

// generator is what runs where no command is named.
func generator() *command { return &command{usage: usage, run: runGenerate} }

// commands returns all that have a name, in the order of the help.
func commands() []*command {
	return []*command{
		checkCommand(),
		diffCommand(),
		docsCommand(),
		initCommand(),
		newCommand(),
		helpCommand(),
		vetCommand(),
	}
}

// find returns the command of that name, nil if there is none.
func find(name string) *command {
	all := commands()
	if i := slices.IndexFunc(all, func(c *command) bool { return c.name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// invocation is one call of esgen.
type invocation struct {
	*command
	dir            string
	stdout, stderr io.Writer
}

// Run runs esgen in dir with the command line's arguments and returns the exit status. A first
// argument that is the name of a command is that command; a package of such a name is ./name.
func Run(ctx context.Context, dir string, args []string, stdout, stderr io.Writer) int {
	in := &invocation{generator(), dir, stdout, stderr}
	if len(args) > 0 {
		if c := find(args[0]); c != nil {
			in.command, args = c, args[1:]
		}
	}
	return in.run(ctx, in, args)
}

// flags returns an empty set of flags, for parse.
func (in *invocation) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(in.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors and help are printed by parse
	return flags
}

// parse parses the arguments. The command is done, with that status, if they ask for help or are wrong.
func (in *invocation) parse(flags *flag.FlagSet, args []string) (status int, done bool) {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		in.help()
		return OK, true
	case err != nil:
		return in.misused("%v", err), true
	}
	return OK, false
}

// misused prints what is wrong with the arguments and where to read on, and returns the status.
func (in *invocation) misused(format string, args ...any) int {
	call := "esgen"
	if in.name != "" {
		call += " " + in.name
	}
	fmt.Fprintf(in.stderr, "%s: %s\nRun '%[1]s -h' for the usage.\n", call, fmt.Sprintf(format, args...))
	return Failed
}

// failed prints an error and returns the status.
func (in *invocation) failed(err error) int {
	fmt.Fprintf(in.stderr, "esgen: %v\n", err)
	return Failed
}
