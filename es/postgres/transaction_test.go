package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestInTxCommitsEventsWithTheCallersRowsAndWakesWatchers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(w.session(), "CREATE TABLE {schema}.rows (n int)")
	refused := errors.New("refused")
	for _, want := range []error{refused, nil} {
		err := w.store.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO "+w.schema+".rows VALUES (1)"); err != nil {
				return err
			}
			_, err := w.store.AppendTx(ctx, tx, write(stream("a"), es.NoStream, 2))
			return errors.Join(err, want)
		})
		if !errors.Is(err, want) {
			t.Fatalf("InTx: %v, want %v", err, want)
		}
		var rows int
		err = w.store.ReadTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM "+w.schema+".rows").Scan(&rows)
		})
		if events := len(w.feed(w.store)); err != nil || rows > 1 || events != 2*rows || (rows == 1) != (want == nil) {
			t.Fatalf("after %v there are %d rows and %d events, %v", want, rows, events, err)
		}
	}
}

// A checkpoint that this process has not passed yet is compared with the head of the feed. That may not need a connection of
// the pool: all of them may be in transactions that record progress.
func TestProgressIsRecordedInAsManyTransactionsAsThePoolHasConnections(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]postgres.Option{"with sessions": nil, "through a pooler": {postgres.TransactionPooling()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const conns = 3
			s, err := postgres.Open(w.ctx, fmt.Sprint(w.url, "&pool_max_conns=", conns), append(opts, postgres.Schema(w.schema))...)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			head := w.append("a")
			for name, to := range map[string]es.Position{"from the beginning": 0, "at the head": head} {
				var begun, ended sync.WaitGroup
				begun.Add(conns)
				for i := range conns {
					ended.Go(func() {
						err := s.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
							begun.Done()
							begun.Wait()
							return s.RecordTx(ctx, tx, es.Progress{Name: fmt.Sprint(name, i), To: to})
						})
						if err != nil {
							t.Errorf("recording progress %s: %v", name, err)
						}
					})
				}
				ended.Wait()
			}
		})
	}
}

func TestATransactionThatTheDatabaseLostIsToldFromOneThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.store.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
		w.exec(w.session(), fmt.Sprint("SELECT pg_terminate_backend(", tx.Conn().PgConn().PID(), ")"))
		_, err := tx.Exec(ctx, "SELECT 1")
		return err
	})
	if !errors.Is(err, es.ErrTxLost) {
		t.Errorf("InTx on a connection that was cut: %v, want es.ErrTxLost", err)
	}
	err = w.store.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT nonsense")
		return err
	})
	if err == nil || errors.Is(err, es.ErrTxLost) {
		t.Errorf("InTx with a bad statement: %v, want the server's error", err)
	}
}

// Open sets up its sessions for the store's own reads. A caller's statements don't know of it.
func TestCallersStatementsArePlannedAsUsual(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(ctx context.Context, tx pgx.Tx) error {
		var scans, mode string
		if err := tx.QueryRow(ctx, "SELECT current_setting('enable_seqscan'), current_setting('plan_cache_mode')").Scan(&scans, &mode); err != nil {
			return err
		}
		if scans != "on" || mode != "auto" {
			return fmt.Errorf("enable_seqscan is %s, plan_cache_mode %s", scans, mode)
		}
		return nil
	}
	if err := errors.Join(w.store.InTx(w.ctx, ask), w.store.ReadTx(w.ctx, ask)); err != nil {
		t.Fatal(err)
	}
	err := w.store.ReadTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE "+w.schema+".t ()")
		return err
	})
	if err == nil {
		t.Fatal("ReadTx writes")
	}
}

func TestInTxIsReadCommittedWhateverTheDefaultIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := postgres.Open(w.ctx, pgtest.Shared(t).URL()+"&default_transaction_isolation=serializable", postgres.Schema(w.schema))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := s.AppendTx(ctx, tx, write(stream("a"), es.NoStream, 1))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
