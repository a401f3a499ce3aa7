-- Schema version 2: what subscriptions keep beside their checkpoints, and an
-- identity of the store for checkpoints that are kept elsewhere.

CREATE TABLE store (
	id BLOB NOT NULL -- the 16 bytes of a UUID, given once
) STRICT;

INSERT INTO store (id) VALUES (randomblob(16));

-- groups share the work of one reader among processes.
CREATE TABLE groups (
	name       TEXT    PRIMARY KEY,
	partitions INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
	group_name TEXT    NOT NULL,
	member     BLOB    NOT NULL,
	beat       INTEGER NOT NULL,
	PRIMARY KEY (group_name, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
	group_name TEXT    NOT NULL,
	partition  INTEGER NOT NULL,
	epoch      INTEGER NOT NULL,
	owner      BLOB,             -- NULL: nobody
	position   INTEGER NOT NULL,
	PRIMARY KEY (group_name, partition)
) STRICT, WITHOUT ROWID;

-- parked has the streams that a subscription has set aside at an event.
CREATE TABLE parked (
	name     TEXT    NOT NULL,
	category TEXT    NOT NULL,
	stream   TEXT    NOT NULL,
	version  INTEGER NOT NULL,
	position INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	error    TEXT    NOT NULL,
	at       INTEGER NOT NULL, -- microseconds since 1970, UTC
	verdict  TEXT    NOT NULL,
	PRIMARY KEY (name, category, stream)
) STRICT, WITHOUT ROWID;
