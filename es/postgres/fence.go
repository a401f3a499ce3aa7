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
	// one goes by its transaction id: its virtual one changes when the server restarts. A standby, which does
	// not see the primary's transactions, returns one without a name.
	fenceHolders = `SELECT CASE WHEN l.pid IS NULL THEN coalesce((
		SELECT 'prepared ' || min(x.transactionid::text) FROM pg_locks x
		WHERE x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction AND x.locktype = 'transactionid'), 'prepared')
	ELSE l.virtualtransaction END, l.pid IS NULL
FROM pg_locks l
WHERE l.locktype = 'relation' AND l.relation = to_regclass('{schema}.events') AND l.mode = 'RowExclusiveLock' AND l.granted
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT '', false WHERE pg_is_in_recovery()`

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
	begun atomic.Int64 // how many steps have begun

	mu       sync.Mutex // held by whoever advances the fence; guards what follows
	done     int64      // the number of the last step that succeeded
	open     bool       // it stands at open transactions
	waiting  *waiting   // for these
	watching bool       // a goroutine asks on

	state   sync.Mutex
	safe    es.Position
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

func newFence(s *Store) *fence { return &fence{store: s} }

// published returns the position found last.
func (f *fence) published() (safe es.Position, started bool) {
	f.state.Lock()
	defer f.state.Unlock()
	return f.safe, f.started
}

func (f *fence) publish(safe es.Position) {
	f.state.Lock()
	defer f.state.Unlock()
	f.safe, f.started = safe, true
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

// advance moves the fence as far as it goes, and waits for open transactions no longer
// than the given time since the fence came to stand at them.
func (f *fence) advance(ctx context.Context, patience time.Duration) (es.Position, error) {
	arrived := f.begun.Load()
	f.mu.Lock()
	defer f.mu.Unlock()
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
func (f *fence) step(ctx context.Context) (es.Position, error) {
	number := f.begun.Add(1)
	pool, sql := f.store.pool, &f.store.sql
	safe, started := f.published()
	if !started {
		if err := pool.QueryRow(ctx, sql.fenceStart).Scan(&safe); err != nil {
			return 0, err
		}
		if err := f.readLost(ctx); err != nil {
			return 0, err
		}
	}
	for goal := es.Position(-1); ; {
		if f.waiting != nil {
			holders, err := f.holders(ctx)
			if err != nil {
				return 0, err
			}
			if f.waiting.over(holders) {
				safe, f.waiting = max(safe, f.waiting.upTo), nil
			}
		}
		var top, run es.Position
		if err := pool.QueryRow(ctx, sql.fenceScan, int64(safe), fenceScanRows).Scan(&top, &run); err != nil {
			return 0, err
		}
		if top < safe { // the database was restored: nothing that was found before holds
			safe, f.waiting, goal = 0, nil, -1
			f.publish(0)
			if err := f.readLost(ctx); err != nil {
				return 0, err
			}
			continue
		}
		if goal < 0 {
			goal = top
		}
		safe = run
		f.publish(safe)
		f.open = f.waiting != nil && safe < f.waiting.upTo
		switch {
		case safe >= goal, f.open:
			if !f.open {
				f.waiting = nil
			}
			f.done = number
			return safe, nil
		}
		holders, err := f.holders(ctx)
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
			f.mu.Lock()
			var safe es.Position
			if err == nil {
				safe, err = f.step(ctx)
			}
			if ctx.Err() != nil || err == nil && !f.open {
				f.watching = false
				f.mu.Unlock()
				f.store.signals.wake()
				return
			}
			stuck := err == nil && time.Since(f.waiting.since) > fenceWarn
			f.mu.Unlock()
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

func (f *fence) holders(ctx context.Context) ([]holder, error) {
	rows, err := f.store.pool.Query(ctx, f.store.sql.fenceHolders)
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
