package cli

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
)

func (a *app) simulate() *cobra.Command {
	s := bank.Simulation{}
	cmd := &cobra.Command{
		Use:   "simulate [--accounts N] [--shared N] [--operations N] [--writers N] [--seed N] [--name NAME]",
		Short: "Do random operations by many writers at once, and check the books",
		Long: `Open accounts, let many writers at once do random transfers, deposits and
withdrawals on them, and check that no money was made or lost, that every account
replays to its snapshot, and that each operation that was acknowledged is stored, once.

Writers that meet at one account conflict: one is first, the others decide again on the new
balance. Several simulations may run on one store at once; --shared gives them accounts that
all of them use. The accounts are named sim-NAME-0001 and sim-shared-0001, and so on. When it
is interrupted it tells what was done until then.`,
		Example: `  bank simulate
  bank simulate --accounts 20 --operations 50000 --writers 32
  bank simulate --shared 5 & bank simulate --shared 5; wait; bank verify`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case s.Accounts < 0 || s.Shared < 0 || s.Accounts+s.Shared < 2 || s.Accounts+s.Shared > 100_000:
				return misused("--accounts %d --shared %d: together 2 to 100,000 are needed", s.Accounts, s.Shared)
			case s.Operations < 1:
				return misused("--operations %d: it must be 1 or more", s.Operations)
			case s.Writers < 1 || s.Writers > 1000:
				return misused("--writers %d: it must be 1 to 1,000", s.Writers)
			}
			if !cmd.Flags().Changed("seed") {
				s.Seed = rand.Uint64N(1_000_000)
			}
			if !cmd.Flags().Changed("name") {
				s.Name = fmt.Sprintf("%04x", rand.N(0x10000))
			} else if !regexp.MustCompile(`^[a-z0-9]{1,20}$`).MatchString(s.Name) || s.Name == "shared" {
				return misused("--name %q: 1 to 20 of a-z and 0-9 are taken, but not shared", s.Name)
			}
			return a.with(cmd.Context(), true, func(b *bank.Bank) error {
				bar := a.progress("simulating", "operations")
				done, err := b.Simulate(cmd.Context(), s, func(done int) { bar.set(done, int64(done), int64(s.Operations)) })
				bar.done()
				if done != nil {
					a.printSimulated(s, done)
				}
				if err != nil {
					return err
				}
				return a.verdict(done.Books)
			})
		},
	}
	cmd.Flags().IntVar(&s.Accounts, "accounts", 50, "open `n` accounts for this run alone")
	cmd.Flags().IntVar(&s.Shared, "shared", 0, "use `n` accounts together with other runs")
	cmd.Flags().IntVar(&s.Operations, "operations", 10_000, "do `n` operations in all")
	cmd.Flags().IntVar(&s.Writers, "writers", 16, "do them by `n` writers at once")
	cmd.Flags().Uint64Var(&s.Seed, "seed", 0, "start the dice from the number `n`; by default another each time")
	cmd.Flags().StringVar(&s.Name, "name", "", "a `name` for this run's accounts; by default another each time")
	return cmd
}

func (a *app) printSimulated(s bank.Simulation, done *bank.Simulated) {
	fmt.Fprintf(a.out, "%s by %s on %s in %s: %s a second (run %s, seed %d).\n\n",
		count(done.Operations(), "operation"), count(s.Writers, "writer"), count(s.Accounts+s.Shared, "account"),
		done.Elapsed.Round(time.Millisecond), perSecond(done.Operations(), done.Elapsed), s.Name, s.Seed)
	t := newTable(">", "")
	t.add(thousands(done.Transfers), plural(done.Transfers, "transfer"))
	t.add(thousands(done.Deposits), plural(done.Deposits, "deposit"))
	t.add(thousands(done.Withdrawals), plural(done.Withdrawals, "withdrawal"))
	t.add(thousands(done.Refused), "refused by the bank's rules")
	t.add(thousands(done.Retries), plural(done.Retries, "conflict")+" with another writer, after which the operation was decided again")
	t.printRows(a.out)
	if done.Books == nil {
		fmt.Fprint(a.out, "\nIt did not come to its end, and the books were not checked: bank verify checks them.\n")
		return
	}
	fmt.Fprintf(a.out, "\nAll simulated accounts of this store, read from the first event on (%s, %s):\n\n",
		count(done.Books.Events, "event"), count(done.Books.Snapshots, "snapshot"))
	printTurnovers(a, done.Books)
}
