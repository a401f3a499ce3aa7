package account_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Whatever is asked of an account, in whatever order and with whatever amounts: its balance is what integers of
// any size make of the commands that it took, it never leaves its bounds, a refusal changes nothing, and
// a reload gives the same account.
func TestNoCommandBreaksTheBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var (
			ctx      = t.Context()
			accounts = account.NewRepository(memory.New())
			a        = account.New("ada")
			balance  = new(big.Int)
			minor    = rapid.OneOf(rapid.Int64Range(-3, 200), rapid.SampledFrom([]int64{math.MaxInt64, math.MaxInt64 - 100, math.MinInt64, 0}))
			limit    = rapid.SampledFrom([]int64{0, 100, math.MaxInt64}).Draw(t, "overdraft")
		)
		if err := a.Open("Ada", money.New(limit, "EUR")); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 30).Draw(t, "commands") {
			amount := money.New(minor.Draw(t, "amount"), money.Currency(rapid.SampledFrom([]string{"EUR", "EUR", "EUR", "USD"}).Draw(t, "currency")))
			sign, err := int64(1), error(nil)
			pending := len(aggregate.PendingOf(aggregate.RootOf(a)))
			before := a.Balance
			switch rapid.SampledFrom([]string{"deposit", "withdraw", "send", "receive", "close", "save"}).Draw(t, "command") {
			case "deposit":
				err = a.Deposit(amount, "")
			case "withdraw":
				sign, err = -1, a.Withdraw(amount, "")
			case "send":
				sign, err = -1, a.SendTransfer("bob", amount, "")
			case "receive":
				err = a.ReceiveTransfer("bob", amount, "")
			case "close":
				sign, err = 0, a.Close()
			case "save":
				sign = 0
				if _, err := accounts.Save(ctx, a); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil {
				if _, ok := errors.AsType[*account.Error](err); !ok || a.Balance != before || len(aggregate.PendingOf(aggregate.RootOf(a))) != pending {
					t.Fatalf("a refusal (%v) changed something, or is no *Error", err)
				}
				continue
			}
			balance.Add(balance, new(big.Int).Mul(big.NewInt(sign), big.NewInt(amount.Minor)))
			if balance.Cmp(big.NewInt(a.Balance)) != 0 || a.Balance < -limit {
				t.Fatalf("the balance is %d, want %v, and at least %d", a.Balance, balance, -limit)
			}
		}
		if _, err := accounts.Save(ctx, a); err != nil {
			t.Fatal(err)
		}
		again, err := accounts.Load(ctx, "ada")
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := aggregate.TypeOf(a)
		if err := aggregate.Compare(typ, [2]string{"live", "reloaded"}, a, again); err != nil {
			t.Fatal(err)
		}
	})
}
