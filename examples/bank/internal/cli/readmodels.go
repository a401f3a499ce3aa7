package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
)

// withStore opens the store for a command that needs more of it than the bank does.
func (a *app) withStore(ctx context.Context, f func(bank.Store) error) (err error) {
	store, err := bank.OpenStore(ctx, a.store, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(store)
}

func (a *app) balances() *cobra.Command {
	var after string
	var limit int
	cmd := &cobra.Command{
		Use:   "balances [--limit N] [--after ACCOUNT]",
		Short: "List balances and their sums from a table that follows the events",
		Long: `List balances from a read model: a table in the same file or database, which is brought up
to date first, each event counted once, and then read in one query. bank accounts loads every
account instead.`,
		Example: `  bank balances
  bank balances --limit 20 --after alice`,
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
			return a.withStore(cmd.Context(), func(store bank.Store) error {
				balances, err := readmodel.NewBalances(store, 1, projection.Logger(a.logger()))
				if err != nil {
					return err
				}
				if err := balances.CatchUp(cmd.Context()); err != nil {
					return err
				}
				return a.printBalances(cmd.Context(), balances, after, limit)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "list `n` accounts at most")
	cmd.Flags().StringVar(&after, "after", "", "list those after this `account`")
	return cmd
}

func (a *app) printBalances(ctx context.Context, balances readmodel.Balances, after string, limit int) error {
	t := newTable("ACCOUNT", "OWNER", ">BALANCE", ">VERSION", "STATE")
	more, last := false, ""
	err := balances.List(ctx, after, limit+1, func(b readmodel.Balance) error {
		if more = len(t.rows) == limit; more {
			return nil
		}
		state := "open"
		if b.Closed {
			state = "closed"
		}
		last = b.Account
		t.add(b.Account, b.Owner, b.Balance, b.Version, state)
		return nil
	})
	if err != nil {
		return err
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(a.out, "No accounts.")
		return nil
	}
	t.print(a.out)
	totals, err := balances.Totals(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	sums := newTable("CURRENCY", ">ACCOUNTS", ">BALANCE")
	for _, total := range totals {
		sums.add(total.Balance.Currency, thousands(total.Accounts), &total.Balance)
	}
	sums.print(a.out)
	if more {
		fmt.Fprintf(a.out, "\nThere are more: --after %s goes on.\n", last)
	}
	return nil
}

func (a *app) rebuild() *cobra.Command {
	var partitions int
	var keep bool
	cmd := &cobra.Command{
		Use:   "rebuild [--partitions N] [--keep-old]",
		Short: "Build the balances anew, while they are read and written",
		Long: `Build the balances anew from the first event on, in a table beside the one that serves. When it
has caught up it is switched to, and the older ones are dropped. Others may read and write
meanwhile. After a kill, the same command goes on where it was.`,
		Example: `  bank rebuild
  bank rebuild --partitions 4`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if partitions < 1 || partitions > 64 {
				return misused("--partitions %d: it must be 1 to 64", partitions)
			}
			ctx := cmd.Context()
			return a.withStore(ctx, func(store bank.Store) error {
				bar := a.progress("rebuilding", "events")
				var reached projection.Progress
				balances, err := readmodel.NewBalances(store, partitions, projection.Logger(a.logger()), projection.OnProgress(func(p projection.Progress) {
					reached = p
					bar.set(int(p.Events), int64(p.Position), int64(p.Head))
				}))
				if err != nil {
					bar.done()
					return err
				}
				began := time.Now()
				version, err := balances.Rebuild(ctx)
				bar.done()
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "Version %d of the balances serves: %s in %s, %s a second.\n", version, count(int(reached.Events), "event"),
					time.Since(began).Round(time.Millisecond), perSecond(int(reached.Events), time.Since(began)))
				if keep {
					return nil
				}
				return a.dropOlder(ctx, balances, version)
			})
		},
	}
	cmd.Flags().IntVar(&partitions, "partitions", 4, "use `n` transactions at once")
	cmd.Flags().BoolVar(&keep, "keep-old", false, "leave the tables of the older versions")
	return cmd
}

// dropOlder drops the versions before the one that serves, also those that a rebuild has left which was killed before it
// came to that.
func (a *app) dropOlder(ctx context.Context, balances readmodel.Balances, serving int) error {
	// Drop waits until nobody who reads an older version would see less. Where the process that was to see to it is gone, this one does.
	if err := balances.CatchUp(ctx); err != nil {
		return err
	}
	all, err := balances.Versions(ctx)
	if err != nil {
		return err
	}
	for _, version := range all.Versions {
		if version >= serving {
			continue
		}
		switch err := balances.Drop(ctx, version); {
		case err == nil:
			fmt.Fprintf(a.out, "Version %d was dropped.\n", version)
		case !errors.Is(err, es.ErrNotFound): // another process was faster
			return err
		}
	}
	return nil
}
