package postgres_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// soak makes the test under load last longer: go test -run CrashOfTheServer -soak 2m
var soak = flag.Duration("soak", 0, "how long the test under load lasts, with more writers")

func TestMain(m *testing.M) {
	if os.Getenv(benchURL) != "" {
		if err := runBenchProcess(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// A sequence of the model is a dozen connections, each a process of the server: thirty of them instead of a hundred, if
	// nothing else is asked for. The other stores are compared with the same model.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err) // it is rapid's
	}
	os.Exit(pgtest.Main(m))
}

// place returns a schema that does not exist yet, in a database of the shared server.
// It goes with the server.
func place(t testing.TB) string { return pgtest.Name(t) + " " + pgtest.Shared(t).URL() }

// openPlace opens a store at what place returned.
func openPlace(ctx context.Context, place string, opts ...postgres.Option) (*postgres.Store, error) {
	schema, url, ok := strings.Cut(place, " ")
	if !ok {
		return nil, fmt.Errorf("no place: %q", place)
	}
	if err := buryTheDead(ctx, url); err != nil {
		return nil, err
	}
	url += "&application_name=" + applicationName(os.Getpid())
	return postgres.Open(ctx, url, append([]postgres.Option{postgres.Schema(schema)}, opts...)...)
}

func applicationName(pid int) string { return fmt.Sprint("esgen-test-", pid) }

// undertakers are what [buryTheDead] asks the servers with, by their URLs; they go with the servers.
var undertakers struct {
	sync.Mutex
	pools map[string]*pgxpool.Pool
}

func undertaker(url string) (*pgxpool.Pool, error) {
	u := &undertakers
	u.Lock()
	defer u.Unlock()
	if pool, ok := u.pools[url]; ok {
		return pool, nil
	}
	pool, err := pgxpool.New(context.Background(), url)
	if err == nil {
		if u.pools == nil {
			u.pools = map[string]*pgxpool.Pool{}
		}
		u.pools[url] = pool
	}
	return pool, err
}

// buryTheDead waits for the sessions of processes that were killed. The server goes
// on with what it was told, and notices that the client is gone only when it answers, so
// that an append that nobody was told of may be stored a moment after the kill.
func buryTheDead(ctx context.Context, url string) error {
	pool, err := undertaker(url)
	if err != nil {
		return err
	}
	for {
		rows, err := pool.Query(ctx, "SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name LIKE 'esgen-test-%'")
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		dead := slices.ContainsFunc(names, func(name string) bool {
			pid, err := strconv.Atoi(strings.TrimPrefix(name, "esgen-test-"))
			return err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		})
		if !dead {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place:    place,
		Open:     func(ctx context.Context, place string) (es.Store, error) { return openPlace(ctx, place) },
		Complete: true,
	})
}

// everyStatement are the areas of the suite that touch every statement of the store.
var everyStatement = []string{"Append", "Expected", "Idempotency", "Load", "Read", "Snapshot", "Feed", "Checkpoint", "Progress", "Parked", "Group", "List", "Watch"}

// runEveryStatement runs these, and more areas, for a store that is reached in another way. What does not depend on that,
// [TestStore] checks once.
func runEveryStatement(t *testing.T, h storetest.Harness, more ...string) {
	if testing.Short() {
		t.Skip("-short: it takes all statements over other connections")
	}
	runAreas(t, h, append(more, everyStatement...)...)
}

func runAreas(t *testing.T, h storetest.Harness, areas ...string) {
	for _, clause := range storetest.Clauses() {
		if area, _, _ := strings.Cut(clause.Name, "/"); slices.Contains(areas, area) {
			t.Run(clause.Name, func(t *testing.T) {
				t.Parallel()
				clause.Check(t, h)
			})
		}
	}
}
