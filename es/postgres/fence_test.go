package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// world is a store of a test's own, and what the test does to it with connections of
// its own.
type world struct {
	testing.TB
	ctx    context.Context
	place  string
	schema string
	url    string
	store  *postgres.Store
}

func newWorld(t testing.TB, opts ...postgres.Option) *world {
	t.Helper()
	return newWorldAt(t, place(t), opts...)
}

func newWorldAt(t testing.TB, place string, opts ...postgres.Option) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute+*soak)
	t.Cleanup(cancel)
	schema, url, _ := strings.Cut(place, " ")
	w := &world{TB: t, ctx: ctx, place: place, schema: schema, url: url}
	w.store = w.open(opts...)
	return w
}

// open opens another store at the same place.
func (w *world) open(opts ...postgres.Option) *postgres.Store {
	w.Helper()
	s, err := postgres.Open(w.ctx, w.url, append([]postgres.Option{postgres.Schema(w.schema)}, opts...)...)
	if err != nil {
		w.Fatalf("Open: %v", err)
	}
	w.Cleanup(func() { s.Close() })
	return s
}

// session opens a connection of the test's own.
func (w *world) session() *pgx.Conn {
	w.Helper()
	conn, err := pgx.Connect(w.ctx, w.url)
	if err != nil {
		w.Fatalf("connecting: %v", err)
	}
	w.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (w *world) exec(conn *pgx.Conn, sql string) {
	w.Helper()
	if _, err := conn.Exec(w.ctx, strings.ReplaceAll(sql, "{schema}", w.schema), pgx.QueryExecModeSimpleProtocol); err != nil {
		w.Fatalf("executing %q: %v", sql, err)
	}
}

func stream(id string) es.Stream { return es.Stream{Category: "account", ID: id} }

func write(s es.Stream, expect es.Expected, n int) es.Write {
	w := es.Write{Stream: s, Expect: expect}
	for range n {
		w.Events = append(w.Events, newEvent())
	}
	return w
}

// append appends one event by the store and returns its position.
func (w *world) append(id string) es.Position {
	w.Helper()
	r, err := w.store.Append(w.ctx, write(stream(id), es.Any, 1))
	if err != nil {
		w.Fatalf("Append: %v", err)
	}
	return r.Streams[0].Position
}

// appendTx appends one event within a transaction and returns its position.
func (w *world) appendTx(tx pgx.Tx, id string) es.Position {
	w.Helper()
	r, err := w.store.AppendTx(w.ctx, tx, write(stream(id), es.Any, 1))
	if err != nil {
		w.Fatalf("AppendTx: %v", err)
	}
	return r.Streams[0].Position
}

func (w *world) begin() pgx.Tx {
	w.Helper()
	tx, err := w.session().Begin(w.ctx)
	if err != nil {
		w.Fatalf("BEGIN: %v", err)
	}
	return tx
}

func (w *world) commit(tx pgx.Tx) {
	w.Helper()
	if err := tx.Commit(w.ctx); err != nil {
		w.Fatalf("COMMIT: %v", err)
	}
}

// feed returns the positions that a store's feed has.
func (w *world) feed(s es.Feed) []es.Position {
	w.Helper()
	var positions []es.Position
	for rec, err := range s.ReadAll(w.ctx, es.FeedQuery{}) {
		if err != nil {
			w.Fatalf("ReadAll: %v", err)
		}
		positions = append(positions, rec.Position)
	}
	return positions
}

// wantFeed checks what the store reads, and a second one that has just been opened.
func (w *world) wantFeed(when string, want ...es.Position) {
	w.Helper()
	for name, s := range map[string]*postgres.Store{"the store": w.store, "another process": w.open()} {
		if got := w.feed(s); !slices.Equal(got, want) {
			w.Fatalf("%s: %s reads positions %v, want %v", when, name, got, want)
		}
	}
}

// Each test replays an interleaving by which a naive reader skips an event: it sees the higher position,
// takes it for its checkpoint, and the lower one appears later.

func TestFeedWaitsForALateCommitOfALowerPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.append("a")
	tx := w.begin()
	lower := w.appendTx(tx, "late")
	higher := w.append("b")
	if lower > higher {
		t.Fatalf("positions %d and %d are not the interleaving that the test is about", lower, higher)
	}
	w.wantFeed("while the lower position is open", first)
	status, err := w.store.FeedStatus(w.ctx)
	if err != nil || status.Head != first || status.Last != higher || len(status.Blockers) != 1 || status.Blockers[0].PID == 0 || status.Blockers[0].Age <= 0 {
		t.Fatalf("FeedStatus is %+v, %v: want the head %d, the last %d and one blocking transaction with its age", status, err, first, higher)
	}
	w.commit(tx)
	w.wantFeed("after its commit", first, lower, higher)
}

func TestFeedSkipsAPositionThatWasRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx := w.begin()
	w.appendTx(tx, "gone")
	higher := w.append("b")
	w.wantFeed("while the lower position is open")
	if err := tx.Rollback(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.wantFeed("after its rollback", higher)
}

// Transaction ids say nothing about positions: this transaction has the older id and the higher position,
// so that it lies below any horizon of ids that a reader could have taken.
func TestFeedWaitsForATransactionThatHadItsIDBeforeItsPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx := w.begin()
	if _, err := tx.Exec(w.ctx, "SELECT pg_current_xact_id()"); err != nil {
		t.Fatal(err)
	}
	first := w.append("a")
	w.wantFeed("before the older transaction takes a position", first)
	lower := w.appendTx(tx, "late")
	higher := w.append("b")
	w.wantFeed("while it is open", first)
	w.commit(tx)
	w.wantFeed("after its commit", first, lower, higher)
}

// The transaction takes its position before it has an id: it is stopped between the
// two, by a lock that a trigger waits for.
func TestFeedWaitsForATransactionThatHasAPositionBeforeItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	control := w.session()
	key := time.Now().UnixNano()
	w.exec(control, fmt.Sprintf(`CREATE FUNCTION {schema}.stop() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF new.stream = 'late' THEN
				PERFORM pg_advisory_lock_shared(%[1]d);
				PERFORM pg_advisory_unlock_shared(%[1]d);
			END IF;
			RETURN new;
		END $$;
		CREATE TRIGGER stop BEFORE INSERT ON {schema}.events FOR EACH ROW EXECUTE FUNCTION {schema}.stop();
		SELECT pg_advisory_lock(%[1]d)`, key))
	first := w.append("a") // a sequence writes ahead to the log now and then: that takes an id, and is over now
	late, slow := make(chan error, 1), w.session()
	go func() {
		_, err := slow.Exec(w.ctx, `INSERT INTO `+w.schema+`.events (version, recorded_at, id, schema, category, stream, type, data)
			VALUES (1, now(), gen_random_uuid(), 1, 'account', 'late', 'account.opened', '{}')`)
		late <- err
	}()
	for stopped := false; !stopped; {
		if err := control.QueryRow(w.ctx, `SELECT EXISTS (SELECT FROM pg_locks w JOIN pg_locks h USING (pid)
			WHERE w.locktype = 'advisory' AND NOT w.granted AND h.relation = to_regclass($1) AND h.mode = 'RowExclusiveLock'
			AND NOT EXISTS (SELECT FROM pg_locks x WHERE x.pid = w.pid AND x.locktype = 'transactionid'))`, w.schema+".events").Scan(&stopped); err != nil {
			t.Fatal(err)
		}
	}
	higher := w.append("b")
	lower := first + 1
	if higher != lower+1 {
		t.Fatalf("the last append has position %d: the one before it took none", higher)
	}
	w.wantFeed("while a transaction without an id holds the lower position", first)
	w.exec(control, fmt.Sprintf("SELECT pg_advisory_unlock(%d)", key))
	if err := <-late; err != nil {
		t.Fatalf("the late append: %v", err)
	}
	w.wantFeed("after its commit", first, lower, higher)
}

