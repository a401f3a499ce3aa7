// Package cli is the bank's command line: it reads arguments, calls package bank, and prints.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/money"
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
  2    wrong usage
  3    the import went through, but rows could not be read or used an id of others
  130  interrupted; what was done until then stays done
`

// Run runs the command line and returns the exit status. It stops cleanly when the context ends.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	app := &app{in: in, out: out, errs: errs}
	root := app.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	command, err := root.ExecuteContextC(ctx)
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

// usageError is a mistake in the arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func misused(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitError ends the process with a status of its own; without err nothing more is printed.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// app is what all commands share.
type app struct {
	in        io.Reader
	out, errs io.Writer
	store     string
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
			return misused("there is no command %q%s", args[0], suggest(cmd.SuggestionsFor(args[0])))
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
	add("move", a.open(), a.deposit(), a.withdraw(), a.transfer(), a.close(), a.importFile())
	add("look", a.accounts(), a.statement(), a.history(), a.verify())
	add("more", a.demo(), a.simulate())
	return root
}

func suggest(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

var negative = regexp.MustCompile(`in (-[0-9.]+)$`)

// flagError explains a mistake in the flags, among them a negative amount, which looks like one.
func flagError(_ *cobra.Command, err error) error {
	if m := negative.FindStringSubmatch(err.Error()); m != nil {
		return misused("the amount must be more than zero, not %s", m[1])
	}
	return &usageError{err}
}

// arguments checks the number of arguments against the usage line.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return misused("write: %s", cmd.UseLine())
		}
		return nil
	}
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

// amount reads an amount, which may come as one argument or as two.
func amount(args []string) (money.Amount, error) {
	m, err := money.Parse(strings.Join(args, " "))
	if err != nil {
		return m, &usageError{err}
	}
	return m, nil
}
