package readmodel

import (
	"context"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/account"
)

// Audit is the trail of what happened to accounts, in the order of the store: one row for each thing that happened,
// with who did it and what it answers to.
type Audit struct{ Model }

// Row is a row of the trail.
type Row struct {
	Position    es.Position
	At          time.Time
	Account     string
	What        string
	Amount      int64 // minor units; below 0 where the account pays
	Actor       string
	Correlation string
	Cause       string
}

// NewAudit returns the read model of a store.
func NewAudit(store es.Store, opts ...projection.Option) (Audit, error) {
	m, err := open(store, definition{
		name: "audit", categories: []string{"account"},
		create: `CREATE TABLE audit_%d (
			position    bigint  NOT NULL,
			part        integer NOT NULL,
			at          bigint  NOT NULL,
			account     text    NOT NULL,
			what        text    NOT NULL,
			amount      bigint  NOT NULL,
			actor       text    NOT NULL,
			correlation text    NOT NULL,
			cause       text    NOT NULL,
			PRIMARY KEY (position, part))`,
		drop:   "DROP TABLE audit_%d",
		handle: handleAudit,
	}, opts)
	return Audit{m}, err
}

func handleAudit(ctx context.Context, t tx, version int, events []es.Recorded) error {
	var rows [][]any
	for _, rec := range events {
		happened, err := account.Decode(rec)
		if err != nil {
			return err
		}
		for part, event := range happened {
			what, amount, err := Describe(event)
			if err != nil {
				return err
			}
			rows = append(rows, []any{int64(rec.Position), part + 1, rec.RecordedAt.UnixMicro(), rec.Stream.ID, what, amount,
				rec.Meta.Actor, rec.Meta.CorrelationID, rec.Meta.CausationID})
		}
	}
	return t.each(ctx, fmt.Sprintf(`INSERT INTO audit_%d (position, part, at, account, what, amount, actor, correlation, cause)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, version), rows)
}

// Describe says in a few words what an event did to its account, and what it moved.
func Describe(event account.AccountEvent) (what string, amount int64, err error) {
	noted := func(what, note string) string {
		if note != "" {
			what += ": " + note
		}
		return what
	}
	switch e := event.(type) {
	case account.Opened:
		return "opened for " + e.Owner, 0, nil
	case account.Deposited:
		return noted("deposit", e.Note), e.Amount, nil
	case account.Withdrawn:
		return noted("withdrawal", e.Note), -e.Amount, nil
	case account.TransferSent:
		return noted("transfer to "+e.To, e.Note), -e.Amount, nil
	case account.TransferReceived:
		return noted("transfer from "+e.From, e.Note), e.Amount, nil
	case account.Closed:
		return "closed", 0, nil
	default:
		return "", 0, fmt.Errorf("nobody has said what %T does to an account", e)
	}
}

// Last hands the last rows to f, newest first: of one account, or of all if it is "".
func (a Audit) Last(ctx context.Context, of string, limit int, f func(Row) error) error {
	return a.view(ctx, func(ctx context.Context, t tx, version int) error {
		return t.query(ctx, func(scan func(...any) error) error {
			var r Row
			var at int64
			if err := scan(&r.Position, &at, &r.Account, &r.What, &r.Amount, &r.Actor, &r.Correlation, &r.Cause); err != nil {
				return err
			}
			r.At = time.UnixMicro(at).UTC()
			return f(r)
		}, fmt.Sprintf(`SELECT position, at, account, what, amount, actor, correlation, cause FROM audit_%d
			WHERE account = $1 OR $1 = '' ORDER BY position DESC, part DESC LIMIT $2`, version), of, limit)
	})
}
