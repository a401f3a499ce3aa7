package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// statements are the texts of the store's statements, with its schema in them.
type statements struct {
	append  statement // many writes of many appends
	singles statement // appends of one event each
	single  statement // one such append
	stream  statement // an append of several events to one stream
	settle  string

	readForwards, readBackwards, streamExists                                                                            string
	load, loadUnless, loadSnapshot, loadSnapshotUnless, loadAsOf, loadAsOfUnless                                         string
	saveSnapshot, readCheckpoint, saveCheckpoint, listStreams                                                            string
	readFeed, readFeedFiltered, fenceScan, fenceHolders, fenceStart, readRestores, blockers                              string
	moveCheckpoint, movePartitions, park, foundParked, unpark, readReaders, readReader, readParked, decide, readIdentity string
	readReadModel, lockReadModel, saveReadModel, forget, lockCheckpoint                                                  string
	setTimer, clearTimer, clearTimerDue, readTimers                                                                      string
	createGroup, beat, readGroup, readPartitions, claim, release, leave                                                  string
}

// statement is executed below pgx's own layer, with its parameters in binary.
type statement struct {
	sql  string
	oids []uint32
}

// appendSQL appends the events of those appends of which every stream meets its
// expectation, in the order in which the events are sent, and returns what it
// stored. Its parameters are one array a column: $1 to $4 for the writes, $5 to $11 for
// their events.
//
// The time is the statement's, but never before that of the stream's last event,
// whoever's clock that was.
const appendSQL = `
WITH w AS MATERIALIZED (
	SELECT u.number, u.category, u.stream, coalesce(l.version, 0) AS version, l.recorded_at,
		bool_and(CASE u.expected
			WHEN -2 THEN true
			WHEN -1 THEN l.version IS NOT NULL
			ELSE coalesce(l.version, 0) = u.expected END) OVER (PARTITION BY u.append) AS met
	FROM unnest($1::int4[], $2::text[], $3::text[], $4::int8[]) WITH ORDINALITY AS u (append, category, stream, expected, number)
	LEFT JOIN LATERAL (
		SELECT e.version, e.recorded_at FROM {schema}.events e
		WHERE e.category = u.category AND e.stream = u.stream
		ORDER BY e.version DESC LIMIT 1) l ON true)
INSERT INTO {schema}.events (version, recorded_at, id, schema, category, stream, type, data, metadata)
SELECT w.version + e.number, greatest(statement_timestamp(), w.recorded_at), e.id, e.schema, w.category, w.stream, e.type, e.data, e.metadata
FROM unnest($5::int4[], $6::int4[], $7::uuid[], $8::text[], $9::int4[], $10::json[], $11::json[])
	WITH ORDINALITY AS e (write, number, id, type, schema, data, metadata, place)
JOIN w ON w.number = e.write
WHERE w.met
ORDER BY e.place
RETURNING category, stream, version, position`

// singlesSQL is appendSQL for appends of one event each: what many writers send.
const singlesSQL = `
INSERT INTO {schema}.events (version, recorded_at, id, schema, category, stream, type, data, metadata)
SELECT coalesce(l.version, 0) + 1, greatest(statement_timestamp(), l.recorded_at), u.id, u.schema, u.category, u.stream, u.type, u.data, u.metadata
FROM unnest($1::text[], $2::text[], $3::int8[], $4::uuid[], $5::text[], $6::int4[], $7::json[], $8::json[])
	WITH ORDINALITY AS u (category, stream, expected, id, type, schema, data, metadata, place)
LEFT JOIN LATERAL (
	SELECT e.version, e.recorded_at FROM {schema}.events e
	WHERE e.category = u.category AND e.stream = u.stream
	ORDER BY e.version DESC LIMIT 1) l ON true
WHERE CASE u.expected
	WHEN -2 THEN true
	WHEN -1 THEN l.version IS NOT NULL
	ELSE coalesce(l.version, 0) = u.expected END
ORDER BY u.place
RETURNING category, stream, version, position`

// singleSQL is appendSQL for one event of one stream: what a lone writer sends.
const singleSQL = `
INSERT INTO {schema}.events (version, recorded_at, id, schema, category, stream, type, data, metadata)
SELECT coalesce(l.version, 0) + 1, greatest(statement_timestamp(), l.recorded_at), $4, $6, $1, $2, $5, $7, $8
FROM (SELECT) one
LEFT JOIN (
	SELECT e.version, e.recorded_at FROM {schema}.events e
	WHERE e.category = $1 AND e.stream = $2
	ORDER BY e.version DESC LIMIT 1) l ON true
WHERE CASE $3::int8
	WHEN -2 THEN true
	WHEN -1 THEN l.version IS NOT NULL
	ELSE coalesce(l.version, 0) = $3 END
RETURNING category, stream, version, position`

