package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// withRows opens a store in a file that has a table of the test's beside it.
func withRows(t *testing.T) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openRows(t, path)
	err := s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE rows (n INTEGER)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, path
}

func openRows(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func row(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO rows VALUES (1)")
	return err
}

func rowsIn(t *testing.T, s *sqlite.Store) (n int) {
	t.Helper()
	err := s.ReadTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM rows").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func eventsIn(t *testing.T, s *sqlite.Store) (n int) {
	t.Helper()
	for _, err := range s.ReadAll(t.Context(), es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func oneEvent(stream string, expect es.Expected) es.Write {
	return es.Write{Stream: es.Stream{Category: "a", ID: stream}, Expect: expect, Events: []es.Event{
		{ID: es.NewID(), Type: "a.happened", Schema: 1, Data: []byte("{}")},
	}}
}

func TestAppendTxCommitsWithTheCallersRows(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	refused := errors.New("refused")
	for _, want := range []error{refused, nil} {
		err := s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if err := row(ctx, tx); err != nil {
				return err
			}
			w := oneEvent("1", es.NoStream)
			first, err := s.AppendTx(ctx, tx, w)
			if err != nil {
				return err
			}
			if again, err := s.AppendTx(ctx, tx, w); err != nil || !again.Duplicate || again.Streams[0] != first.Streams[0] {
				return fmt.Errorf("appended again: %+v, %w", again, err)
			}
			if _, err := s.AppendTx(ctx, tx, oneEvent("1", es.NoStream)); !errors.Is(err, es.ErrConflict) {
				return fmt.Errorf("a second stream of that name: %w", err)
			}
			if _, err := s.AppendTx(ctx, tx, oneEvent("1", es.Exactly(1)), oneEvent("2", es.NoStream)); err != nil {
				return fmt.Errorf("after a conflict: %w", err)
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Fatalf("InTx: %v, want %v", err, want)
		}
		rows, events := 0, 0
		if want == nil {
			rows, events = 1, 3
		}
		if r, e := rowsIn(t, s), eventsIn(t, s); r != rows || e != events {
			t.Fatalf("after %v there are %d rows and %d events, want %d and %d", want, r, e, rows, events)
		}
	}
	// The types that a transaction has added are known to appends outside, and the other way round.
	if _, err := s.Append(t.Context(), oneEvent("1", es.Exactly(2))); err != nil {
		t.Fatal(err)
	}
}

func TestATransactionOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	s, path := withRows(t)
	other := openRows(t, path)
	err := s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := other.AppendTx(ctx, tx, oneEvent("1", es.NoStream))
		if err == nil {
			return errors.New("AppendTx takes another store's transaction")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACallInsideOfATransactionThatWouldWaitForItIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	err := s.InTx(t.Context(), func(ctx context.Context, _ *sql.Tx) error {
		if _, err := s.Append(ctx, oneEvent("1", es.NoStream)); !errors.Is(err, sqlite.ErrInTx) {
			return fmt.Errorf("Append: %w", err)
		}
		if err := s.InTx(ctx, func(context.Context, *sql.Tx) error { return nil }); !errors.Is(err, sqlite.ErrInTx) {
			return fmt.Errorf("InTx: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two processes' worth of stores, each with appends and transactions at once: all get their turn, and nobody is
// told that the database is locked.
func TestAppendsAndTransactionsOfSeveralStoresGetTheirTurns(t *testing.T) {
	t.Parallel()
	s, path := withRows(t)
	const each, workers = 15, 4
	var work sync.WaitGroup
	for _, store := range []*sqlite.Store{s, openRows(t, path)} {
		for n := range workers {
			work.Go(func() {
				for range each {
					if _, err := store.Append(t.Context(), oneEvent(fmt.Sprint(n), es.Any)); err != nil {
						t.Error(err)
					}
				}
			})
			work.Go(func() {
				for range each {
					err := store.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
						if _, err := store.AppendTx(ctx, tx, oneEvent("tx", es.Any)); err != nil {
							return err
						}
						return row(ctx, tx)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
			work.Go(func() {
				for range each {
					rowsIn(t, store)
				}
			})
		}
	}
	work.Wait()
	want := 2 * workers * each
	if r, e := rowsIn(t, s), eventsIn(t, s); r != want || e != 2*want {
		t.Fatalf("there are %d rows and %d events, want %d and %d", r, e, want, 2*want)
	}
}

func TestWhoWaitsForATransactionCanLeave(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	begun, end := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- s.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
			close(begun)
			<-end
			return row(ctx, tx)
		})
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.InTx(ctx, row); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("InTx while another runs: %v, want the context's error", err)
	}
	if _, err := s.Append(ctx, oneEvent("1", es.NoStream)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Append while a transaction runs: %v, want the context's error", err)
	}
	waiting := make(chan error)
	go func() { waiting <- s.InTx(context.Background(), row) }()
	closed := make(chan error)
	go func() {
		time.Sleep(10 * time.Millisecond)
		closed <- s.Close()
	}()
	if err := <-waiting; !errors.Is(err, es.ErrClosed) {
		t.Fatalf("InTx while the store is closed: %v, want es.ErrClosed", err)
	}
	close(end)
	if err := errors.Join(<-first, <-closed); err != nil {
		t.Fatalf("the transaction under way, and Close: %v", err)
	}
	if err := s.ReadTx(t.Context(), row); !errors.Is(err, es.ErrClosed) {
		t.Fatalf("ReadTx of a closed store: %v, want es.ErrClosed", err)
	}
}

func TestAPanicInATransactionRollsItBack(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	func() {
		defer func() { _ = recover() }()
		_ = s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_ = row(ctx, tx)
			panic("oh")
		})
	}()
	if n := rowsIn(t, s); n != 0 {
		t.Fatalf("%d rows are there", n)
	}
	if err := s.InTx(t.Context(), row); err != nil {
		t.Fatal(err)
	}
}

func TestReadTxSeesOneMomentAndWritesNothing(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	err := s.ReadTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.Append(t.Context(), oneEvent("1", es.NoStream)); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM events").Scan(&n); err != nil || n != 0 {
			return fmt.Errorf("%d events are seen that were appended since, %w", n, err)
		}
		if row(ctx, tx) == nil {
			return errors.New("a row can be written")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADiskThatIsFullIsTheDatabasesFailure(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	err := s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "PRAGMA max_page_count = 1"); err != nil { // of this connection: as far as the file is
			return err
		}
		defer tx.ExecContext(ctx, "PRAGMA max_page_count = 1000000")
		_, err := tx.ExecContext(ctx, "INSERT INTO rows SELECT zeroblob(1000000)")
		return err
	})
	if !errors.Is(err, es.ErrTxLost) {
		t.Fatalf("InTx: %v, want es.ErrTxLost", err)
	}
	err = s.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO nonsense VALUES (1)")
		return err
	})
	if err == nil || errors.Is(err, es.ErrTxLost) {
		t.Fatalf("InTx with a bad statement: %v, want the engine's error", err)
	}
}

// A transaction that reads asks the store for another one, while somebody closes it: neither waits for the other.
func TestCloseIsNotHeldUpByATransactionThatReadsWithinAnother(t *testing.T) {
	t.Parallel()
	s, _ := withRows(t)
	closing, closed := make(chan struct{}), make(chan error, 1)
	err := s.ReadTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		go func() {
			close(closing)
			closed <- s.Close()
		}()
		<-closing
		for { // until Close waits for this transaction
			err := s.ReadTx(ctx, func(context.Context, *sql.Tx) error { return nil })
			if err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	})
	if !errors.Is(err, es.ErrClosed) {
		t.Fatalf("ReadTx within another while the store is closed: %v, want es.ErrClosed", err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
}
