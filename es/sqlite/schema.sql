-- Schema version 1. A version that was released is never edited: the next one is
-- a migration of its own.

-- streams has one row a stream. Its version is that of its last event, which
-- events_by_version finds as fast as a column here would, without a write for it.
CREATE TABLE streams (
	key      INTEGER PRIMARY KEY,
	category TEXT    NOT NULL,
	id       TEXT    NOT NULL,
	UNIQUE (category, id)
) STRICT;

-- types interns the pairs of an event type's name and schema version.
CREATE TABLE types (
	key    INTEGER PRIMARY KEY,
	name   TEXT    NOT NULL,
	schema INTEGER NOT NULL,
	UNIQUE (name, schema)
) STRICT;

-- events is the feed, stored in its order.
CREATE TABLE events (
	position    INTEGER PRIMARY KEY,
	stream      INTEGER NOT NULL REFERENCES streams (key),
	version     INTEGER NOT NULL,
	type        INTEGER NOT NULL REFERENCES types (key),
	recorded_at INTEGER NOT NULL, -- microseconds since 1970, UTC
	id          BLOB    NOT NULL, -- the 16 bytes of a UUID
	meta        BLOB,             -- a JSON object, NULL if there is none
	data        BLOB    NOT NULL  -- one JSON text
) STRICT;

CREATE UNIQUE INDEX events_by_version ON events (stream, version);
CREATE UNIQUE INDEX events_by_id ON events (stream, id);

-- snapshots has the newest one of each stream and fingerprint.
CREATE TABLE snapshots (
	stream      INTEGER NOT NULL REFERENCES streams (key),
	fingerprint TEXT    NOT NULL,
	version     INTEGER NOT NULL,
	data        BLOB    NOT NULL,
	UNIQUE (stream, fingerprint)
) STRICT;

CREATE TABLE checkpoints (
	name     TEXT    PRIMARY KEY,
	position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
