package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/esgen-go/esgen/es"
)

// link appends over one connection, which it makes when it needs one and drops
// when it fails. It is not safe for concurrent use.
type link struct {
	store       *Store
	local       bool          // its settings go with each transaction, and its statements have no names
	lockTimeout time.Duration // how long a flush waits for another transaction

	usual   time.Duration // that flushes take
	outdone bool          // the session has another lock timeout

	conn                            *pgconn.PgConn
	append, singles, single, stream *pgconn.StatementDescription

	enc    encoder
	writes []placedWrite
}

// settings are those of a link's session. Its plans are made once, when the tables may
// still be empty, and must suit tables and flushes of any size: no scan of the whole
// table, no nested loop where it can be avoided. A flush waits for another transaction no longer than
// the lock timeout, which must come before a statement timeout of the user's, for that one would
// not tell that the append was blocked.
const settings = `SELECT set_config('plan_cache_mode', 'force_generic_plan', $2::bool),
	set_config('enable_seqscan', 'off', $2), set_config('enable_nestloop', 'off', $2),
	set_config('jit', 'off', $2), set_config('default_transaction_isolation', 'read committed', $2),
	set_config('lock_timeout', least($1, nullif((extract(epoch FROM current_setting('statement_timeout')::interval) * 500)::int, 0))::text, $2)`

var (
	binaryFormat  = []int16{1}
	settingsTypes = []uint32{pgtype.Int4OID, pgtype.BoolOID}
)

// ready makes the connection unless it stands.
func (l *link) ready(ctx context.Context) error {
	if l.conn != nil && !l.conn.IsClosed() {
		if !l.outdone || l.local {
			return nil
		}
		l.outdone = false
		return l.conn.ExecParams(ctx, settings, l.settingValues(false), settingsTypes, nil, nil).Read().Err
	}
	l.conn = nil
	conn, err := l.store.connect(ctx, "")
	if err != nil {
		return err
	}
	l.conn, l.outdone = conn.PgConn(), false
	if l.local {
		return nil
	}
	err = l.conn.ExecParams(ctx, settings, l.settingValues(false), settingsTypes, nil, nil).Read().Err
	sql := &l.store.sql
	for _, p := range []struct {
		name string
		*statement
		desc **pgconn.StatementDescription
	}{
		{"esgen_append", &sql.append, &l.append},
		{"esgen_singles", &sql.singles, &l.singles},
		{"esgen_single", &sql.single, &l.single},
		{"esgen_stream", &sql.stream, &l.stream},
	} {
		if err == nil {
			*p.desc, err = l.conn.Prepare(ctx, p.name, p.sql, p.oids)
		}
	}
	if err != nil {
		l.drop()
	}
	return err
}

func (l *link) settingValues(local bool) [][]byte {
	return [][]byte{fmt.Appendf(nil, "%d", max(1, l.lockTimeout.Milliseconds())), fmt.Appendf(nil, "%t", local)}
}

// The least and the most that the lane waits for another transaction. Within that, it is twice
// what its flushes take: other processes' flushes to the same streams take as long, and are worth
// waiting for.
const (
	minLockTimeout = 5 * time.Millisecond
	maxLockTimeout = 100 * time.Millisecond
)

// pace adapts the lock timeout to how long a flush took.
func (l *link) pace(took time.Duration) {
	l.usual += (took - l.usual) / 8
	want := min(max(2*l.usual, minLockTimeout), maxLockTimeout)
	if want > 2*l.lockTimeout || want < l.lockTimeout/2 {
		l.lockTimeout, l.outdone = want, true
	}
}

// drop closes the connection.
func (l *link) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}

// send executes one statement for all requests and returns what it stored of each: a receipt
// without streams for those that lost. On an error nothing was stored, unless the
// connection is closed.
func (l *link) send(ctx context.Context, requests []*request) ([]es.Receipt, error) {
	stmt, desc, params := l.encode(requests)
	defer l.enc.trim()
	if !l.local {
		return l.receive(l.conn.ExecStatement(ctx, desc, params, binaryFormat, binaryFormat), requests)
	}
	// Both statements are one transaction, and its settings end with it.
	var batch pgconn.Batch
	batch.ExecParams(settings, l.settingValues(true), settingsTypes, nil, nil)
	batch.ExecParams(stmt.sql, params, stmt.oids, binaryFormat, binaryFormat)
	return receiveSecond(l, l.conn.ExecBatch(ctx, &batch), requests)
}

// sendUnprepared is send on a connection that is not the link's own, with its
// settings as they are.
func (l *link) sendUnprepared(ctx context.Context, requests []*request) ([]es.Receipt, error) {
	stmt, _, params := l.encode(requests)
	return l.receive(l.conn.ExecParams(ctx, stmt.sql, params, stmt.oids, binaryFormat, binaryFormat), requests)
}

// encode chooses the statement for the requests and makes its parameters.
func (l *link) encode(requests []*request) (*statement, *pgconn.StatementDescription, [][]byte) {
	l.writes = place(l.writes, requests)
	sql := &l.store.sql
	singles := len(l.writes) == len(requests)
	for i := range l.writes {
		singles = singles && len(l.writes[i].Events) == 1
	}
	switch {
	case singles && len(l.writes) == 1:
		return &sql.single, l.single, l.enc.single(&l.writes[0])
	case len(l.writes) == 1:
		return &sql.stream, l.stream, l.enc.stream(&l.writes[0])
	case singles:
		return &sql.singles, l.singles, l.enc.singles(l.writes)
	default:
		return &sql.append, l.append, l.enc.many(l.writes)
	}
}

// receiveSecond reads the second result of a batch of two.
func receiveSecond(l *link, results *pgconn.MultiResultReader, requests []*request) (receipts []es.Receipt, err error) {
	for n := 0; results.NextResult(); n++ {
		if n == 1 {
			receipts, err = l.receive(results.ResultReader(), requests)
		} else if _, readErr := results.ResultReader().Close(); err == nil {
			err = readErr
		}
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	if err == nil && receipts == nil {
		err = fmt.Errorf("the server answered without a result")
	}
	return receipts, err
}

// receive reads the rows of an append statement. They are those of the writes that were stored,
// in the order of the writes.
func (l *link) receive(rows *pgconn.ResultReader, requests []*request) ([]es.Receipt, error) {
	receipts := make([]es.Receipt, len(requests))
	next, left := 0, 0 // the write to come, and the events to come of the one before it
	var err error
	for rows.NextRow() && err == nil {
		values := rows.Values()
		if left == 0 {
			for next < len(l.writes) && !l.writes[next].is(values[0], values[1]) {
				next++
			}
			if next == len(l.writes) {
				err = fmt.Errorf("the server stored %s-%s unasked", values[0], values[1])
				break
			}
			left = len(l.writes[next].Events)
			next++
		}
		w := &l.writes[next-1]
		r := &receipts[w.request]
		if r.Streams == nil {
			r.Streams = make([]es.Written, len(requests[w.request].writes))
		}
		written := &r.Streams[w.index]
		if written.First == 0 {
			written.Stream, written.First = w.Stream, es.Version(binary.BigEndian.Uint64(values[2]))
		}
		written.Last = es.Version(binary.BigEndian.Uint64(values[2]))
		written.Position = es.Position(binary.BigEndian.Uint64(values[3]))
		left--
	}
	if _, closeErr := rows.Close(); closeErr != nil {
		return nil, closeErr
	}
	return receipts, err
}

// is reports whether the write is to a stream.
func (w *placedWrite) is(category, stream []byte) bool {
	return w.Stream.ID == string(stream) && w.Stream.Category == string(category)
}
