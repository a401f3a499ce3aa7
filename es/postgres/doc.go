// Package postgres keeps events in PostgreSQL (15 or later) with pgx. It keeps every
// promise of [es.Store], has all its optional interfaces, and may be opened by any
// number of processes at once.
//
//	store, err := postgres.Open(ctx, "postgres://app@db.internal/bank")
//
// # Appends
//
// Appends of many goroutines meet in one lane, which sends what has queued while its last statement was
// under way: one statement and one commit for all. It waits for no timer, so that a
// lone append costs one round trip. A conflict or a refused event touches only its own
// caller. An append whose connection is lost is sent again until it is settled; event ids see
// to it that it happens once. [Store.AppendTx] appends within a transaction of the caller's.
//
// An append to a stream that such an open transaction holds leaves the lane after some milliseconds and
// waits on one of up to four connections beside it, for [LockTimeout] at most. The stream is remembered, so that later
// appends to it hold up nobody, and goes back to the lane with the first that goes through.
//
// Acknowledged means committed with the server's synchronous_commit; a server where it is off is
// refused, see [AllowAsynchronousCommit]. After a failover nothing is lost if the standby
// was synchronous. After a failover to one that was not, or the restore of a backup, positions
// that readers have seen would be given to other events. A checkpoint beyond the head is refused
// ([es.ErrBeyondHead]); the function {schema}.restored, called before new appends, keeps it so.
//
// # The feed
//
// The feed never skips. Positions are taken before a transaction commits, so a higher one may be
// seen first; a reader is then held back until no open transaction can fill the hole, which
// costs writers nothing. Keep transactions that append short: [Store.FeedStatus] names
// those that hold the feed up, and prepared ones that nobody ends. The feed is read from the primary.
//
// # Tables
//
// [Open] creates and migrates the tables in a schema of their own, esgen unless [Schema] says otherwise.
// People without the right to do that execute what [SQL] prints, and open with
// [WithoutMigration]. At run time a role needs what [GrantSQL] prints, and no more:
// USAGE on the schema, SELECT on store and restores, SELECT and INSERT on events, and on the other tables what each
// needs. A read model in the same database needs rights of its own.
//
// Events are rows of {schema}.events. Their data are of type json, not jsonb, which keeps neither
// the bytes nor U+0000. data->>'name' works, but fails on a text with U+0000; the function
// {schema}.field(data, 'name') does not. Who queries by type or time adds an index; each
// costs an append about a tenth:
//
//	CREATE INDEX CONCURRENTLY ON esgen.events (type, position);
//	CREATE INDEX CONCURRENTLY ON esgen.events (recorded_at);
//
// The feed's filters by category and type need none: they run on the server, along the positions.
//
// # Connections
//
// Reads use the pool. Appends, notifications, their listener, and the look-out for open transactions that could yet
// fill a hole in the feed, use one connection each, of the store's own, besides up to two that settle conflicts and
// repetitions, and up to four for appends that wait for an open transaction. A pool given to [New] plans reads better with these settings, which [Open] makes itself:
//
//	SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off
//
// Through PgBouncer with pool_mode=transaction, give [TransactionPooling] and a [DirectURL], and
// to a pool of yours default_query_exec_mode=cache_describe. A URL may name several hosts: the
// store connects to the one that takes writes, and refuses standbys.
//
// Tables that outgrow one piece are divided by what [PartitionSQL] prints. The guide in docs/guides tells of
// failover, backup, monitoring and archives.
//
// # Observing
//
// Spans esgen.append and esgen.append_tx, and the metrics esgen.append.duration (by outcome),
// esgen.flush.appends and esgen.flush.blocked, go to OpenTelemetry; statements are traced by a tracer in pgx's configuration. [Logger]
// hears of retries at level debug, and of transactions that hold up the feed at level
// warn. [Store.Health] is for health checks.
package postgres
