package sqlite

import (
	"context"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

// SaveSnapshot implements [es.Store]. The newest snapshot of each stream and
// fingerprint is kept.
func (s *Store) SaveSnapshot(ctx context.Context, snapshot es.Snapshot) error {
	if err := snapshot.Validate(); err != nil {
		return fmt.Errorf("saving a snapshot of %s: %w", snapshot.Stream, err)
	}
	err := s.write(ctx, func(t *tx) error { return saveSnapshot(t, snapshot) })
	if err != nil {
		return fmt.Errorf("saving a snapshot of %s at version %d: %w", snapshot.Stream, snapshot.Version, explainWrite(err))
	}
	return nil
}

func saveSnapshot(t *tx, snapshot es.Snapshot) error {
	var key, version int64
	_, err := t.one(selectStream, func(r *row) {
		key, version = r.int(0), r.int(1)
	}, snapshot.Stream.Category, snapshot.Stream.ID)
	if err != nil {
		return err
	}
	if snapshot.Version < 1 || int64(snapshot.Version) > version {
		return fmt.Errorf("the stream is at version %d: %w", version, es.ErrNotFound)
	}
	data := snapshot.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	_, err = t.exec(`INSERT INTO snapshots (stream, fingerprint, version, data) VALUES (?, ?, ?, ?)
		ON CONFLICT (stream, fingerprint) DO UPDATE SET version = excluded.version, data = excluded.data
		WHERE version <= excluded.version`, key, snapshot.Fingerprint, int64(snapshot.Version), data)
	return err
}
