package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// usageError is a mistake that the arguments alone show, whatever the store holds.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func misused(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// arguments checks the number of arguments against the usage line.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return misused("write: %s", cmd.UseLine())
		}
		return nil
	}
}

// onAccount is arguments(1, 1) of a command whose argument is an account.
func onAccount(cmd *cobra.Command, args []string) error {
	if err := arguments(1, 1)(cmd, args); err != nil {
		return err
	}
	return checkAccount(args[0])
}

func checkAccount(id string) error {
	if err := operation.CheckID(id); err != nil {
		return misused("account id %.60q: %w", id, err)
	}
	return nil
}

// checkRequest refuses what the bank would refuse whatever its accounts are like.
func checkRequest(r operation.Request) error {
	for _, id := range r.Accounts() {
		if err := checkAccount(id); err != nil {
			return err
		}
	}
	switch r.Kind {
	case operation.Open:
		if r.Overdraft.Minor < 0 {
			return misused("the overdraft limit must not be negative, as %s is", r.Overdraft)
		}
	case operation.Transfer:
		if r.To == r.Account {
			return misused("sender and receiver are the same account, %s", r.To)
		}
		fallthrough
	case operation.Deposit, operation.Withdraw:
		if r.Amount.Minor <= 0 {
			return notPositive(r.Amount)
		}
	}
	return nil
}

func notPositive(amount any) error {
	return misused("the amount must be more than zero, not %v", amount)
}

// amount reads an amount, which may come as one argument or as two.
func amount(args []string) (money.Amount, error) {
	m, err := money.Parse(strings.Join(args, " "))
	if err != nil {
		return m, &usageError{err}
	}
	return m, nil
}

var (
	negative = regexp.MustCompile(`^unknown shorthand flag: .* in (-\.?[0-9].*)$`)
	flagName = regexp.MustCompile(`(--[a-z-]+)" flag: `)
)

// flagError explains a mistake in the flags.
func flagError(_ *cobra.Command, err error) error {
	number, ok := errors.AsType[*strconv.NumError](err)
	name := flagName.FindStringSubmatch(err.Error())
	if !ok || name == nil {
		return &usageError{err}
	}
	want := "write a whole number"
	switch {
	case number.Func == "ParseBool":
		want = "write true or false"
	case errors.Is(number, strconv.ErrRange):
		want = "the number is too large"
	case number.Func == "ParseUint":
		want = "write a whole number, 0 or more"
	}
	return misused("%s %q: %s", name[1], number.Num, want)
}

// paymentFlagError is flagError for commands with an amount: a negative one looks like a flag.
func paymentFlagError(cmd *cobra.Command, err error) error {
	if m := negative.FindStringSubmatch(err.Error()); m != nil {
		return notPositive(m[1])
	}
	return flagError(cmd, err)
}

// unknown tells that there is no such command.
func unknown(root *cobra.Command, name string) error {
	near := ""
	if names := root.SuggestionsFor(name); len(names) > 0 {
		near = ": did you mean " + strings.Join(names, " or ") + "?"
	}
	return misused("there is no command %q%s", name, near)
}
