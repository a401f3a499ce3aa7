package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/DeluxeOwl/chronicle/eventlog"
	"github.com/aneshas/eventstore"
	hallgren "github.com/hallgren/eventsourcing/eventstore/sql"

	"github.com/esgen-go/esgen/es/sqlite"
)

// onSQLite opens the libraries on files of their own: the others as their documentation does but with full durability,
// and tuned.
func onSQLite(tb testing.TB) []library {
	store := must(sqlite.Open(context.Background(), file(tb)))
	tb.Cleanup(func() { _ = store.Close() })
	libraries := []library{newEsgen(store)}
	for _, tuned := range []bool{false, true} {
		for _, l := range peersOnSQLite(tb, tuned) {
			if tuned {
				l.name += tunedSuffix
			} else {
				l.alone = l.name != "hallgren" // which has a mutex; the others fail with "database is locked"
			}
			libraries = append(libraries, l)
		}
	}
	return libraries
}

// tunedSuffix marks a library with the journal that esgen has. It waits for a lock rather than fail, and
// takes the write lock first, without which several writers fail.
const tunedSuffix = "+wal"

func file(tb testing.TB) string { return filepath.Join(tb.TempDir(), "events.db") }

func peersOnSQLite(tb testing.TB, tuned bool) []library {
	dsn, journal := plainDSN, "delete"
	if tuned {
		dsn, journal = tunedDSN, "wal"
	}
	open := func() *sql.DB {
		db := must(sql.Open(sqliteDriver, fmt.Sprintf(dsn, file(tb))))
		keep(db)
		checkDurable(tb, db, journal)
		tb.Cleanup(func() { _ = db.Close() })
		return db
	}
	libraries := []library{
		newChronicle(must(eventlog.NewSqlite(open()))),
		newHallgren(must(hallgren.NewSQLiteSingelWriter(open()))),
	}
	if !cgo {
		tb.Log("aneshas is left out: its SQLite driver needs cgo")
		return libraries
	}
	aneshas := must(eventstore.New(eventstore.NewJSONEncoder(Deposited{}), eventstore.WithSQLiteDB(fmt.Sprintf(dsn, file(tb)))))
	tb.Cleanup(func() { _ = aneshas.Close() })
	db := must(aneshas.DB.DB())
	keep(db)
	checkDurable(tb, db, journal)
	return append(libraries, newAneshas(aneshas))
}

func checkDurable(tb testing.TB, db *sql.DB, journal string) {
	tb.Helper()
	var mode string
	var synchronous int
	if err := db.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		tb.Fatal(err)
	}
	if err := db.QueryRow("PRAGMA synchronous").Scan(&synchronous); err != nil {
		tb.Fatal(err)
	}
	if mode != journal || synchronous != 2 {
		tb.Fatalf("journal_mode is %s, synchronous is %d", mode, synchronous)
	}
}
