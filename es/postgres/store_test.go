package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// place returns a schema that does not exist yet, in a database of the shared server.
func place(t testing.TB) string {
	server := pgtest.Shared(t)
	schema := pgtest.Name(t)
	t.Cleanup(func() { server.Exec(t, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	return schema + " " + server.URL()
}

// openPlace opens a store at what place returned.
func openPlace(ctx context.Context, place string, opts ...postgres.Option) (*postgres.Store, error) {
	schema, url, ok := strings.Cut(place, " ")
	if !ok {
		return nil, fmt.Errorf("no place: %q", place)
	}
	return postgres.Open(ctx, url, append([]postgres.Option{postgres.Schema(schema)}, opts...)...)
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place:    place,
		Open:     func(ctx context.Context, place string) (es.Store, error) { return openPlace(ctx, place) },
		Complete: true,
	})
}
