package cli

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/scaffold"
)

func initCommand() *command {
	return &command{name: "init", summary: "make a module ready for esgen", usage: initUsage, run: runInit}
}

const initUsage = `esgen init makes a module ready for esgen.

Usage:

	esgen init [-n]

In the module that the current folder is in it adds what is missing of

	go.mod          esgen as a tool, so that go tool esgen runs the esgen of go.mod and
	                everybody generates with the same one; then it runs go mod tidy
	.gitattributes  lines that mark generated code, which reviews then fold away

and prints what to run in CI. Done twice, it changes nothing more.

Flags:

	-n  change nothing; tell what would be changed
	-h  print this

Exit status:

	0  done, or there was nothing to do
	2  wrong usage, no module here, or the go command couldn't get esgen

Example:

	go run github.com/esgen-go/esgen/cmd/esgen@latest init
`

func runInit(ctx context.Context, in *invocation, args []string) int {
	flags := in.flags()
	dry := flags.Bool("n", false, "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	if flags.NArg() > 0 {
		return in.misused("it takes no arguments: change to the module's folder")
	}
	module, err := scaffold.FindModule(ctx, in.dir)
	if err != nil {
		return in.failed(err)
	}
	if err := in.addTool(ctx, module, *dry); err != nil {
		return in.failed(err)
	}
	if err := in.addAttributes(module, *dry); err != nil {
		return in.failed(err)
	}
	fmt.Fprint(in.stdout, `
In CI, beside go vet and go test:

	go tool esgen check
	go tool esgen vet ./...

Next: go tool esgen new account
`)
	return OK
}

func (in *invocation) addTool(ctx context.Context, module *scaffold.Module, dry bool) error {
	commands := module.ToolCommands(ownVersion())
	if len(commands) == 0 {
		fmt.Fprintln(in.stdout, "go.mod has the tool already")
	}
	for _, args := range commands {
		verb := "ran"
		if dry {
			verb = "would run"
		} else if err := module.Go(ctx, args...); err != nil {
			return fmt.Errorf("adding the tool to go.mod: %w", err)
		}
		fmt.Fprintf(in.stdout, "go.mod: %s go %s\n", verb, strings.Join(args, " "))
	}
	if module.Vendored() && len(commands) > 0 && !dry {
		fmt.Fprintln(in.stdout, "vendor: run go mod vendor once a package imports esgen's")
	}
	return nil
}

func (in *invocation) addAttributes(module *scaffold.Module, dry bool) error {
	file, missing, err := module.Attributes()
	if err != nil {
		return err
	}
	name := problem.Relative(in.dir, file.Path)
	if len(missing) == 0 {
		fmt.Fprintf(in.stdout, "%s has its lines already\n", name)
		return nil
	}
	verb := "added"
	if dry {
		verb = "would add"
	} else if err := os.WriteFile(file.Path, file.Content, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s: %s %s\n", name, verb, strings.Join(missing, ", "))
	return nil
}

// ownVersion returns the release of this esgen, "latest" if it isn't one.
func ownVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && semver.IsValid(info.Main.Version) && semver.Prerelease(info.Main.Version) == "" && semver.Build(info.Main.Version) == "" {
		return info.Main.Version
	}
	return "latest"
}
