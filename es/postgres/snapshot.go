package postgres

import (
	"context"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

const saveSnapshot = `
WITH l AS (SELECT coalesce(max(version), 0) AS version FROM {schema}.events WHERE category = $1::text AND stream = $2::text),
saved AS (
	INSERT INTO {schema}.snapshots AS s (category, stream, fingerprint, version, data)
	SELECT $1::text, $2::text, $3::text, $4::int8, $5::bytea FROM l WHERE $4::int8 BETWEEN 1 AND l.version
	ON CONFLICT (category, stream, fingerprint) DO UPDATE
	SET version = excluded.version, data = excluded.data, saved_at = excluded.saved_at
	WHERE s.version <= excluded.version)
SELECT version FROM l`

// SaveSnapshot implements [es.Store]. The store keeps one snapshot of each stream and
// fingerprint, the newest.
func (s *Store) SaveSnapshot(ctx context.Context, snapshot es.Snapshot) error {
	if err := snapshot.Validate(); err != nil {
		return fmt.Errorf("saving a snapshot of %s: %w", snapshot.Stream, err)
	}
	data := snapshot.Data
	if data == nil {
		data = []byte{}
	}
	var actual es.Version
	err := s.retry(ctx, func() error {
		return s.pool.QueryRow(ctx, s.sql.saveSnapshot, snapshot.Stream.Category, snapshot.Stream.ID, snapshot.Fingerprint,
			int64(snapshot.Version), data).Scan(&actual)
	})
	if err != nil {
		return fmt.Errorf("saving a snapshot of %s: %w", snapshot.Stream, err)
	}
	if snapshot.Version < 1 || snapshot.Version > actual {
		return notReached(snapshot, actual)
	}
	return nil
}

func notReached(snapshot es.Snapshot, actual es.Version) error {
	return fmt.Errorf("saving a snapshot of %s at version %d: the stream is at version %d: %w",
		snapshot.Stream, snapshot.Version, actual, es.ErrNotFound)
}
