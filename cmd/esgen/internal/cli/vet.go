package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/esgen-go/esgen/vet"
)

func vetCommand() *command {
	return &command{name: "vet", summary: "find code that loses history, or makes a replay differ", usage: vetUsage(), run: runVet}
}

// runVet has the go command run the analyzers: it knows the packages, and remembers those that didn't change.
func runVet(ctx context.Context, in *invocation, args []string) int {
	for _, arg := range args {
		if arg == "-h" || arg == "-help" || arg == "--help" {
			in.help()
			return OK
		}
	}
	tool, err := os.Executable()
	if err != nil {
		return in.failed(fmt.Errorf("finding esgen's own file, for go vet: %w", err))
	}
	run := func(args []string) int {
		cmd := exec.CommandContext(ctx, "go", append([]string{"vet", "-vettool=" + tool}, args...)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = in.dir, in.stdout, in.stderr
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == Problems {
			return Problems
		} else if err != nil {
			return in.failed(fmt.Errorf("running go vet: %w", err))
		}
		return OK
	}
	status := run(args)
	isFix := func(arg string) bool {
		return slices.Contains([]string{"-fix", "--fix", "-fix=true", "--fix=true"}, arg)
	}
	if status == OK && slices.ContainsFunc(args, isFix) {
		// With -fix, go vet says nothing of what it has no fix for.
		return run(slices.DeleteFunc(slices.Clone(args), isFix))
	}
	return status
}

// IsVetTool reports whether the command line is that of the go command, which runs esgen as the tool of go vet.
func IsVetTool(args []string) bool {
	if len(args) == 1 && (strings.HasPrefix(args[0], "-V") || args[0] == "-flags") {
		return true
	}
	return len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".cfg")
}

// VetTool is esgen as the tool of go vet. It doesn't return.
func VetTool() { unitchecker.Main(vet.Analyzers()...) }

func vetUsage() string {
	var b strings.Builder
	b.WriteString(`esgen vet finds code that compiles and still loses history, or makes a replay differ
from what happened.

Usage:

	esgen vet [flags] [packages]

It is the same as go vet -vettool=$(go tool -n esgen), whose flags it takes, without the
go command's own analyzers. The packages must compile: run esgen first.

Flags:

	-NAME         run this analyzer alone, or with other such flags these
	-NAME=false   leave this analyzer out
	-fix          make the suggested fixes (-diff: print them), and print what is left
	-json         print JSON
	-h            print this

A comment at the line of a finding, or on the line above, says why it is to be ignored:

	//esgen:ignore NAME REASON

Exit status:

	0  nothing was found
	1  something was, one a line as file:line:col: message, or a package doesn't compile
	2  wrong usage, or go vet couldn't do its work

Analyzers:
`)
	for _, a := range vet.Analyzers() {
		doc := strings.ReplaceAll(strings.TrimSpace(a.Doc), "\n", "\n\t")
		fmt.Fprintf(&b, "\n%s\n\n\t%s\n", a.Name, strings.ReplaceAll(doc, "\n\t\n", "\n\n"))
	}
	return b.String()
}
