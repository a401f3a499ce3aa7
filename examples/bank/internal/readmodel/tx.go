package readmodel

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tx is what the read models need of a transaction, on either engine. Parameters are $1 to $9.
type tx interface {
	exec(ctx context.Context, text string, args ...any) error
	// each runs a statement once for each row of arguments.
	each(ctx context.Context, text string, rows [][]any) error
	// query hands each row to next, with what scans its columns.
	query(ctx context.Context, next func(scan func(...any) error) error, text string, args ...any) error
}

type sqliteTx struct{ *sql.Tx }

func question(text string) string { return strings.ReplaceAll(text, "$", "?") }

func (t sqliteTx) exec(ctx context.Context, text string, args ...any) error {
	_, err := t.ExecContext(ctx, question(text), args...)
	return err
}

func (t sqliteTx) each(ctx context.Context, text string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	st, err := t.PrepareContext(ctx, question(text))
	if err != nil {
		return err
	}
	defer st.Close()
	for _, row := range rows {
		if _, err := st.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

func (t sqliteTx) query(ctx context.Context, next func(scan func(...any) error) error, text string, args ...any) error {
	rows, err := t.QueryContext(ctx, question(text), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := next(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

type postgresTx struct{ pgx.Tx }

func (t postgresTx) exec(ctx context.Context, text string, args ...any) error {
	_, err := t.Exec(ctx, text, args...)
	return err
}

func (t postgresTx) each(ctx context.Context, text string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var b pgx.Batch // one round trip
	for _, row := range rows {
		b.Queue(text, row...)
	}
	if err := t.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("%d statements: %w", len(rows), err)
	}
	return nil
}

func (t postgresTx) query(ctx context.Context, next func(scan func(...any) error) error, text string, args ...any) error {
	rows, err := t.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := next(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
