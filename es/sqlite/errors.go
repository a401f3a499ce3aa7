package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Why [Open] refuses a file. It is left as it was.
var (
	// ErrForeignFile: the file is no SQLite database, or that of another application.
	ErrForeignFile = errors.New("not an esgen event store")
	// ErrNewerSchema: a newer version of this package wrote the file.
	ErrNewerSchema = errors.New("written by a newer version of esgen")
	// ErrReadOnly: this process may not write the file or its directory.
	ErrReadOnly = errors.New("read-only")
)

// errDamaged is what a file holds that this package never writes.
var errDamaged = errors.New("the file is damaged: restore it from a backup")

// errMoved is what happens when somebody removes or replaces a file in use.
var errMoved = errors.New("the file was removed or replaced while it was open: close the store and open it again")

// code returns the primary result code of SQLite in an error, 0 if there is none.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// isEngine reports whether the engine failed, rather than refused what was asked.
func isEngine(err error) bool { return code(err) != 0 || errors.Is(err, errDamaged) }

// isTrouble reports whether the engine failed for a reason that lies with the machine or with other connections, and
// not with the statement.
func isTrouble(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return isBusy(err)
}

// isBusy reports whether another connection is in the way, for a moment.
func isBusy(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// explainWrite puts the engine's error at a write into the terms of this package.
func explainWrite(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full: %w", err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	default:
		return err
	}
}
