package readmodel_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/internal/bank"
	"github.com/esgen-go/esgen/examples/bank/internal/readmodel"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/internal/pgtest"
)

var soak = flag.Duration("soak", 0, "how long the soak lasts; 0: a few seconds")

// asRunner makes the test binary keep the read models of the store that it names up to date.
const asRunner = "ESGEN_RUN_READ_MODELS"

func TestMain(m *testing.M) {
	if name := os.Getenv(asRunner); name != "" {
		fmt.Fprintln(os.Stderr, runModels(name))
		os.Exit(1)
	}
	os.Exit(pgtest.Main(m))
}

func quiet() projection.Option { return projection.Logger(slog.New(slog.DiscardHandler)) }

// runModels runs until the process is killed.
func runModels(name string) error {
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	store, err := openPatiently(ctx, name)
	if err != nil {
		return err
	}
	balances, err := readmodel.NewBalances(store, 2, quiet(), projection.BatchSize(50), projection.Takeover(time.Second))
	if err != nil {
		return err
	}
	audit, err := readmodel.NewAudit(store, quiet(), projection.BatchSize(50), projection.Takeover(time.Second))
	if err != nil {
		return err
	}
	for _, m := range []readmodel.Model{balances, audit} {
		go func() { stop(m.Run(ctx)) }()
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// openPatiently waits for a server that is being started.
func openPatiently(ctx context.Context, name string) (store bank.Store, err error) {
	for range 200 {
		if store, err = bank.OpenStore(ctx, name, true); err == nil {
			return store, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, err
}

type runner struct{ *exec.Cmd }

func start(t *testing.T, name string) runner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asRunner+"="+name)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return runner{cmd}
}

func (r runner) kill() {
	_ = r.Process.Kill()
	_ = r.Wait()
}

func TestBalancesAgreeToTheCentWithAReplayThroughCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("processes and a server of its own: not with -short")
	}
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		agreeThroughCrashes(t, filepath.Join(t.TempDir(), "bank.db"), nil)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := pgtest.New(t)
		agreeThroughCrashes(t, server.URL(), func() {
			server.Kill()
			if err := server.Start(); err != nil {
				t.Error(err)
			}
		})
	})
}

// agreeThroughCrashes has 16 writers write while two processes that keep the read models are killed at random, and the
// server, if there is one.
func agreeThroughCrashes(t *testing.T, name string, crash func()) {
	store, err := openPatiently(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := bank.New(store, nil)
	const accounts = 24
	for n := range accounts {
		if _, err := b.Do(t.Context(), operation.Request{Kind: operation.Open, Account: id(n), Owner: "Owner", Overdraft: money.New(1000_00, "EUR")}, ""); err != nil {
			t.Fatal(err)
		}
	}
	var done atomic.Int64
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for range 16 {
		writing.Go(func() {
			for key := ""; ; {
				select {
				case <-stop:
					return
				default:
				}
				key = es.NewID().String()
				r := roll(accounts)
				for { // until its outcome is known: the key sees to that
					_, err := b.Do(t.Context(), r, key)
					if _, refused := errors.AsType[*account.Error](err); err == nil || refused {
						break
					}
					if t.Context().Err() != nil {
						return
					}
				}
				done.Add(1)
			}
		})
	}
	span := cmp.Or(*soak, 3*time.Second)
	runners := []runner{start(t, name), start(t, name)}
	kills, crashes := 0, 0
	for began := time.Now(); time.Since(began) < span; {
		time.Sleep(300*time.Millisecond + rand.N(700*time.Millisecond))
		if crash != nil && kills%5 == 2 {
			crash()
			crashes++
		}
		n := rand.N(len(runners))
		runners[n].kill()
		runners[n] = start(t, name)
		kills++
	}
	close(stop)
	writing.Wait()
	for _, r := range runners {
		r.kill()
	}
	balances, err := readmodel.NewBalances(store, 1, quiet(), projection.Takeover(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	audit, err := readmodel.NewAudit(store, quiet(), projection.Takeover(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []readmodel.Model{balances, audit} {
		if err := m.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rows := compare(t, b, balances)
	trail := map[string]int64{}
	events := 0
	if err := audit.Last(t.Context(), "", 1<<30, func(r readmodel.Row) error {
		trail[r.Account] += r.Amount
		events++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if trail[row.Account] != row.Balance.Minor {
			t.Errorf("the trail of %s adds up to %d, its balance is %d", row.Account, trail[row.Account], row.Balance.Minor)
		}
	}
	books, err := b.Verify(t.Context(), "", nil)
	if err != nil || len(books.Wrong) > 0 {
		t.Errorf("the books: %v, %v", books.Wrong, err)
	}
	if events != books.Events {
		t.Errorf("the trail has %d rows, there are %d events", events, books.Events)
	}
	t.Logf("%d operations, %d events, %d kills of subscribers, %d crashes of the server: %d balances agree to the cent", done.Load(), events, kills, crashes, len(rows))
}

func id(n int) string { return fmt.Sprintf("acc-%03d", n) }

func roll(accounts int) operation.Request {
	from := rand.N(accounts)
	r := operation.Request{Kind: operation.Deposit, Account: id(from), Amount: money.New(1+rand.N[int64](99_99), "EUR")}
	switch rand.N(3) {
	case 0:
		r.Kind, r.To = operation.Transfer, id((from+1+rand.N(accounts-1))%accounts)
	case 1:
		r.Kind = operation.Withdraw
	}
	return r
}

// compare holds the balances against the accounts replayed from their first event, without snapshots.
func compare(t *testing.T, b *bank.Bank, balances readmodel.Balances) (rows []readmodel.Balance) {
	t.Helper()
	if err := balances.List(t.Context(), "", 0, func(r readmodel.Balance) error {
		rows = append(rows, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for a, err := range b.Accounts(t.Context(), "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.At(t.Context(), a.ID(), a.Version()) // which uses no later snapshot
		if err != nil {
			t.Fatal(err)
		}
		want := readmodel.Balance{Account: a.ID(), Owner: a.Owner, Balance: a.Money(a.Balance), Overdraft: a.Money(a.Overdraft), Closed: a.Closed, Version: a.Version()}
		if n >= len(rows) || rows[n] != want {
			t.Fatalf("row %d is not %+v: %+v", n, want, rows[min(n, len(rows)-1)])
		}
		n++
	}
	if n != len(rows) {
		t.Fatalf("%d rows for %d accounts", len(rows), n)
	}
	return rows
}