func TestFeedWaitsForPreparedTransactions(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			conn := w.session()
			tx, err := conn.Begin(w.ctx)
			if err != nil {
				t.Fatal(err)
			}
			lower := w.appendTx(tx, "late")
			higher := w.append("b")
			w.wantFeed("while it is open") // from here on the store waits for the session's transaction
			w.exec(conn, "PREPARE TRANSACTION '"+w.schema+"'")
			w.wantFeed("while it is prepared")
			conn.Close(w.ctx)
			w.wantFeed("after its session has gone")
			status, err := w.store.FeedStatus(w.ctx)
			if err != nil || len(status.Blockers) != 1 || status.Blockers[0].Prepared != w.schema {
				t.Fatalf("FeedStatus is %+v, %v: want the prepared transaction %s", status, err, w.schema)
			}
			w.exec(w.session(), end+" PREPARED '"+w.schema+"'")
			if end == "COMMIT" {
				w.wantFeed("after COMMIT PREPARED", lower, higher)
			} else {
				w.wantFeed("after ROLLBACK PREPARED", higher)
			}
		})
	}
}

func TestFeedWaitsForPreparedTransactionsOverACrash(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	w := newWorldAt(t, "crash "+server.URL())
	first := w.append("a")
	conn := w.session()
	tx, err := conn.Begin(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	lower := w.appendTx(tx, "late")
	higher := w.append("b")
	w.exec(conn, "PREPARE TRANSACTION 'late'")
	w.wantFeed("while it is prepared", first)
	server.Kill()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	w.wantFeed("after the server was killed", first)
	after := w.append("c") // the sequence has skipped some positions
	w.wantFeed("after another append", first)
	w.exec(w.session(), "COMMIT PREPARED 'late'")
	w.wantFeed("after COMMIT PREPARED", first, lower, higher, after)
}

func TestWatchersAreWokenWhenAHoleIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.PollInterval(time.Hour))
	tx := w.begin()
	w.appendTx(tx, "gone")
	higher := w.append("b")
	w.wantFeed("while the lower position is open")
	wake := w.store.Watch(w.ctx)
	if err := tx.Rollback(w.ctx); err != nil {
		t.Fatal(err)
	}
	for range wake { // no append comes any more: only the fence can tell
		if got := w.feed(w.store); slices.Equal(got, []es.Position{higher}) {
			return
		}
	}
	t.Fatal("the watch ended")
}

func TestCheckpointsStayBehindTheFence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postgres.LockTimeout(20*time.Millisecond))
	first := w.append("a")
	tx := w.begin()
	w.appendTx(tx, "late")
	higher := w.append("b")
	err := w.store.SaveCheckpoint(w.ctx, "reader", higher)
	if !errors.Is(err, postgres.ErrBlocked) || errors.Is(err, es.ErrBeyondHead) {
		t.Fatalf("SaveCheckpoint at %d, above an open transaction after %d: %v, want postgres.ErrBlocked alone, which passes", higher, first, err)
	}
	w.commit(tx)
	if err := w.store.SaveCheckpoint(w.ctx, "reader", higher); err != nil {
		t.Fatalf("SaveCheckpoint after the commit: %v", err)
	}
}

// A process that starts while a transaction is open reads what other processes had
// read, over holes that are older than the transaction.
func TestANewProcessReadsUpToTheCheckpointsThoughATransactionIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.begin()
	w.appendTx(gone, "gone")
	if err := gone.Rollback(w.ctx); err != nil {
		t.Fatal(err)
	}
	first := w.append("a")
	w.wantFeed("after a rollback", first)
	if err := w.store.SaveCheckpoint(w.ctx, "reader", first); err != nil {
		t.Fatal(err)
	}
	tx := w.begin()
	w.appendTx(tx, "late")
	w.append("b")
	w.wantFeed("while a transaction is open", first)
	w.commit(tx)
}

