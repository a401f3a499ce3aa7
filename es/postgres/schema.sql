CREATE TABLE {schema}.store (
	only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
	id         uuid        NOT NULL DEFAULT gen_random_uuid(),
	version    integer     NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.events (
	position    bigint      GENERATED ALWAYS AS IDENTITY (CACHE 1),
	version     bigint      NOT NULL,
	recorded_at timestamptz NOT NULL,
	id          uuid        NOT NULL,
	schema      integer     NOT NULL,
	category    text        NOT NULL COLLATE "C",
	stream      text        NOT NULL COLLATE "C",
	type        text        NOT NULL COLLATE "C",
	data        json        NOT NULL,
	metadata    json,
	CONSTRAINT events_pkey PRIMARY KEY (category, stream, version),
	CONSTRAINT events_id_key UNIQUE (id, stream, category),
	CONSTRAINT events_position_key UNIQUE (position)
);

COMMENT ON COLUMN {schema}.events.data IS
	'the bytes as they were written; ->> fails on a text with \u0000: see {schema}.field';

CREATE TABLE {schema}.snapshots (
	category    text        NOT NULL COLLATE "C",
	stream      text        NOT NULL COLLATE "C",
	fingerprint text        NOT NULL COLLATE "C",
	version     bigint      NOT NULL,
	data        bytea       NOT NULL,
	saved_at    timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT snapshots_pkey PRIMARY KEY (category, stream, fingerprint)
);

CREATE TABLE {schema}.checkpoints (
	name     text        NOT NULL COLLATE "C",
	position bigint      NOT NULL,
	saved_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT checkpoints_pkey PRIMARY KEY (name)
);

CREATE FUNCTION {schema}.field(data json, name text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
	RETURN data ->> name;
EXCEPTION WHEN untranslatable_character THEN
	RETURN (data -> name)::text;
END $$;

COMMENT ON FUNCTION {schema}.field IS
	'data ->> name, but the JSON text as it stands where it holds U+0000, which no SQL text can';
