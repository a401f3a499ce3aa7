//go:build cgo

package store

import _ "github.com/mattn/go-sqlite3"

// With cgo, the other libraries have the driver that their documentation names. Its default is less than full durability.
const (
	cgo          = true
	sqliteDriver = "sqlite3"
	plainDSN     = "file:%s?_synchronous=FULL"
	tunedDSN     = "file:%s?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate"
)