// Two processes: one passes a hole before a transaction begins, the other comes to the hole while
// that transaction is open, and can't tell that it has nothing to do with it.
func TestAReaderMovesToAProcessWhoseFenceIsBehind(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]bool{"with its checkpoint in the store": true, "with its checkpoint elsewhere": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			behind, impatient := w.open(), w.open(postgres.LockTimeout(10*time.Millisecond))
			for _, s := range []*postgres.Store{behind, impatient} {
				if _, err := s.Head(w.ctx); err != nil { // its fence has started
					t.Fatal(err)
				}
			}
			gone := w.begin()
			w.appendTx(gone, "gone")
			if err := gone.Rollback(w.ctx); err != nil {
				t.Fatal(err)
			}
			first := w.append("a")
			if head, err := w.store.Head(w.ctx); err != nil || head != first {
				t.Fatalf("Head: %d, %v, want %d", head, err, first)
			}
			if stored {
				if err := w.store.SaveCheckpoint(w.ctx, "reader", first); err != nil {
					t.Fatal(err)
				}
			}
			tx := w.begin()
			late := w.appendTx(tx, "late")
			if stored {
				if p, err := behind.Checkpoint(w.ctx, "reader"); err != nil || p != first {
					t.Errorf("Checkpoint: %d, %v, want %d", p, err, first)
				}
			} else {
				if err := impatient.SaveCheckpoint(w.ctx, "reader", first); !errors.Is(err, postgres.ErrBlocked) || errors.Is(err, es.ErrBeyondHead) {
					t.Errorf("SaveCheckpoint of what another process has passed, while a transaction is open: %v, want postgres.ErrBlocked alone", err)
				}
				err := impatient.InTx(w.ctx, func(ctx context.Context, tx pgx.Tx) error {
					return impatient.RecordTx(ctx, tx, es.Progress{Name: "reader", To: first})
				})
				if !errors.Is(err, es.ErrTxLost) || errors.Is(err, es.ErrBeyondHead) {
					t.Errorf("RecordTx of it: %v, want es.ErrTxLost, which is tried again", err)
				}
			}
			saved := make(chan error)
			go func() { saved <- behind.SaveCheckpoint(w.ctx, "reader", first) }()
			after := func() (got []es.Position) {
				for rec, err := range behind.ReadAll(w.ctx, es.FeedQuery{After: first}) {
					if err != nil {
						t.Fatalf("ReadAll: %v", err)
					}
					got = append(got, rec.Position)
				}
				return got
			}
			if got := after(); len(got) > 0 {
				t.Errorf("while a transaction is open, ReadAll yields %v", got)
			}
			w.commit(tx)
			if err := <-saved; err != nil {
				t.Errorf("SaveCheckpoint of what another process has passed: %v", err)
			}
			if got := after(); !slices.Equal(got, []es.Position{late}) {
				t.Errorf("after the commit, ReadAll yields %v, want %d", got, late)
			}
		})
	}
}

func TestReadAllUpToAPositionBelowThatAfterWhichItReadsYieldsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.open()
	first := w.append("a")
	if _, err := w.store.Head(w.ctx); err != nil { // it knows the first event alone
		t.Fatal(err)
	}
	last := w.append("b")
	if head, err := other.Head(w.ctx); err != nil || head != last {
		t.Fatalf("Head: %d, %v, want %d", head, err, last)
	}
	for _, err := range w.store.ReadAll(w.ctx, es.FeedQuery{After: last, UpTo: first}) {
		t.Errorf("ReadAll after %d up to %d: %v", last, first, err)
	}
}

func TestScannedIsAPositionToGoOnFromThoughTheReadEndsAmongLostOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.append("a")
	w.exec(w.session(), fmt.Sprintf("SELECT {schema}.restored(%d)", first+20))
	w.append("b")
	s := w.open()
	var scanned es.Position
	for _, err := range s.ReadAll(w.ctx, es.FeedQuery{After: first, UpTo: first + 10, Scanned: &scanned}) {
		t.Errorf("a range without events yields something, error %v", err)
	}
	n := 0
	for _, err := range s.ReadAll(w.ctx, es.FeedQuery{After: scanned}) {
		if n++; err != nil {
			t.Fatalf("going on from the scanned position %d: %v", scanned, err)
		}
	}
	if n != 1 {
		t.Errorf("going on from the scanned position %d: %d events, want 1", scanned, n)
	}
	if err := s.SaveCheckpoint(w.ctx, "reader", scanned); err != nil {
		t.Errorf("saving the scanned position: %v", err)
	}
}
