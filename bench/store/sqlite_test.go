package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/DeluxeOwl/chronicle/eventlog"
	"github.com/aneshas/eventstore"
	hallgren "github.com/hallgren/eventsourcing/eventstore/sql"

	"github.com/esgen-go/esgen/es/sqlite"
)

// onSQLite opens the libraries on files of their own. The others have the journal and the durability
// that esgen has, which is faster than what they open by default; they wait for a lock rather than fail, and
// take the write lock first, without which several writers fail.
func onSQLite(tb testing.TB) []library {
	file := func() string { return filepath.Join(tb.TempDir(), "events.db") }
	open := func() *sql.DB {
		db := must(sql.Open(sqliteDriver, sqliteDSN(file())))
		keep(db)
		checkDurable(tb, db)
		tb.Cleanup(func() { _ = db.Close() })
		return db
	}

	store := must(sqlite.Open(context.Background(), file()))
	tb.Cleanup(func() { _ = store.Close() })

	libraries := []library{
		newEsgen(store),
		newChronicle(must(eventlog.NewSqlite(open()))),
		newHallgren(must(hallgren.NewSQLiteSingelWriter(open()))),
	}
	if !cgo {
		tb.Log("aneshas is left out: its SQLite driver needs cgo")
		return libraries
	}
	aneshas := must(eventstore.New(eventstore.NewJSONEncoder(Deposited{}), eventstore.WithSQLiteDB(sqliteDSN(file()))))
	tb.Cleanup(func() { _ = aneshas.Close() })
	db := must(aneshas.DB.DB())
	keep(db)
	checkDurable(tb, db)
	return append(libraries, newAneshas(aneshas))
}

func checkDurable(tb testing.TB, db *sql.DB) {
	tb.Helper()
	var journal string
	var synchronous int
	if err := db.QueryRow("PRAGMA journal_mode").Scan(&journal); err != nil {
		tb.Fatal(err)
	}
	if err := db.QueryRow("PRAGMA synchronous").Scan(&synchronous); err != nil {
		tb.Fatal(err)
	}
	if journal != "wal" || synchronous != 2 {
		tb.Fatalf("journal_mode is %s, synchronous is %d", journal, synchronous)
	}
}
