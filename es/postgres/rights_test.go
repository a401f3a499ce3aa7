package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/storetest"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// migrated makes room for a store as an administrator does who grants a role what
// GrantSQL prints, and returns the place for that role.
func migrated(t testing.TB) (place, schema, role string) {
	t.Helper()
	server := pgtest.Shared(t)
	schema, role = pgtest.Name(t), pgtest.Name(t)
	sql, err := postgres.SQL(schema, 0)
	if err != nil {
		t.Fatal(err)
	}
	grant, err := postgres.GrantSQL(schema, role)
	if err != nil {
		t.Fatal(err)
	}
	server.Exec(t, sql)
	server.Exec(t, "CREATE ROLE "+role+" LOGIN; "+grant)
	t.Cleanup(func() { server.Exec(t, "DROP SCHEMA "+schema+" CASCADE; DROP ROLE "+role) })
	return schema + " " + server.URL() + " " + role, schema, role
}

func TestStoreOfARoleWithOnlyTheDocumentedRights(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string {
			place, _, _ := migrated(t)
			return place
		},
		Open: func(ctx context.Context, place string) (es.Store, error) {
			at := strings.Fields(place)
			schema, admin, role := at[0], at[1], at[2]
			if err := buryTheDead(ctx, admin); err != nil {
				return nil, err
			}
			return openAs(ctx, schema, admin, role)
		},
		Complete: true,
	})
}

func TestTheDocumentedRightsChangeNoEvent(t *testing.T) {
	t.Parallel()
	place, schema, role := migrated(t)
	_, rest, _ := strings.Cut(place, " ")
	admin, _, _ := strings.Cut(rest, " ")
	conn, err := pgx.Connect(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT c.relname || ' ' || p.privilege
		FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege)
		WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege($2::name, c.oid, p.privilege)`, schema, role)
	if err != nil {
		t.Fatal(err)
	}
	rights, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rights)
	want := []string{
		"checkpoints INSERT", "checkpoints SELECT", "checkpoints UPDATE",
		"events INSERT", "events SELECT",
		"groups INSERT", "groups SELECT",
		"members DELETE", "members INSERT", "members SELECT", "members UPDATE",
		"parked DELETE", "parked INSERT", "parked SELECT", "parked UPDATE",
		"partitions INSERT", "partitions SELECT", "partitions UPDATE",
		"restores SELECT",
		"snapshots INSERT", "snapshots SELECT", "snapshots UPDATE",
		"store SELECT",
	}
	if !slices.Equal(rights, want) {
		t.Errorf("GrantSQL grants\n%s\nwant\n%s", strings.Join(rights, "\n"), strings.Join(want, "\n"))
	}
	store, err := openAs(t.Context(), schema, admin, role)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Health(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := store.FeedStatus(t.Context()); err != nil {
		t.Error(err)
	}
}
