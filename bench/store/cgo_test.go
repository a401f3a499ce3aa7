//go:build cgo

package store

import _ "github.com/mattn/go-sqlite3"

// cgo: the other libraries have the driver that their documentation names.
const (
	cgo          = true
	sqliteDriver = "sqlite3"
)

func sqliteDSN(path string) string {
	return "file:" + path + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate"
}
