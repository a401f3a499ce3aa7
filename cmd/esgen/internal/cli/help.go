package cli

import (
	"context"
	"fmt"
	"strings"
)

func helpCommand() *command {
	return &command{name: "help", summary: "print what a command does", usage: helpUsage, run: runHelp}
}

const helpUsage = `esgen help prints what a command does, or with no command's name, what esgen does.

Usage:

	esgen help [command]
`

func runHelp(_ context.Context, in *invocation, args []string) int {
	flags := in.flags()
	if status, done := in.parse(flags, args); done {
		return status
	}
	switch flags.NArg() {
	case 0:
		in.command = generator()
	case 1:
		c := find(flags.Arg(0))
		if c == nil {
			return in.misused("there is no command %q", flags.Arg(0))
		}
		in.command = c
	default:
		return in.misused("one command at a time")
	}
	in.help()
	return OK
}

// help prints the command's help: of esgen itself, with the list of commands.
func (in *invocation) help() {
	fmt.Fprint(in.stdout, in.usage)
	if in.name != "" {
		return
	}
	var list strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&list, "\tesgen %-6s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(in.stdout, "\nCommands, each with its own help (esgen help check):\n\n%s", list.String())
}
