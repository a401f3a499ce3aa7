-- Schema version 3: which versions of read models there are, and timers.

CREATE TABLE read_models (
	name       TEXT    PRIMARY KEY,
	serving    INTEGER NOT NULL, -- the version that readers use; 0: none
	versions   TEXT    NOT NULL, -- that exist: a JSON array of integers, ascending
	partitions TEXT    NOT NULL  -- by how many transactions each is built
) STRICT, WITHOUT ROWID;

-- timers are what processes wait for.
CREATE TABLE timers (
	name TEXT    NOT NULL, -- of the process manager
	id   TEXT    NOT NULL,
	due  INTEGER NOT NULL, -- microseconds since 1970, UTC
	data BLOB,
	PRIMARY KEY (name, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX timers_due ON timers (name, due, id);
