package postgres

import (
	"fmt"
	"strings"
)

// PartitionSQL returns the statements, in one transaction, that divide the events of a database schema
// into partitions by a hash of their streams: for tables that have outgrown what is
// comfortable to vacuum, to index and to back up as one. Stores work on them as before.
//
// The transaction copies the whole table and locks it meanwhile: appends wait, and fail with
// [ErrBlocked] in the end, so do it while nobody appends. It needs as much free space again as the
// table has, and the rights of the tables' owner; the rights of others are kept. What is given up is the unique
// index on the position, which PostgreSQL can't have across partitions: positions come from one sequence as before.
//
// Every statement locks all partitions, and what is not of one stream (the feed, a list of streams) looks into
// each: take as few as do, such as 8 or 16.
func PartitionSQL(schema string, partitions int) (string, error) {
	if err := validateSchema(schema); err != nil {
		return "", err
	}
	if partitions < 2 || partitions > 1024 {
		return "", fmt.Errorf("dividing the events of schema %s into %d partitions: taken are 2 to 1024", schema, partitions)
	}
	var parts strings.Builder
	for i := range partitions {
		fmt.Fprintf(&parts, "CREATE TABLE {schema}.events_%d PARTITION OF {schema}.events FOR VALUES WITH (MODULUS %d, REMAINDER %d);\n", i, partitions, i)
	}
	return strings.ReplaceAll(strings.ReplaceAll(partitionSQL, "{partitions}", parts.String()), "{schema}", quoted(schema)), nil
}

// An identity column would do instead of the sequence, but not before PostgreSQL 17. Unlike
// that, a sequence needs a right.
const partitionSQL = `BEGIN;
LOCK TABLE {schema}.events IN ACCESS EXCLUSIVE MODE;
ALTER TABLE {schema}.events RENAME TO events_undivided;
ALTER TABLE {schema}.events_undivided RENAME CONSTRAINT events_pkey TO events_undivided_pkey;
ALTER TABLE {schema}.events_undivided RENAME CONSTRAINT events_id_key TO events_undivided_id_key;

CREATE TABLE {schema}.events (LIKE {schema}.events_undivided INCLUDING COMMENTS INCLUDING STORAGE INCLUDING COMPRESSION)
	PARTITION BY HASH (category, stream);
CREATE SEQUENCE {schema}.events_positions AS bigint CACHE 1 OWNED BY {schema}.events.position;
SELECT setval('{schema}.events_positions', last_value, is_called) FROM {schema}.events_position_seq;
ALTER TABLE {schema}.events ALTER COLUMN position SET DEFAULT nextval('{schema}.events_positions');
{partitions}
INSERT INTO {schema}.events SELECT * FROM {schema}.events_undivided;
ALTER TABLE {schema}.events ADD CONSTRAINT events_pkey PRIMARY KEY (category, stream, version);
ALTER TABLE {schema}.events ADD CONSTRAINT events_id_key UNIQUE (id, stream, category);
CREATE INDEX events_position ON {schema}.events (position);

DO $$
DECLARE
	granted record;
BEGIN
	FOR granted IN
		SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role, a.privilege_type AS privilege
		FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
		WHERE c.oid = '{schema}.events_undivided'::regclass AND a.grantee <> c.relowner
	LOOP
		EXECUTE format('GRANT %s ON {schema}.events TO %s', granted.privilege, granted.role);
		IF granted.privilege = 'INSERT' THEN
			EXECUTE format('GRANT USAGE ON SEQUENCE {schema}.events_positions TO %s', granted.role);
		END IF;
	END LOOP;
END $$;

DROP TABLE {schema}.events_undivided;
ANALYZE {schema}.events;
COMMIT;
`
