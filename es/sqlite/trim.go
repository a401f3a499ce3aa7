package sqlite

import (
	"context"
	"os"
)

// SQLite writes a WAL of some 4 MiB back to the file, and then starts it anew in the
// next moment without a reader. Readers that come and go all the time leave no such
// moment, and the WAL grows without end, though each of them reads but for an instant.
// So the writer makes one: while it appends nothing, new readers need no WAL.
const (
	// longWAL is the size in bytes from which the writer does so.
	longWAL = 16 << 20

	// trimEvery is the number of commits between two looks at the size, and
	// trimAgain after a look that came to nothing, as when another program reads on.
	trimEvery = 64
	trimAgain = 1024

	// trimTries bounds how long appends wait for readers to end, to some 30 ms.
	trimTries = 20
)

// trim writes a long WAL back and empties it.
func (w *writer) trim() {
	if w.untilTrim--; w.untilTrim > 0 || w.conn == nil {
		return
	}
	w.untilTrim = trimEvery
	if info, err := os.Stat(w.store.path + "-wal"); err != nil || info.Size() < longWAL {
		return
	}
	b := backoff{}
	for range trimTries {
		busy := true
		_, err := w.conn.one("PRAGMA wal_checkpoint(TRUNCATE)", func(r *row) { busy = r.int(0) != 0 })
		switch {
		case err == nil && !busy:
			return
		case err != nil && !isBusy(err):
			w.abandon()
			return
		case b.wait(context.Background(), w.store.closing) != nil:
			return
		}
	}
	w.untilTrim = trimAgain
}
