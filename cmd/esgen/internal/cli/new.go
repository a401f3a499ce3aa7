package cli

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"path/filepath"

	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/scaffold"
)

func newCommand() *command {
	return &command{name: "new", summary: "write the first files of an aggregate", usage: newUsage, run: runNew}
}

const newUsage = `esgen new writes the first files of an aggregate, and generates its code.

Usage:

	esgen new [-n] [-name category] folder

The folder's last element names the package, the state struct and the stream
category: order_line gives package orderline with OrderLine. It writes

	order_line/orderline.go       the state, two events, two commands, errors
	order_line/orderline_test.go  their tests, which pass
	order_line/es_gen.go, …       what esgen writes, with the lock of the events
	go.mod, go.sum                what the package imports, if they lack it

to a folder without Go files, in a module that esgen init has made ready. Nothing is
ever overwritten; if anything fails, nothing stays.

Flags:

	-n              write nothing; tell what would be written
	-name category  another stream category than the folder's name
	-h              print this

Exit status:

	0  done
	1  the module's code keeps esgen from generating: problems, one a line
	2  the name can't be used, there is something there already, or esgen couldn't do its work

Examples:

	go tool esgen new account
	go tool esgen new -name sales_order ./internal/sales/order
`

func runNew(ctx context.Context, in *invocation, args []string) int {
	flags := in.flags()
	dry := flags.Bool("n", false, "")
	category := flags.String("name", "", "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	if flags.NArg() != 1 {
		return in.misused("name one folder, such as account")
	}
	dir := flags.Arg(0)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(in.dir, dir)
	}
	names, err := scaffold.ParseName(filepath.Base(dir), *category)
	if err != nil {
		return in.failed(err)
	}
	module, err := scaffold.FindModule(ctx, dir)
	if err != nil {
		return in.failed(err)
	}
	if !module.HasTool() {
		return in.failed(fmt.Errorf("module %s doesn't have esgen as a tool: run esgen init first", module.Path))
	}
	files, err := scaffold.Aggregate(module, dir, names)
	if err != nil {
		return in.failed(err)
	}
	if other := categories(ctx, module.Dir)[names.Category]; other != "" {
		return in.failed(fmt.Errorf("%s has the category %q already, and would share its streams: give another one with -name", other, names.Category))
	}
	if *dry {
		for _, f := range files {
			fmt.Fprintf(in.stdout, "would write %s\n", problem.Relative(in.dir, f.Path))
		}
		return OK
	}
	return in.scaffold(ctx, module, dir, names, files)
}

// scaffold writes the files and generates the code, or leaves nothing. What the new package imports may be
// more than go.mod tells of; without that it can't be read.
func (in *invocation) scaffold(ctx context.Context, module *scaffold.Module, dir string, names scaffold.Names, files []scaffold.File) int {
	undo, err := scaffold.Write(files)
	if err != nil {
		return in.failed(err)
	}
	if !module.Vendored() && scaffold.Untidy(ctx, dir) {
		restore, err := module.Tidy(ctx)
		if err != nil {
			return in.undone(in.failed(fmt.Errorf("completing go.mod: %w", err)), undo)
		}
		remove := undo
		undo = func() error { return errors.Join(remove(), restore()) }
	}
	// The folder's own, so that the problems of other packages don't count.
	g := newGeneration(&invocation{in.command, dir, in.stdout, in.stderr})
	changes, status := g.plan(ctx)
	if status == OK {
		status = g.apply(changes)
	}
	if status != OK {
		return in.undone(status, undo)
	}
	for _, f := range files {
		fmt.Fprintf(in.stdout, "wrote %s\n", problem.Relative(in.dir, f.Path))
	}
	for _, change := range changes {
		fmt.Fprintf(in.stdout, "wrote %s\n", problem.Relative(in.dir, change.Path))
	}
	folder := problem.Relative(in.dir, dir)
	tidy := ""
	if scaffold.Untidy(ctx, dir) {
		tidy = "	go mod tidy\n"
	}
	fmt.Fprintf(in.stdout, `
Next:

%[3]s	go test ./%[1]s
	make %[2]s.go your own; then go generate ./%[1]s
	in your program: store, err := sqlite.Open(ctx, "app.db")
	                 repo := %[2]s.NewRepository(store)
`, filepath.ToSlash(folder), names.Package, tidy)
	return OK
}

// undone takes back what was written, and returns the status that led to that.
func (in *invocation) undone(status int, undo func() error) int {
	if err := undo(); err != nil {
		return in.failed(err)
	}
	fmt.Fprintln(in.stderr, "esgen: nothing was written")
	return status
}

// categories returns which aggregate in the packages below dir has which category, as far as they can
// be read.
func categories(ctx context.Context, dir string) map[string]string {
	found := map[string]string{}
	fset := token.NewFileSet()
	problems := problem.NewList(fset)
	loaded, err := load.Load(ctx, load.Config{
		Dir: dir, Patterns: []string{"./..."}, Fset: fset, Problems: problems, Logf: func(string, ...any) {},
	})
	if err != nil {
		return found // such as no packages at all
	}
	for _, p := range loaded {
		if p.Types == nil {
			continue
		}
		for _, a := range model.Build(p, &lock.Lock{}, &lock.Lock{}, problems).Aggregates {
			found[a.Category] = p.Path + "." + a.Go
		}
	}
	return found
}
