package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// The statements of the fence. Each is a transaction of its own, so that it sees
// what was committed before it began.
const (
	// fenceScan returns the last position of all, and the last of those that follow $1 without
	// a hole.
	fenceScan = `SELECT coalesce((SELECT max(position) FROM {schema}.events), 0),
	coalesce((SELECT max(position) FROM (
		SELECT position, row_number() OVER (ORDER BY position) AS number FROM (
			SELECT position FROM {schema}.events WHERE position > $1 ORDER BY position LIMIT $2) a) b
	WHERE position - number = $1), $1)`

	// fenceHolders returns the transactions that may have appended and are not over. A prepared
	// one goes by its transaction id: its virtual one changes when the server restarts. A standby, which
	// does not see the primary's transactions, returns one without a name; this is asked
	// first, since it may be promoted meanwhile.
	fenceHolders = `SELECT '', false WHERE pg_is_in_recovery()
UNION ALL SELECT CASE WHEN l.pid IS NULL THEN coalesce((
		SELECT 'prepared ' || min(x.transactionid::text) FROM pg_locks x
		WHERE x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction AND x.locktype = 'transactionid'), 'prepared')
	ELSE l.virtualtransaction END, l.pid IS NULL
FROM pg_locks l
WHERE l.locktype = 'relation' AND l.relation = to_regclass('{schema}.events') AND l.mode = 'RowExclusiveLock' AND l.granted
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

	// fenceStart returns a position up to which another process had passed the fence:
	// no checkpoint lies beyond it.
	fenceStart = `SELECT coalesce(max(position), 0) FROM {schema}.checkpoints
WHERE position <= (SELECT max(position) FROM {schema}.events)`
)

// fence finds the position up to which the feed is stable: no event will ever
// appear at or below it.
//
// Positions are taken from a sequence before their transactions commit, so one may appear
// after a higher one. Where positions follow each other without a hole, nothing can appear
// between them. A hole belongs to a transaction that is still open, or was rolled back. A
// transaction locks the events table (RowExclusiveLock) before it takes a position, and gives the lock up
// after its events are visible. So, once a position above the hole is seen: of the
// transactions that hold the lock from then on, only those that hold it already can
// fill the hole, and when all of these are over, and a fresh look still shows the hole, it is
// there for ever. Transaction ids would not do: a position can be taken before
// the transaction has an id.
//
// A hole is never skipped because time has passed.
type fence struct {
	store *Store
	conn  *conns       // one
	begun atomic.Int64 // how many steps have begun

	turn     chan struct{} // holds a token while someone advances the fence; guards what follows
	done     int64         // the number of the last step that succeeded
	open     bool          // it stands at open transactions
	waiting  *waiting      // for these
	watching bool          // a goroutine asks on

	state   sync.Mutex
	safe    es.Position
	last    es.Position // the last position of all, as it was seen last
	started bool
	lost    []lostRange
}

// Waiting for transactions that are about to end: how long a reader does so before
// it takes what is safe already, and how often the server is asked.
const (
	fenceScanRows = 10_000
	fencePatience = 50 * time.Millisecond
	fencePollMin  = time.Millisecond
	fencePollMax  = 50 * time.Millisecond
	fenceWarn     = 10 * time.Second // how old a hole is reported
)

func newFence(s *Store) *fence {
	f := &fence{store: s, turn: make(chan struct{}, 1)}
	f.conn = newConns(s, 1, f.connect)
	return f
}

// connect leads where the reads go that the fence bounds. What is safe on another server need not be safe there.
func (f *fence) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := f.store.connect(ctx, "")
	if err != nil || f.store.pooling {
		return conn, err
	}
	if err := tune(ctx, conn); err != nil { // a pool of the caller's may not have done that
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// published returns the position found last.
func (f *fence) published() (safe es.Position, started bool) {
	f.state.Lock()
	defer f.state.Unlock()
	return f.safe, f.started
}

func (f *fence) publish(safe, last es.Position) {
	f.state.Lock()
	defer f.state.Unlock()
	f.safe, f.last, f.started = safe, last, true
}

// committed reports whether a position is not beyond the last committed event. Another process may
// have passed what this one still waits for, so that a reader may come from there.
func (f *fence) committed(p es.Position) bool {
	f.state.Lock()
	defer f.state.Unlock()
	return p <= f.last
}

// head returns the position up to which the feed can be read. If enough is above 0
// and known to be reached, it returns without asking the server.
func (f *fence) head(ctx context.Context, enough es.Position) (es.Position, error) {
	if err := f.store.usable(ctx); err != nil {
		return 0, err
	}
	if safe, started := f.published(); started && enough > 0 && safe >= enough {
		return safe, nil
	}
	var head es.Position
	err := f.store.retry(ctx, func() (err error) {
		head, err = f.advance(ctx, fencePatience)
		return err
	})
	return head, err
}

// take waits for the turn to advance the fence. Whoever has it may wait for the server for
// as long as its own context lets it.
func (f *fence) take(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-f.store.ctx.Done():
		return es.ErrClosed
	}
}

func (f *fence) give() { <-f.turn }

// advance moves the fence as far as it goes, and waits for open transactions no longer
// than the given time since the fence came to stand at them.
func (f *fence) advance(ctx context.Context, patience time.Duration) (es.Position, error) {
	arrived := f.begun.Load()
	if err := f.take(ctx); err != nil {
		return 0, err
	}
	defer f.give()
	if f.done > arrived { // someone else looked after this call began
		safe, _ := f.published()
		return safe, nil
	}
	for delay := fencePollMin; ; delay = min(2*delay, fencePollMax) {
		safe, err := f.step(ctx)
		switch {
		case err != nil || !f.open:
			return safe, err
		case time.Since(f.waiting.since) >= patience:
			f.watch()
			return safe, nil
		}
		if err := sleep(ctx, delay); err != nil {
			return 0, err
		}
	}
}

// step asks the server how far the fence can move.
func (f *fence) step(ctx context.Context) (safe es.Position, err error) {
	err = f.conn.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		safe, err = f.stepOn(ctx, conn)
		return err
	})
	return safe, err
}

func (f *fence) stepOn(ctx context.Context, conn *pgx.Conn) (es.Position, error) {
	number := f.begun.Add(1)
	sql := &f.store.sql
	safe, started := f.published()
	if !started {
		if err := conn.QueryRow(ctx, sql.fenceStart).Scan(&safe); err != nil {
			return 0, err
		}
		if err := f.readLost(ctx, conn); err != nil {
			return 0, err
		}
	}
	for goal := es.Position(-1); ; {
		if f.waiting != nil {
			holders, err := f.holders(ctx, conn)
			if err != nil {
				return 0, err
			}
			if f.waiting.over(holders) {
				safe, f.waiting = max(safe, f.waiting.upTo), nil
			}
		}
		var top, run es.Position
		if err := conn.QueryRow(ctx, sql.fenceScan, int64(safe), fenceScanRows).Scan(&top, &run); err != nil {
			return 0, err
		}
		if top < safe { // the database was restored: nothing that was found before holds
			safe, f.waiting, goal = 0, nil, -1
			f.publish(0, top)
			if err := f.readLost(ctx, conn); err != nil {
				return 0, err
			}
			continue
		}
		if goal < 0 {
			goal = top
		}
		safe = run
		f.publish(safe, top)
		f.open = f.waiting != nil && safe < f.waiting.upTo
		if f.open { // another process may have passed these holes before the transactions began
			var passed es.Position
			if err := conn.QueryRow(ctx, sql.fenceStart).Scan(&passed); err != nil {
				return 0, err
			}
			if passed > safe {
				safe = passed
				f.publish(safe, top)
				f.open = safe < f.waiting.upTo
			}
		}
		switch {
		case safe >= goal, f.open:
			if !f.open {
				f.waiting = nil
			}
			f.done = number
			return safe, nil
		}
		holders, err := f.holders(ctx, conn)
		if err != nil {
			return 0, err
		}
		f.waiting = newWaiting(top, holders)
	}
}

// watch goes on asking the server, in the background, until the fence has passed the
// open transactions at which it stands, and wakes the readers whenever it moves.
func (f *fence) watch() {
	if f.watching {
		return
	}
	f.watching = f.store.spawn(func() {
		ctx, warned := f.store.ctx, false
		before, _ := f.published()
		for attempt := 0; ; attempt++ {
			err := sleep(ctx, fencePollMax)
			if f.take(ctx) != nil {
				return // the store was closed
			}
			var safe es.Position
			if err == nil {
				safe, err = f.step(ctx)
			}
			if ctx.Err() != nil || err == nil && !f.open {
				f.watching = false
				f.give()
				f.store.signals.wake()
				return
			}
			stuck := err == nil && time.Since(f.waiting.since) > fenceWarn
			f.give()
			if err == nil && safe != before {
				before = safe
				f.store.signals.wake()
			}
			if stuck && !warned {
				warned = true
				f.store.logger.Warn("esgen: open transactions hold up the feed: see FeedStatus", "position", int64(safe))
			}
		}
	})
}

// holder is a transaction that may have appended and is not over.
type holder struct {
	transaction string
	prepared    bool
}

func (f *fence) holders(ctx context.Context, conn *pgx.Conn) ([]holder, error) {
	rows, err := conn.Query(ctx, f.store.sql.fenceHolders)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h holder, err error) {
		err = row.Scan(&h.transaction, &h.prepared)
		if err == nil && h.transaction == "" {
			err = fmt.Errorf("it is a standby, which does not know the open transactions: %w", ErrUnavailable)
		}
		return h, err
	})
}

// waiting is a set of transactions that must end before the fence can pass.
type waiting struct {
	since    time.Time
	upTo     es.Position     // is safe when they are over
	running  map[string]bool // sessions' transactions
	prepared map[string]bool // what they became, as far as they were prepared
}

func newWaiting(upTo es.Position, holders []holder) *waiting {
	w := &waiting{since: time.Now(), upTo: upTo, running: map[string]bool{}, prepared: map[string]bool{}}
	for _, h := range holders {
		if h.prepared {
			w.prepared[h.transaction] = true
		} else {
			w.running[h.transaction] = true
		}
	}
	return w
}

// over reports whether all transactions have ended. A session's transaction that is
// prepared vanishes and comes back under another name, so as long as there are
// sessions' transactions to wait for, a prepared one that is new may be one of them.
func (w *waiting) over(holders []holder) bool {
	still, stillPrepared := map[string]bool{}, map[string]bool{}
	for _, h := range holders {
		switch {
		case !h.prepared && w.running[h.transaction]:
			still[h.transaction] = true
		case h.prepared && (w.prepared[h.transaction] || len(w.running) > 0):
			stillPrepared[h.transaction] = true
		}
	}
	w.running, w.prepared = still, stillPrepared
	return len(still) == 0 && len(stillPrepared) == 0
}
