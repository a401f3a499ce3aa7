package postgres_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// Every clause has a PgBouncer of its own, with few connections to the server, so that
// one transaction after the other is on another of them. Those that a killed client has used
// must go away soon, for [buryTheDead].
func TestStoreThroughPgBouncerInTransactionMode(t *testing.T) {
	t.Parallel()
	runEveryStatement(t, storetest.Harness{
		Place: func(t testing.TB) string {
			direct := place(t)
			addr := pgtest.Shared(t).PgBouncer(t, "default_pool_size = 5", "server_idle_timeout = 1")
			_, url, _ := strings.Cut(direct, " ")
			return direct + " " + pgtest.WithAddr(url, addr)
		},
		Open: func(ctx context.Context, place string) (es.Store, error) {
			at := strings.Fields(place)
			schema, direct, pooled := at[0], at[1], at[2]
			if err := buryTheDead(ctx, direct); err != nil {
				return nil, err
			}
			return postgres.Open(ctx, pooled+"&application_name="+applicationName(os.Getpid()),
				postgres.Schema(schema), postgres.TransactionPooling(), postgres.DirectURL(direct))
		},
		Complete: true,
	}, "Close", "Context", "Durability")
}
