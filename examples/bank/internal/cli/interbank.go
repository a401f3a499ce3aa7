package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

func (a *app) send() *cobra.Command {
	var id string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "send ACCOUNT TO AMOUNT CURRENCY [--timeout DURATION] [--id ID]",
		Short: "Request a transfer to an account of another bank",
		Long: `Request a transfer to an account of another bank. bank work carries it out: it takes the money
from the account, waits for the other bank (bank answer), and puts it back if that says no, or
nothing in time, also if the time passes while nothing runs.`,
		Example: `  bank send alice DE02120300000000202051 12.34 EUR --timeout 10m
  bank work &
  bank answer 0192f3aa yes`,
		Args: arguments(3, 4),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkAccount(args[0]); err != nil {
				return err
			}
			m, err := amount(args[2:])
			if err != nil {
				return err
			}
			switch {
			case m.Minor <= 0:
				return misused("amount %s: it must be more than zero", m)
			case strings.TrimSpace(args[1]) == "":
				return misused("the account at the other bank has no name")
			case timeout < time.Millisecond || timeout > 30*24*time.Hour:
				return misused("--timeout %v: 1ms to 720h are taken", timeout)
			case id == "":
				id = es.NewID().String()
			}
			if err := operation.CheckID(id); err != nil {
				return misused("transfer id %.60q: %w", id, err)
			}
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				if err := b.Send(cmd.Context(), id, args[0], args[1], m, timeout); err != nil {
					return err
				}
				fmt.Fprintf(a.out, "requested transfer %s of %s from %s to %s\n", id, m, args[0], printable(args[1]))
				return nil
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "return the money if the other bank has not answered after this `duration`")
	cmd.Flags().StringVar(&id, "id", "", "an `id` for the transfer; by default a new one")
	return cmd
}

func (a *app) answer() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "answer TRANSFER (yes | no) [--reason TEXT]",
		Short: "Answer a transfer as the other bank",
		Example: `  bank answer rent-june yes
  bank answer rent-june no --reason "unknown account"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments(2, 2)(cmd, args); err != nil {
				return err
			}
			if args[1] != "yes" && args[1] != "no" {
				return misused("answer %q: say yes or no", args[1])
			}
			if err := operation.CheckID(args[0]); err != nil {
				return misused("transfer id %.60q: %w", args[0], err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				if err := b.Answer(cmd.Context(), args[0], args[1] == "yes", reason); err != nil {
					return err
				}
				t, err := b.Transfer(cmd.Context(), args[0])
				if err == nil {
					fmt.Fprintf(a.out, "transfer %s is %s\n", args[0], t.State)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "a `text` that says why not")
	return cmd
}

func (a *app) outgoing() *cobra.Command {
	return &cobra.Command{
		Use:     "outgoing",
		Short:   "List the transfers to other banks",
		Example: `  bank outgoing`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), false, func(b *bank.Bank) error {
				t := newTable("TRANSFER", "ACCOUNT", "TO", ">AMOUNT", "STATE", "REASON")
				for tr, err := range b.Transfers(cmd.Context(), "", 0) {
					if err != nil {
						return err
					}
					t.add(tr.ID(), tr.Account, tr.To, tr.Amount, tr.State, tr.Reason)
				}
				if len(t.rows) == 0 {
					fmt.Fprintln(a.out, "No transfers.")
					return nil
				}
				t.print(a.out)
				return nil
			})
		},
	}
}

func (a *app) work() *cobra.Command {
	var settled bool
	cmd := &cobra.Command{
		Use:   "work [--until-settled]",
		Short: "Keep the read models up to date and carry out transfers to other banks",
		Long: `Keep the read models up to date and carry out transfers to other banks, until it is
interrupted. Several may run on one store: one does the work, and another goes on when that is
killed. What was waited for meanwhile is made up for.`,
		Example: `  bank work`,
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(store bank.Store) error {
				ctx, stop := context.WithCancelCause(cmd.Context())
				defer stop(nil)
				b := bank.New(store, nil)
				balances, err := readmodel.NewBalances(store, 1, projection.Logger(a.logger()))
				if err != nil {
					return err
				}
				audit, err := readmodel.NewAudit(store, projection.Logger(a.logger()))
				if err != nil {
					return err
				}
				transfers, err := b.Interbank(a.logger())
				if err != nil {
					return err
				}
				var work sync.WaitGroup
				for _, run := range []func(context.Context) error{balances.Run, audit.Run, transfers.Run} {
					work.Go(func() {
						if err := run(ctx); err != nil {
							stop(err)
						}
					})
				}
				if settled {
					stop(a.awaitSettled(ctx, b))
				}
				work.Wait()
				if err := context.Cause(ctx); cmd.Context().Err() == nil && err != context.Canceled {
					return err
				}
				if settled {
					return cmd.Context().Err()
				}
				return nil // an interrupt is how it ends
			})
		},
	}
	cmd.Flags().BoolVar(&settled, "until-settled", false, "end when every transfer is completed, refused or returned")
	return cmd
}

// awaitSettled waits until no transfer waits for anything.
func (a *app) awaitSettled(ctx context.Context, b *bank.Bank) error {
	for {
		open := 0
		for t, err := range b.Transfers(ctx, "", 0) {
			if err != nil {
				return err
			}
			if !t.Settled() {
				open++
			}
		}
		if open == 0 {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a *app) audit() *cobra.Command {
	var of string
	var last int
	cmd := &cobra.Command{
		Use:   "audit [--account ACCOUNT] [--last N]",
		Short: "Show who did what to the accounts, newest first",
		Example: `  bank audit
  bank audit --account alice --last 5`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 1 {
				return misused("--last %d: it must be 1 or more", last)
			}
			if of != "" {
				if err := checkAccount(of); err != nil {
					return err
				}
			}
			return a.withStore(cmd.Context(), func(store bank.Store) error {
				audit, err := readmodel.NewAudit(store, projection.Logger(a.logger()))
				if err == nil {
					err = audit.CatchUp(cmd.Context())
				}
				if err != nil {
					return err
				}
				t := newTable(">POSITION", "TIME", "ACCOUNT", "WHAT", "BY", "CAUSE")
				err = audit.Last(cmd.Context(), of, last, func(r readmodel.Row) error {
					t.add(r.Position, timestamp(r.At), r.Account, r.What, r.Actor, strings.TrimSpace(r.Cause))
					return nil
				})
				if err != nil {
					return err
				}
				if len(t.rows) == 0 {
					fmt.Fprintln(a.out, "Nothing has happened.")
					return nil
				}
				t.print(a.out)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&of, "account", "", "of this `account` alone")
	cmd.Flags().IntVar(&last, "last", 20, "show the last `n`")
	return cmd
}
