// Package cli is the bank's command line: it reads arguments, calls package bank, and prints.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

// The exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreadable  = 3
	exitInterrupted = 130
)

const about = `Bank keeps the accounts of a small bank in an event store: what happens to an
account is appended to its history and never changed.

Try this:

  bank demo
  bank open alice --owner "Alice Ada" --currency EUR
  bank deposit alice 100 EUR --note salary
  bank statement alice`

const environment = `
Environment:
  BANK_STORE  the store, where --store is not given

Exit status:
  0    done
  1    refused by the bank's rules, failed, or (verify) something is wrong
  2    wrong usage: what the arguments alone show, such as an amount of zero
  3    the import went through, but rows could not be read or used an id of others
  130  interrupted; what was done until then stays done
`

// Run runs the command line and returns the exit status. It stops cleanly when the context ends.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	app := &app{in: in, out: &output{Writer: out}, errs: errs}
	root := app.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(app.out)
	root.SetErr(errs)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = app.out.failed
	}
	if err == nil {
		return exitDone
	}
	var usage *usageError
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(errs, "bank: %v\n", exit.err)
		}
		return exit.status
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "bank: %v\nSee '%s --help'.\n", err, command.CommandPath())
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "bank: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(errs, "bank: %v\n", err)
		return exitFailed
	}
}

// exitError ends the process with a status of its own; without err nothing more is printed.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// output is what a command prints. It remembers that some of it could not be written, which makes the
// command fail: what is kept of it is not whole.
type output struct {
	io.Writer
	failed error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.failed == nil {
		o.failed = fmt.Errorf("not all of the output could be written: %w", err)
	}
	return n, err
}

// app is what all commands share.
type app struct {
	in    io.Reader
	out   *output
	errs  io.Writer
	store string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "bank",
		Short:         "The accounts of a small bank in an event store",
		Long:          about,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknown(cmd, args[0])
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := bank.CheckStoreName(a.store); err != nil {
				return &usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(root.UsageTemplate() + "{{if not .HasParent}}" + environment + "{{end}}")
	root.SetFlagErrorFunc(flagError)
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&a.store, "store", cmp.Or(os.Getenv("BANK_STORE"), "bank.db"), "the `file` that holds the bank, a postgres:// URL, or memory: for none")
	root.AddGroup(
		&cobra.Group{ID: "move", Title: "Accounts and money:"},
		&cobra.Group{ID: "look", Title: "Looking:"},
		&cobra.Group{ID: "more", Title: "More:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			c.DisableFlagsInUseLine = true
			root.AddCommand(c)
		}
	}
	add("move", a.open(), a.deposit(), a.withdraw(), a.transfer(), a.close(), a.importFile(), a.send(), a.answer())
	add("look", a.accounts(), a.balances(), a.statement(), a.history(), a.verify(), a.outgoing(), a.audit(), a.watch())
	add("more", a.demo(), a.simulate(), a.work(), a.rebuild())
	root.SetHelpCommand(help(root))
	return root
}

// help is the command that cobra has by default, but for a word about a command that there is not.
func help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:                   "help [COMMAND]",
		Short:                 "Show what a command does and takes",
		GroupID:               "more",
		DisableFlagsInUseLine: true,
		Args:                  arguments(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknown(root, args[0])
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// logger tells of what the toolkit gets over, on the error stream.
func (a *app) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.errs, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// with opens the bank for a command.
func (a *app) with(ctx context.Context, create bool, f func(*bank.Bank) error) (err error) {
	store, err := bank.OpenStore(ctx, a.store, create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(bank.New(store, func(err error) { fmt.Fprintf(a.errs, "bank: warning: %v\n", err) }))
}
