//go:build !cgo

package store

import _ "modernc.org/sqlite"

// Without cgo, the other libraries have the driver that esgen has, or are left out.
const (
	cgo          = false
	sqliteDriver = "sqlite"
	plainDSN     = "file:%s"
	tunedDSN     = "file:%s?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
)
