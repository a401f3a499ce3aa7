package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed schema.sql
var schemaV1 string

//go:embed schema2.sql
var schemaV2 string

//go:embed schema3.sql
var schemaV3 string

// migrations lead from version i to version i+1. One that was released is never
// changed.
var migrations = []string{schemaV1, schemaV2, schemaV3}

// SchemaVersion is the version of the tables that this package works with.
func SchemaVersion() int { return len(migrations) }

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,56}$`)

func validateSchema(schema string) error {
	if !schemaName.MatchString(schema) {
		return fmt.Errorf("schema name %q: taken are a-z, 0-9 and _, at most 57 bytes, not beginning with a digit", schema)
	}
	return nil
}

// SQL returns the statements that bring a database schema from a version (0: it does not
// exist) to [SchemaVersion], in one transaction: for people who migrate by hand and
// open their stores with [WithoutMigration].
func SQL(schema string, from int) (string, error) {
	if err := validateSchema(schema); err != nil {
		return "", err
	}
	if from < 0 || from > len(migrations) {
		return "", fmt.Errorf("migrating from version %d: versions are 0 to %d", from, len(migrations))
	}
	return "BEGIN;\n" + migrationSQL(schema, from) + "COMMIT;\n", nil
}

func migrationSQL(schema string, from int) string {
	var sql strings.Builder
	if from == 0 {
		fmt.Fprintf(&sql, "CREATE SCHEMA IF NOT EXISTS %s;\n", quoted(schema))
	}
	for i, migration := range migrations[from:] {
		sql.WriteString(strings.ReplaceAll(migration, "{schema}", quoted(schema)))
		if from+i == 0 {
			fmt.Fprintf(&sql, "\nINSERT INTO %s.store (version) VALUES (1);\n", quoted(schema))
		} else {
			fmt.Fprintf(&sql, "\nUPDATE %s.store SET version = %d;\n", quoted(schema), from+i+1)
		}
	}
	return sql.String()
}

// GrantSQL returns the statement that gives a role the rights that a store needs
// at run time, and no others. Grant again after a migration, which may have added tables.
func GrantSQL(schema, role string) (string, error) {
	if err := validateSchema(schema); err != nil {
		return "", err
	}
	s, r := quoted(schema), quoted(role)
	return fmt.Sprintf("GRANT USAGE ON SCHEMA %[1]s TO %[2]s;\n"+
		"GRANT SELECT ON %[1]s.store, %[1]s.restores TO %[2]s;\n"+
		"GRANT SELECT, INSERT ON %[1]s.events TO %[2]s;\n"+
		"GRANT SELECT, INSERT, UPDATE ON %[1]s.snapshots, %[1]s.read_models TO %[2]s;\n"+
		"GRANT SELECT, INSERT, DELETE ON %[1]s.groups TO %[2]s;\n"+
		"GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s.checkpoints, %[1]s.partitions, %[1]s.members, %[1]s.parked, %[1]s.timers TO %[2]s;\n", s, r), nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// migrate creates the tables or brings them up to date. Processes that start
// together wait for each other under an advisory lock.
func migrate(ctx context.Context, conn *pgx.Conn, schema string) error {
	version, err := readVersion(ctx, conn, schema)
	if err != nil || version >= len(migrations) {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		key := fnv.New64a()
		key.Write([]byte("esgen schema " + schema))
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(key.Sum64())); err != nil {
			return err
		}
		version, err := readVersion(ctx, tx, schema)
		if err != nil || version >= len(migrations) {
			return err
		}
		_, err = tx.Exec(ctx, migrationSQL(schema, version), pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// checkVersion refuses tables that this package does not know.
func checkVersion(ctx context.Context, q querier, schema string) error {
	version, err := readVersion(ctx, q, schema)
	switch {
	case err != nil:
		return err
	case version < len(migrations):
		return fmt.Errorf("schema %s is at version %d, this program needs %d: %w: migrate it, see postgres.SQL", schema, version, len(migrations), ErrSchema)
	case version > len(migrations):
		return fmt.Errorf("schema %s is at version %d, this program knows %d: %w: update the program", schema, version, len(migrations), ErrSchema)
	}
	return nil
}

// querier is what pools, connections and transactions share.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readVersion returns the version of the tables, 0 if there are none.
func readVersion(ctx context.Context, q querier, schema string) (version int, err error) {
	var exists bool
	// Not to_regclass, which answers from the session's cache, though another process has
	// created the table meanwhile.
	if err := q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = 'store')`, schema).Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		return 0, nil
	}
	err = q.QueryRow(ctx, "SELECT version FROM "+quoted(schema)+".store").Scan(&version)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == codeNoPrivilege {
		err = fmt.Errorf("%w: grant the role what postgres.GrantSQL prints", err)
	}
	if err != nil {
		return 0, fmt.Errorf("reading the version of schema %s: %w", schema, err)
	}
	return version, nil
}
