package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/internal/pgtest"
)

// A standby that is promoted between the two questions must not answer "I take writes" after it has listed the
// transactions that it, as a standby, does not know.
func TestAServerIsAskedWhetherItIsAStandbyBeforeItsTransactions(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Shared(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "EXPLAIN (VERBOSE, COSTS OFF) "+newStatements("esgen").fenceHolders)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(lines, "\n")
	asked, listed := strings.Index(plan, "One-Time Filter: pg_is_in_recovery()"), strings.Index(plan, "pg_lock_status()")
	if !strings.HasPrefix(plan, "Append") || asked < 0 || listed < asked {
		t.Errorf("the server executes:\n%s\nwant an Append that asks pg_is_in_recovery first", plan)
	}
}
