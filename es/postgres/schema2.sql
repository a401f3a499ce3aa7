CREATE TABLE {schema}.groups (
	name       text        NOT NULL COLLATE "C",
	partitions integer     NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT groups_pkey PRIMARY KEY (name)
);

COMMENT ON TABLE {schema}.groups IS 'readers of the feed that share their work';

CREATE TABLE {schema}.members (
	group_name text   NOT NULL COLLATE "C",
	member     uuid   NOT NULL,
	beat       bigint NOT NULL,
	CONSTRAINT members_pkey PRIMARY KEY (group_name, member)
);

COMMENT ON COLUMN {schema}.members.beat IS 'a counter that the others watch: no clocks are compared';

CREATE TABLE {schema}.partitions (
	group_name text        NOT NULL COLLATE "C",
	partition  integer     NOT NULL,
	epoch      bigint      NOT NULL DEFAULT 0,
	owner      uuid,
	position   bigint      NOT NULL DEFAULT 0,
	saved_at   timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT partitions_pkey PRIMARY KEY (group_name, partition)
);

COMMENT ON COLUMN {schema}.partitions.epoch IS 'rises with each owner: who comes with a former one records nothing';

CREATE TABLE {schema}.parked (
	name     text        NOT NULL COLLATE "C",
	category text        NOT NULL COLLATE "C",
	stream   text        NOT NULL COLLATE "C",
	version  bigint      NOT NULL,
	position bigint      NOT NULL,
	attempts integer     NOT NULL,
	error    text        NOT NULL,
	at       timestamptz NOT NULL DEFAULT now(),
	verdict  text        NOT NULL DEFAULT '',
	CONSTRAINT parked_pkey PRIMARY KEY (name, category, stream)
);

COMMENT ON TABLE {schema}.parked IS
	'streams that a subscription has set aside at an event that it could not handle';
