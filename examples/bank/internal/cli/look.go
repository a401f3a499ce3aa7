package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

func (a *app) accounts() *cobra.Command {
	var after string
	var limit int
	cmd := &cobra.Command{
		Use:   "accounts [--limit N] [--after ACCOUNT]",
		Short: "List the accounts, a page at a time",
		Example: `  bank accounts
  bank accounts --limit 20 --after alice`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return misused("--limit %d: it must be 1 or more", limit)
			}
			if after != "" {
				if err := checkAccount(after); err != nil {
					return err
				}
			}
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				t := newTable("ACCOUNT", "OWNER", ">BALANCE", ">OVERDRAFT LIMIT", ">VERSION", "STATE")
				last := ""
				for acc, err := range b.Accounts(cmd.Context(), after, limit+1) {
					if err != nil {
						return err
					}
					if len(t.rows) == limit { // there is one more
						defer fmt.Fprintf(a.out, "\nThere are more: --after %s goes on.\n", last)
						break
					}
					last = acc.ID()
					t.add(acc.ID(), acc.Owner, acc.Money(acc.Balance), acc.Money(acc.Overdraft), acc.Version(), state(acc))
				}
				switch {
				case last != "":
					t.print(a.out)
				case after != "":
					fmt.Fprintf(a.out, "No accounts after %s.\n", after)
				default:
					fmt.Fprintln(a.out, "No accounts.")
				}
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "list `n` accounts at most")
	cmd.Flags().StringVar(&after, "after", "", "list those after this `account`")
	return cmd
}

func state(a *account.Account) string {
	if a.Closed {
		return "closed"
	}
	return "open"
}

func (a *app) statement() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use:   "statement ACCOUNT [--last N]",
		Short: "Show what happened to an account, with the balance after each entry",
		Long: `Show what happened to an account, with the balance after each entry. What older
builds stored in another form is shown as it is read today, and STORED AS tells the
form; an event that became several has parts, such as 2.1 and 2.2.`,
		Example: `  bank statement alice
  bank statement alice --last 10`,
		Args: onAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 0 {
				return misused("--last %d: it must not be negative", last)
			}
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				t := newTable(">VERSION", "TIME", "WHAT", "COUNTERPARTY", "NOTE", ">AMOUNT", ">BALANCE", "STORED AS")
				for entry, err := range b.Statement(cmd.Context(), args[0]) {
					if err != nil {
						return err
					}
					addEntry(t, entry)
					if last > 0 && len(t.rows) > last {
						t.rows = t.rows[1:]
					}
				}
				t.print(a.out)
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "show the last `n` entries; 0 shows all")
	return cmd
}

func addEntry(t *table, e bank.Entry) {
	version := fmt.Sprint(e.Stored.Version)
	if e.Parts > 1 {
		version = fmt.Sprintf("%d.%d", e.Stored.Version, e.Part)
	}
	var what, counterparty, note, amount string
	signed := func(minor int64) string {
		m := e.Balance
		m.Minor = minor
		if minor > 0 {
			return "+" + m.String()
		}
		return m.String()
	}
	switch event := e.Event.(type) {
	case account.Opened:
		what, note = "opened", "for "+event.Owner
	case account.Deposited:
		what, note, amount = "deposit", event.Note, signed(event.Amount)
	case account.Withdrawn:
		what, note, amount = "withdrawal", event.Note, signed(-event.Amount)
	case account.TransferSent:
		what, counterparty, note, amount = "transfer", "to "+event.To, event.Note, signed(-event.Amount)
	case account.TransferReceived:
		what, counterparty, note, amount = "transfer", "from "+event.From, event.Note, signed(event.Amount)
	case account.Closed:
		what = "closed"
	case nil:
		what = "(nothing)"
	}
	stored := ""
	if e.Upcast {
		stored = fmt.Sprintf("%s v%d", e.Stored.Type, e.Stored.Schema)
	}
	t.add(version, timestamp(e.Stored.RecordedAt), what, counterparty, note, amount, e.Balance, stored)
}

