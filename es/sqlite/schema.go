package sqlite

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

// applicationID marks a file as an event store of esgen ("esgn").
const applicationID = 0x6573676e

//go:embed schema.sql
var schema1 string

//go:embed schema2.sql
var schema2 string

//go:embed schema3.sql
var schema3 string

// migrations lead from each schema version to the next; the first creates it.
var migrations = []string{schema1, schema2, schema3}

// prepareFile brings a file to WAL mode and to this package's schema, unless it is
// another application's. Any number of processes may do so at once.
func prepareFile(ctx context.Context, closing <-chan struct{}, c *conn) error {
	var version int
	err := retryBusy(ctx, closing, func() (err error) {
		version, err = fileVersion(c)
		return err
	})
	if err != nil {
		return err
	}
	var mode string
	err = retryBusy(ctx, closing, func() error {
		_, err := c.one("PRAGMA journal_mode = WAL", func(r *row) { mode = r.text(0) })
		return err
	})
	if err != nil {
		return fmt.Errorf("changing to WAL mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("the file stays in journal mode %q instead of WAL: its file system has no shared memory: use a local one", mode)
	}
	// The lock is taken even if there is nothing to do: it shows that the file can be written.
	err = retryBusy(ctx, closing, func() error {
		_, err := c.exec("BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		return err
	}
	if version < len(migrations) {
		err = migrate(c)
	}
	if err != nil {
		_, _ = c.exec("ROLLBACK")
		return fmt.Errorf("migrating the schema: %w", err)
	}
	_, err = c.exec("COMMIT")
	return err
}

// migrate runs under the write lock, so it looks again who was first.
func migrate(c *conn) error {
	version, err := fileVersion(c)
	if err != nil || version == len(migrations) {
		return err
	}
	for _, script := range migrations[version:] {
		for statement := range strings.SplitSeq(script, ";\n") {
			if statement = strings.TrimSpace(statement); statement == "" {
				continue
			}
			if _, err := c.exec(statement); err != nil {
				return err
			}
		}
	}
	if _, err := c.exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	_, err = c.exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
	return err
}

// fileVersion returns the schema version of a file, 0 if it is empty, and refuses a
// file that is not this package's.
func fileVersion(c *conn) (version int, err error) {
	var application, user, objects int64
	_, err = c.one(`SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`, func(r *row) {
		application, user, objects = r.int(0), r.int(1), r.int(2)
	})
	switch {
	case err != nil:
		return 0, err
	case application == 0 && user == 0 && objects == 0:
		return 0, nil
	case application != applicationID:
		return 0, fmt.Errorf("%w: the database belongs to another application (application_id %#x, %d tables and indexes)",
			ErrForeignFile, application, objects)
	case user > int64(len(migrations)):
		return 0, fmt.Errorf("%w: its schema version is %d, this one knows %d: upgrade esgen here",
			ErrNewerSchema, user, len(migrations))
	case user < 1:
		return 0, fmt.Errorf("%w: schema version %d", errDamaged, user)
	}
	return int(user), nil
}
