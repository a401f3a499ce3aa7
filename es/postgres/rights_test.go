package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
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

// That the documented rights are enough for every statement, [TestStoreInPartitionsWithOnlyTheDocumentedRights] shows.
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
		"checkpoints DELETE", "checkpoints INSERT", "checkpoints SELECT", "checkpoints UPDATE",
		"events INSERT", "events SELECT",
		"groups DELETE", "groups INSERT", "groups SELECT",
		"members DELETE", "members INSERT", "members SELECT", "members UPDATE",
		"parked DELETE", "parked INSERT", "parked SELECT", "parked UPDATE",
		"partitions DELETE", "partitions INSERT", "partitions SELECT", "partitions UPDATE",
		"read_models INSERT", "read_models SELECT", "read_models UPDATE",
		"restores SELECT",
		"snapshots INSERT", "snapshots SELECT", "snapshots UPDATE",
		"store SELECT",
		"timers DELETE", "timers INSERT", "timers SELECT", "timers UPDATE",
	}
	if !slices.Equal(rights, want) {
		t.Errorf("GrantSQL grants\n%s\nwant\n%s", strings.Join(rights, "\n"), strings.Join(want, "\n"))
	}
	w := newWorldAt(t, schema+" "+pgtest.WithUser(admin, role), postgres.WithoutMigration())
	tx := w.begin()
	w.appendTx(tx, "a")
	w.commit(tx)
	if err := w.store.Health(w.ctx); err != nil {
		t.Error(err)
	}
	if _, err := w.store.FeedStatus(w.ctx); err != nil {
		t.Error(err)
	}
	err = w.store.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error { // all that a projection does to the store's tables
		err := w.store.ChangeReadModelTx(ctx, tx, "m", func(m *es.ReadModel) error {
			m.Add(1, 2)
			return nil
		})
		if err == nil {
			_, err = w.store.CheckpointTx(ctx, tx, "m@1")
		}
		return errors.Join(err, w.store.ForgetTx(ctx, tx, "m@1"))
	})
	if err != nil {
		t.Error(err)
	}
	for _, forbidden := range []string{"UPDATE {schema}.events SET data = '1'", "DELETE FROM {schema}.events", "TRUNCATE {schema}.events", "UPDATE {schema}.store SET version = 9"} {
		if _, err := w.session().Exec(w.ctx, strings.ReplaceAll(forbidden, "{schema}", schema)); err == nil {
			t.Errorf("the role may %q", forbidden)
		}
	}
}
