package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// FeedStatus tells how far the feed can be read, and what holds it up.
type FeedStatus struct {
	// Head is the position up to which the feed is stable.
	Head es.Position
	// Last is the position of the last committed event. What lies between is read when the
	// transactions in Blockers have ended.
	Last es.Position
	// Blockers are the open transactions that have touched the events, the oldest first: all
	// of them, whether or not the feed waits for them at the moment.
	Blockers []Blocker
}

// Blocker is an open transaction that has touched the events, and may have taken
// positions.
type Blocker struct {
	Transaction string        // PostgreSQL's virtualtransaction
	PID         int           // of its session; 0 if the transaction is prepared
	Prepared    string        // the global id of a prepared transaction, to COMMIT or ROLLBACK PREPARED
	Application string        // application_name, "" if the role may not see it
	State       string        // of the session, such as "idle in transaction"
	Age         time.Duration // since the transaction began, or was prepared
}

// A prepared transaction has no pid; its xid is found by the lock that it holds on it.
const blockers = `SELECT l.virtualtransaction, coalesce(l.pid, 0), coalesce(p.gid, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
	coalesce(extract(epoch FROM clock_timestamp() - coalesce(p.prepared, a.xact_start)), 0)::float8
FROM pg_locks l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction AND x.locktype = 'transactionid'
LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.relation = to_regclass('{schema}.events') AND l.mode = 'RowExclusiveLock' AND l.granted
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 6 DESC`

// FeedStatus tells how far the feed can be read and which transactions hold it up. A role sees
// the name, state and age of other roles' transactions only with the rights of
// pg_read_all_stats.
func (s *Store) FeedStatus(ctx context.Context) (FeedStatus, error) {
	head, err := s.fence.head(ctx, 0)
	status := FeedStatus{Head: head}
	if err == nil {
		err = s.retry(ctx, func() error {
			var run es.Position
			return s.pool.QueryRow(ctx, s.sql.fenceScan, int64(head), 1).Scan(&status.Last, &run)
		})
	}
	if err == nil {
		err = s.retry(ctx, func() error {
			rows, err := s.pool.Query(ctx, s.sql.blockers)
			if err != nil {
				return err
			}
			status.Blockers, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
				var age float64
				err = row.Scan(&b.Transaction, &b.PID, &b.Prepared, &b.Application, &b.State, &age)
				b.Age = time.Duration(age * float64(time.Second))
				return b, err
			})
			return err
		})
	}
	if err != nil {
		return FeedStatus{}, fmt.Errorf("reading the status of the feed: %w", err)
	}
	return status, nil
}

// Health returns nil if the store can be used: the server answers, takes writes, and
// has the tables that this package works with. Else it is [ErrUnavailable] or [ErrSchema]. It tries
// once.
func (s *Store) Health(ctx context.Context) error {
	err := s.usable(ctx)
	var standby bool
	if err == nil {
		err = s.pool.QueryRow(ctx, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool").Scan(&standby)
	}
	if err == nil && standby {
		err = fmt.Errorf("it is a standby, or read-only: %w", ErrUnavailable)
	}
	if err == nil {
		err = checkVersion(ctx, s.pool, s.schema)
	}
	if err != nil {
		return fmt.Errorf("checking the PostgreSQL store in schema %s: %w", s.schema, typed(ctx, err))
	}
	return nil
}
