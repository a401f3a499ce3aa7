package readmodel

import (
	"context"
	"fmt"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/money"
)

// Balances are the accounts as they are, one row each: what would else take a load of every account.
type Balances struct{ Model }

// Balance is one account's row.
type Balance struct {
	Account   string
	Owner     string
	Balance   money.Amount
	Overdraft money.Amount
	Closed    bool
	Version   es.Version
}

// NewBalances returns the read model of a store. It is built by as many transactions at once as
// partitions are given.
func NewBalances(store es.Store, partitions int, opts ...projection.Option) (Balances, error) {
	m, err := open(store, definition{
		name: "balances", categories: []string{"account"},
		create: `CREATE TABLE balances_%d (
			account   text    PRIMARY KEY,
			owner     text    NOT NULL,
			currency  text    NOT NULL,
			balance   bigint  NOT NULL,
			overdraft bigint  NOT NULL,
			closed    integer NOT NULL,
			version   bigint  NOT NULL)`,
		drop:   "DROP TABLE balances_%d",
		handle: handleBalances,
	}, append([]projection.Option{projection.Partitions(partitions)}, opts...))
	return Balances{m}, err
}

// handleBalances adds up what happened to each account, so that an account costs one statement however
// many events there are.
func handleBalances(ctx context.Context, t tx, version int, events []es.Recorded) error {
	accounts := map[string]*Balance{}
	var opened, changed [][]any
	var order []*Balance
	for _, rec := range events {
		happened, err := account.Decode(rec)
		if err != nil {
			return err
		}
		b := accounts[rec.Stream.ID]
		if b == nil {
			b = &Balance{Account: rec.Stream.ID}
			accounts[rec.Stream.ID] = b
			order = append(order, b)
		}
		b.Version = rec.Version
		for _, e := range happened {
			_, amount, err := Describe(e)
			if err != nil {
				return err
			}
			b.Balance.Minor += amount
			switch e := e.(type) {
			case account.Opened:
				b.Owner, b.Balance.Currency, b.Overdraft.Minor = e.Owner, e.Currency, e.Overdraft
			case account.Closed:
				b.Closed = true
			}
		}
	}
	for _, b := range order {
		closed := 0
		if b.Closed {
			closed = 1
		}
		if b.Balance.Currency != "" {
			opened = append(opened, []any{b.Account, b.Owner, string(b.Balance.Currency), b.Balance.Minor, b.Overdraft.Minor, closed, int64(b.Version)})
		} else {
			changed = append(changed, []any{b.Account, b.Balance.Minor, closed, int64(b.Version)})
		}
	}
	if err := t.each(ctx, fmt.Sprintf(`INSERT INTO balances_%d (account, owner, currency, balance, overdraft, closed, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, version), opened); err != nil {
		return err
	}
	return t.each(ctx, fmt.Sprintf(`UPDATE balances_%d SET balance = balance + $2, closed = closed + $3, version = $4
		WHERE account = $1`, version), changed)
}

// List hands the accounts after an id to f, in the order of their ids; limit 0 means all.
func (b Balances) List(ctx context.Context, after string, limit int, f func(Balance) error) error {
	if limit <= 0 {
		limit = 1 << 30
	}
	return b.view(ctx, func(ctx context.Context, t tx, version int) error {
		return t.query(ctx, func(scan func(...any) error) error {
			var row Balance
			var currency string
			var closed int
			if err := scan(&row.Account, &row.Owner, &currency, &row.Balance.Minor, &row.Overdraft.Minor, &closed, &row.Version); err != nil {
				return err
			}
			row.Balance.Currency, row.Overdraft.Currency = money.Currency(currency), money.Currency(currency)
			row.Closed = closed > 0
			return f(row)
		}, fmt.Sprintf(`SELECT account, owner, currency, balance, overdraft, closed, version FROM balances_%d
			WHERE account > $1 ORDER BY account LIMIT $2`, version), after, limit)
	})
}

// Total is what the accounts of one currency have together.
type Total struct {
	Accounts int
	Balance  money.Total
}

// Totals returns the totals in the order of the currencies.
func (b Balances) Totals(ctx context.Context) (totals []*Total, err error) {
	err = b.view(ctx, func(ctx context.Context, t tx, version int) error {
		totals = nil
		return t.query(ctx, func(scan func(...any) error) error {
			var currency string
			var minor int64
			if err := scan(&currency, &minor); err != nil {
				return err
			}
			if len(totals) == 0 || totals[len(totals)-1].Balance.Currency != money.Currency(currency) {
				totals = append(totals, &Total{Balance: money.Total{Currency: money.Currency(currency)}})
			}
			last := totals[len(totals)-1]
			last.Accounts++
			last.Balance.Add(minor)
			return nil
		}, fmt.Sprintf("SELECT currency, balance FROM balances_%d ORDER BY currency", version))
	})
	return totals, err
}