func (a *app) history() *cobra.Command {
	var version int64
	var at string
	cmd := &cobra.Command{
		Use:   "history ACCOUNT (--version N | --at TIME)",
		Short: "Show an account as it was",
		Long:  "Show an account as it was at a version or at a time. bank statement tells which there are.",
		Example: `  bank history alice --version 3
  bank history alice --at 2026-06-30T23:59:59Z
  bank history alice --at 2026-06-30
  bank history alice --at 10m  # ten minutes ago`,
		Args: onAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			var t time.Time
			switch versioned, timed := cmd.Flags().Changed("version"), cmd.Flags().Changed("at"); {
			case versioned == timed:
				return misused("say either --version N or --at TIME")
			case versioned && version < 1:
				return misused("--version %d: versions start at 1", version)
			case timed:
				var err error
				if t, err = parseTime(at, time.Now()); err != nil {
					return err
				}
			}
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				var acc *account.Account
				var err error
				var words string
				switch now := time.Now(); {
				case t.IsZero():
					words = fmt.Sprintf("as it was at version %d", version)
					acc, err = b.At(cmd.Context(), args[0], es.Version(version))
				case t.After(now):
					words = "as it is now, since " + timestamp(t) + " is still to come"
					acc, err = b.Account(cmd.Context(), args[0])
				default:
					words = "as it was at " + timestamp(t)
					acc, err = b.AsOf(cmd.Context(), args[0], t)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "Account %s %s:\n\n", acc.ID(), words)
				for _, line := range [][2]any{
					{"owner", printable(acc.Owner)},
					{"balance", acc.Money(acc.Balance)},
					{"overdraft limit", acc.Money(acc.Overdraft)},
					{"state", state(acc)},
					{"version", acc.Version()},
				} {
					fmt.Fprintf(a.out, "  %-15s  %v\n", line[0], line[1])
				}
				return nil
			})
		},
	}
	cmd.Flags().Int64Var(&version, "version", 0, "as it was after its `n`-th event")
	cmd.Flags().StringVar(&at, "at", "", "as it was at a `time`: RFC 3339, a day (its end, UTC), or how long ago, such as 10m")
	return cmd
}

// parseTime reads a point in time.
func parseTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Microsecond), nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, misused("--at %q: write 2026-06-30T12:00:00Z, 2026-06-30 or 10m", text)
}

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that the books are right",
		Long: `Read everything from the first event and check that each account and operation is
the same whether its events are decoded one by one, replayed as a load does, or
loaded from its snapshot, and that no money was made or lost. Others may go on
writing meanwhile. Exit status 1 if anything is wrong; each finding names its account.

There are no checksums: a byte changed afterwards in a stored event goes unnoticed if
the event can still be decoded, no newer snapshot differs, and the sums still agree.`,
		Example: `  bank verify`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				bar := a.progress("verifying", "events")
				books, err := b.Verify(cmd.Context(), "", func(read, of int) { bar.set(read, int64(read), int64(of)) })
				bar.done()
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s, %s and %s: %s read from the first on, %s compared.\n",
					count(books.Accounts, "account"), count(books.Operations, "imported operation"), count(books.Transfers, "outgoing transfer"),
					count(books.Events, "event"), count(books.Snapshots, "snapshot"))
				if len(books.Currencies) > 0 {
					fmt.Fprintln(a.out)
					printTurnovers(a, books)
				}
				return a.verdict(books)
			})
		},
	}
}

func printTurnovers(a *app, books *bank.Books) {
	t := newTable("CURRENCY", ">ACCOUNTS", ">DEPOSITED", ">WITHDRAWN", ">BALANCE", ">TRANSFERRED")
	for _, c := range books.Currencies {
		t.add(c.Balance.Currency, thousands(c.Accounts), &c.Deposited, &c.Withdrawn, &c.Balance, &c.Sent)
	}
	t.print(a.out)
}

// verdict prints what is wrong and returns the exit status.
func (a *app) verdict(books *bank.Books) error {
	if len(books.Wrong) == 0 {
		fmt.Fprintln(a.out, "\nThe books are right.")
		return nil
	}
	for _, finding := range books.Wrong {
		fmt.Fprintf(a.errs, "bank: %s\n", finding)
	}
	return fmt.Errorf("the books are wrong: %s", count(len(books.Wrong), "finding"))
}
