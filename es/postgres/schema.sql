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

CREATE TABLE {schema}.restores (
	head   bigint      NOT NULL,
	beyond bigint      NOT NULL,
	at     timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT restores_pkey PRIMARY KEY (head)
);

COMMENT ON TABLE {schema}.restores IS
	'restores of older backups: positions above head, up to beyond, were given before and are lost';

CREATE FUNCTION {schema}.restored(beyond bigint) RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	head  bigint;
	given bigint;
BEGIN
	LOCK TABLE {schema}.events IN EXCLUSIVE MODE;
	SELECT coalesce(max(position), 0) INTO head FROM {schema}.events;
	IF beyond <= head THEN
		RAISE EXCEPTION 'position % is not beyond the head of the events, which is %', beyond, head;
	END IF;
	SELECT setval(s, greatest(beyond, nextval(s))) INTO given FROM pg_get_serial_sequence('{schema}.events', 'position') AS s;
	INSERT INTO {schema}.restores (head, beyond) VALUES (head, given)
	ON CONFLICT ON CONSTRAINT restores_pkey DO UPDATE SET beyond = excluded.beyond, at = excluded.at;
	RETURN given;
END $$;

COMMENT ON FUNCTION {schema}.restored IS
	'call it after restoring an older backup, before any append, with a position that no reader had passed';

CREATE FUNCTION {schema}.field(data json, name text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
	RETURN data ->> name;
EXCEPTION WHEN untranslatable_character THEN -- an escape in front of \u0000 is no escape of it
	RETURN regexp_replace(data::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json ->> name;
END $$;

COMMENT ON FUNCTION {schema}.field IS
	'data ->> name, with U+FFFD for U+0000, which no text of PostgreSQL can hold';