// streamSQL is appendSQL for several events of one stream: what the save of an aggregate sends.
const streamSQL = `
INSERT INTO {schema}.events (version, recorded_at, id, schema, category, stream, type, data, metadata)
SELECT coalesce(l.version, 0) + e.number, greatest(statement_timestamp(), l.recorded_at), e.id, e.schema, $1, $2, e.type, e.data, e.metadata
FROM unnest($4::uuid[], $5::text[], $6::int4[], $7::json[], $8::json[]) WITH ORDINALITY AS e (id, type, schema, data, metadata, number)
LEFT JOIN (
	SELECT e.version, e.recorded_at FROM {schema}.events e
	WHERE e.category = $1 AND e.stream = $2
	ORDER BY e.version DESC LIMIT 1) l ON true
WHERE CASE $3::int8
	WHEN -2 THEN true
	WHEN -1 THEN l.version IS NOT NULL
	ELSE coalesce(l.version, 0) = $3 END
ORDER BY e.number
RETURNING category, stream, version, position`

// settleSQL tells in one snapshot what decides a lost append: at which version its
// streams are, and which of its events they have already.
const settleSQL = `
SELECT u.number, NULL::uuid, coalesce(l.version, 0), 0::int8, 0, NULL::text, NULL::json
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (category, stream, number)
LEFT JOIN LATERAL (
	SELECT e.version FROM {schema}.events e
	WHERE e.category = u.category AND e.stream = u.stream
	ORDER BY e.version DESC LIMIT 1) l ON true
UNION ALL
SELECT u.number, e.id, e.version, e.position, e.schema, e.type, e.data
FROM unnest($3::int8[], $4::text[], $5::text[], $6::uuid[]) AS u (number, category, stream, id)
CROSS JOIN LATERAL (
	SELECT e.* FROM {schema}.events e
	WHERE e.category = u.category AND e.stream = u.stream AND e.id = u.id
	OFFSET 0) e`

func newStatements(schema string) statements {
	text := func(sql string) string { return strings.ReplaceAll(sql, "{schema}", quoted(schema)) }
	unless := func(parameter string) string { return strings.ReplaceAll(loadUnless, "{unless}", parameter) }
	return statements{
		append: statement{text(appendSQL), []uint32{
			pgtype.Int4ArrayOID, pgtype.TextArrayOID, pgtype.TextArrayOID, pgtype.Int8ArrayOID,
			pgtype.Int4ArrayOID, pgtype.Int4ArrayOID, pgtype.UUIDArrayOID, pgtype.TextArrayOID,
			pgtype.Int4ArrayOID, pgtype.JSONArrayOID, pgtype.JSONArrayOID,
		}},
		singles: statement{text(singlesSQL), []uint32{
			pgtype.TextArrayOID, pgtype.TextArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID,
			pgtype.TextArrayOID, pgtype.Int4ArrayOID, pgtype.JSONArrayOID, pgtype.JSONArrayOID,
		}},
		single: statement{text(singleSQL), []uint32{
			pgtype.TextOID, pgtype.TextOID, pgtype.Int8OID, pgtype.UUIDOID, pgtype.TextOID, pgtype.Int4OID, pgtype.JSONOID, pgtype.JSONOID,
		}},
		stream: statement{text(streamSQL), []uint32{
			pgtype.TextOID, pgtype.TextOID, pgtype.Int8OID,
			pgtype.UUIDArrayOID, pgtype.TextArrayOID, pgtype.Int4ArrayOID, pgtype.JSONArrayOID, pgtype.JSONArrayOID,
		}},
		settle: text(settleSQL),

		readForwards:  text(readForwards),
		readBackwards: text(readBackwards),
		streamExists:  text(streamExists),

		load:               text(loadEvents + loadOrder),
		loadUnless:         text(unless("$6") + loadEvents + loadOrder + loadMerged),
		loadSnapshot:       text(loadSnapshot + loadTrailing + loadOrder + loadMerged),
		loadSnapshotUnless: text(unless("$7") + loadSnapshot + loadTrailing + loadOrder + loadMerged),
		loadAsOf:           text(loadEvents + loadAsOf + loadOrder),
		loadAsOfUnless:     text(unless("$7") + loadEvents + loadAsOf + loadOrder + loadMerged),

		saveSnapshot:   text(saveSnapshot),
		readCheckpoint: text(readCheckpoint),
		saveCheckpoint: text(saveCheckpoint),
		listStreams:    text(listStreams),

		readFeed:         text(readFeed),
		readFeedFiltered: text(readFeedFiltered),
		fenceScan:        text(fenceScan),
		fenceHolders:     text(fenceHolders),
		fenceStart:       text(fenceStart),
		readRestores:     text(readRestores),
		blockers:         text(blockers),

		moveCheckpoint: text(moveCheckpoint),
		movePartitions: text(movePartitions),
		park:           text(park),
		foundParked:    text(foundParked),
		unpark:         text(unpark),
		readReaders:    text(readReaders),
		readReader:     text(readReader),
		readParked:     text(readParked),
		decide:         text(decide),
		readIdentity:   text(readIdentity),
		readReadModel:  text(readReadModel),
		lockReadModel:  text(lockReadModel),
		saveReadModel:  text(saveReadModel),
		forget:         text(forget),
		lockCheckpoint: text(lockCheckpoint),
		setTimer:       text(setTimer),
		clearTimer:     text(clearTimer),
		clearTimerDue:  text(clearTimerDue),
		readTimers:     text(readTimers),

		createGroup:    text(createGroup),
		beat:           text(beat),
		readGroup:      text(readGroup),
		readPartitions: text(readPartitions),
		claim:          text(claim),
		release:        text(release),
		leave:          text(leave),
	}
}
