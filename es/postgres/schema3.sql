CREATE TABLE {schema}.read_models (
	name       text      NOT NULL COLLATE "C",
	serving    integer   NOT NULL DEFAULT 0,
	versions   integer[] NOT NULL DEFAULT '{}',
	partitions integer[] NOT NULL DEFAULT '{}',
	CONSTRAINT read_models_pkey PRIMARY KEY (name)
);

COMMENT ON COLUMN {schema}.read_models.serving IS 'the version that readers use; 0: none';

CREATE TABLE {schema}.timers (
	name text        NOT NULL COLLATE "C",
	id   text        NOT NULL COLLATE "C",
	due  timestamptz NOT NULL,
	data bytea,
	CONSTRAINT timers_pkey PRIMARY KEY (name, id)
);

CREATE INDEX timers_due ON {schema}.timers (name, due, id);

COMMENT ON TABLE {schema}.timers IS 'what process managers wait for';
