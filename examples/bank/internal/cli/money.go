package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

func (a *app) open() *cobra.Command {
	var owner, currency, overdraft string
	cmd := &cobra.Command{
		Use:   "open ACCOUNT --owner NAME --currency CODE [--overdraft AMOUNT]",
		Short: "Open an account",
		Long: `Open an account with a balance of zero. Its id is of your choice: ASCII letters,
digits and any of - _ : @ = +. The store is made if there is none.`,
		Example: `  bank open alice --owner "Alice Ada" --currency EUR
  bank open shop --owner "The Shop" --currency JPY --overdraft 50000`,
		Args: onAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			if owner == "" || currency == "" {
				return misused("an account needs an owner and a currency: write: %s", cmd.UseLine())
			}
			code, err := money.ParseCurrency(currency)
			if err != nil {
				return &usageError{err}
			}
			limit, err := amount([]string{overdraft, string(code)})
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), true, operation.Request{Kind: operation.Open, Account: args[0], Owner: owner, Overdraft: limit}, "")
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "", "the owner's `name`")
	cmd.Flags().StringVar(&currency, "currency", "", "the account's currency, an ISO 4217 `code` such as EUR")
	cmd.Flags().StringVar(&overdraft, "overdraft", "0", "how far the balance may go below zero, an `amount` in that currency")
	return cmd
}

func (a *app) deposit() *cobra.Command {
	return a.payment(&cobra.Command{
		Use:   "deposit ACCOUNT AMOUNT CURRENCY [--note TEXT] [--idempotency-key KEY]",
		Short: "Pay money in",
		Example: `  bank deposit alice 12.34 EUR
  bank deposit alice 12.34 EUR --note salary --idempotency-key payroll-2026-06`,
	}, operation.Deposit)
}

func (a *app) withdraw() *cobra.Command {
	return a.payment(&cobra.Command{
		Use:   "withdraw ACCOUNT AMOUNT CURRENCY [--note TEXT] [--idempotency-key KEY]",
		Short: "Pay money out",
		Long:  "Pay money out, as far as the balance and the overdraft limit reach.",
		Example: `  bank withdraw alice 12.34 EUR
  bank withdraw alice 12.34 EUR --note cash --idempotency-key atm-7-4711`,
	}, operation.Withdraw)
}

func (a *app) transfer() *cobra.Command {
	return a.payment(&cobra.Command{
		Use:   "transfer FROM TO AMOUNT CURRENCY [--note TEXT] [--idempotency-key KEY]",
		Short: "Move money from one account to another",
		Long:  "Move money from one account to another: both or none, in one append to both histories.",
		Example: `  bank transfer alice bob 12.34 EUR
  bank transfer alice bob 12.34 EUR --note rent --idempotency-key rent-2026-06`,
	}, operation.Transfer)
}

func (a *app) close() *cobra.Command {
	return &cobra.Command{
		Use:     "close ACCOUNT",
		Short:   "Close an account whose balance is zero",
		Long:    "Close an account for good. Its balance must be zero; its history stays.",
		Example: `  bank close alice`,
		Args:    onAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.do(cmd.Context(), false, operation.Request{Kind: operation.Close, Account: args[0]}, "")
		},
	}
}

// payment completes a command that moves money.
func (a *app) payment(cmd *cobra.Command, kind string) *cobra.Command {
	accounts := 1
	if kind == operation.Transfer {
		accounts = 2
	}
	var note, key string
	cmd.Args = arguments(accounts+1, accounts+2)
	cmd.SetFlagErrorFunc(paymentFlagError)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := amount(args[accounts:])
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("idempotency-key") && key == "" {
			return misused("the idempotency key is empty: leave the flag out, or give each request its own")
		}
		r := operation.Request{Kind: kind, Account: args[0], Amount: m, Note: note}
		if accounts == 2 {
			r.To = args[1]
		}
		return a.do(cmd.Context(), false, r, key)
	}
	cmd.Flags().StringVar(&note, "note", "", "a `text` that says what it is for")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "a `key` for this request alone: sent again with it, nothing more is changed")
	return cmd
}

// do carries out a request and tells what became of it.
func (a *app) do(ctx context.Context, create bool, r operation.Request, key string) error {
	if err := checkRequest(r); err != nil {
		return err
	}
	return a.with(ctx, create, func(b *bank.Bank) error {
		done, err := b.Do(ctx, r, key)
		if err != nil {
			return err
		}
		did := map[string]string{
			operation.Open:     "opened " + r.Account,
			operation.Deposit:  fmt.Sprintf("deposited %s to %s", r.Amount, r.Account),
			operation.Withdraw: fmt.Sprintf("withdrew %s from %s", r.Amount, r.Account),
			operation.Transfer: fmt.Sprintf("transferred %s from %s to %s", r.Amount, r.Account, r.To),
			operation.Close:    "closed " + r.Account,
		}[r.Kind]
		if before := done.Before; before != nil {
			did = fmt.Sprintf("already done as version %d on %s, and not done again: %s", before.Version, timestamp(before.RecordedAt), did)
		}
		fmt.Fprintln(a.out, did)
		for _, account := range done.Accounts {
			fmt.Fprintf(a.out, "  %s: balance %s, version %d\n", account.ID(), account.Money(account.Balance), account.Version())
		}
		return nil
	})
}
