package projection_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// place is where a store is, for this process and others: a file, or a schema and a URL.
type place string

// onEach runs a test on both engines.
func onEach(t *testing.T, test func(t *testing.T, at place)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, place(filepath.Join(t.TempDir(), "store.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, place(pgtest.Name(t)+" "+pgtest.Shared(t).URL()))
	})
}

type store interface {
	es.Store
	es.Feed
	es.Groups
	Close() error
}

func (at place) open(ctx context.Context) (store, error) {
	if schema, url, ok := strings.Cut(string(at), " "); ok {
		return postgres.Open(ctx, url, postgres.Schema(schema), postgres.PollInterval(20*time.Millisecond))
	}
	return sqlite.Open(ctx, string(at), sqlite.WithPoll(20*time.Millisecond))
}

func (at place) mustOpen(t testing.TB) store {
	t.Helper()
	s, err := at.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// tx is a transaction of either engine. Tables are in the store's schema.
type tx struct {
	exec  func(ctx context.Context, text string, args ...any) error
	query func(ctx context.Context, text string, args []any, scan ...any) error
}

func (at place) table(name string, version int) string {
	if schema, _, ok := strings.Cut(string(at), " "); ok {
		return fmt.Sprintf("%s.%s_%d", schema, name, version)
	}
	return fmt.Sprintf("%s_%d", name, version)
}

func wrapSQLite(t *sql.Tx) tx {
	return tx{
		exec: func(ctx context.Context, text string, args ...any) error {
			_, err := t.ExecContext(ctx, strings.ReplaceAll(text, "$", "?"), args...)
			return err
		},
		query: func(ctx context.Context, text string, args []any, scan ...any) error {
			return t.QueryRowContext(ctx, strings.ReplaceAll(text, "$", "?"), args...).Scan(scan...)
		},
	}
}

func wrapPostgres(t pgx.Tx) tx {
	return tx{
		exec: func(ctx context.Context, text string, args ...any) error {
			_, err := t.Exec(ctx, text, args...)
			return err
		},
		query: func(ctx context.Context, text string, args []any, scan ...any) error {
			return t.QueryRow(ctx, text, args...).Scan(scan...)
		},
	}
}

// model is a projection on either engine.
type model struct {
	runner
	at      place
	running func() bool
	write   func(ctx context.Context, text string) error
	view    func(ctx context.Context, f func(ctx context.Context, t tx, version int) error) error
}

type runner interface {
	Run(ctx context.Context) error
	CatchUp(ctx context.Context) error
	Effects(name string, h subscription.Handler, opts ...subscription.Option) (*subscription.Subscription, error)
	Build(ctx context.Context) error
	Rebuild(ctx context.Context) (int, error)
	WaitFor(ctx context.Context, p es.Position) error
	Versions(ctx context.Context) (es.ReadModel, error)
	Drop(ctx context.Context, version int) error
	Status(ctx context.Context) (subscription.Status, error)
}

// tally is the read model of the tests: for each stream its last version and how many events there were, and how many
// events in all. Handling an event twice, or before an earlier one of its stream, is an error.
type tally struct {
	name       string
	version    int
	categories []string
	types      []string
	fails      func(rec es.Recorded) error // nil: nothing fails
}

func (at place) model(t testing.TB, s es.Store, d tally, opts ...projection.Option) model {
	t.Helper()
	opts = append([]projection.Option{projection.Takeover(300 * time.Millisecond), projection.Logger(slog.New(slog.DiscardHandler))}, opts...)
	if d.name == "" {
		d.name = "tally"
	}
	var m model
	var err error
	switch s.(type) {
	case *sqlite.Store:
		m, err = newModel(at, s, d, opts, wrapSQLite)
	default:
		m, err = newModel(at, s, d, opts, wrapPostgres)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// canceled is a context that has ended.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func newModel[TX any](at place, s es.Store, d tally, opts []projection.Option, wrap func(TX) tx) (model, error) {
	p, err := projection.New(s, projection.Definition[TX]{
		Name: d.name, Version: d.version, Categories: d.categories, Types: d.types,
		Create: func(ctx context.Context, t TX, version int) error {
			return wrap(t).exec(ctx, "CREATE TABLE "+at.table(d.name, version)+" (stream text PRIMARY KEY, version bigint NOT NULL, events bigint NOT NULL)")
		},
		Drop: func(ctx context.Context, t TX, version int) error {
			return wrap(t).exec(ctx, "DROP TABLE "+at.table(d.name, version))
		},
		Handle: func(ctx context.Context, t TX, version int, events []es.Recorded) error {
			for _, rec := range events {
				if err := d.handle(ctx, wrap(t), at.table(d.name, version), rec); err != nil {
					return err
				}
			}
			return nil
		},
	}, opts...)
	if err != nil {
		return model{}, err
	}
	running := func() bool { return errors.Is(p.Build(canceled), projection.ErrRunning) }
	write := func(ctx context.Context, text string) error {
		txs, _ := es.Capability[projection.Store[TX]](s)
		return txs.InTx(ctx, func(ctx context.Context, t TX) error { return wrap(t).exec(ctx, text) })
	}
	return model{p, at, running, write, func(ctx context.Context, f func(context.Context, tx, int) error) error {
		return p.View(ctx, func(ctx context.Context, t TX, version int) error { return f(ctx, wrap(t), version) })
	}}, nil
}

func (d tally) handle(ctx context.Context, t tx, table string, rec es.Recorded) error {
	stream := rec.Stream.String()
	if err := t.exec(ctx, "INSERT INTO "+table+" (stream, version, events) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING", stream); err != nil {
		return err
	}
	var version int64
	if err := t.query(ctx, "SELECT version FROM "+table+" WHERE stream = $1", []any{stream}, &version); err != nil {
		return err
	}
	if version >= int64(rec.Version) || len(d.types) == 0 && version+1 != int64(rec.Version) {
		return fmt.Errorf("version %d of %s comes after version %d", rec.Version, stream, version)
	}
	if err := t.exec(ctx, "UPDATE "+table+" SET version = $2, events = events + 1 WHERE stream = $1", stream, int64(rec.Version)); err != nil {
		return err
	}
	if d.fails != nil { // after it has written
		return d.fails(rec)
	}
	return nil
}

// count returns the version that serves and how many events it has counted.
func (m model) count(t testing.TB) (version int, events int64) {
	t.Helper()
	err := m.view(t.Context(), func(ctx context.Context, tx tx, v int) error {
		version = v
		return tx.query(ctx, "SELECT CAST(coalesce(sum(events), 0) AS bigint) FROM "+m.at.table("tally", v), nil, &events)
	})
	if err != nil {
		t.Fatal(err)
	}
	return version, events
}

func (m model) expect(t testing.TB, version int, events int64) {
	t.Helper()
	if v, n := m.count(t); v != version || n != events {
		t.Fatalf("version %d serves and has counted %d events, want version %d and %d events", v, n, version, events)
	}
}

// start runs a model until the test ends, or stop is called, which returns what Run did.
func (m model) start(t testing.TB) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stopped := false
	t.Cleanup(func() {
		if cancel(); !stopped {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return func() error {
		cancel()
		stopped = true
		return <-done
	}
}

func (m model) wait(t testing.TB, p es.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // a crowded machine takes its time
	defer cancel()
	if err := m.WaitFor(ctx, p); err != nil {
		t.Fatal(err)
	}
}

func (m model) versions(t testing.TB) es.ReadModel {
	t.Helper()
	v, err := m.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (m model) expectVersions(t testing.TB, serving int, all ...int) {
	t.Helper()
	if v := m.versions(t); v.Serving != serving || !slices.Equal(v.Versions, all) {
		t.Fatalf("the versions are %+v, want %d serving of %v", v, serving, all)
	}
}

// fill appends n events to so many streams, and returns the position of the last.
func fill(t testing.TB, s es.Store, category string, streams, n int) (last es.Position) {
	t.Helper()
	for i := range n {
		r, err := s.Append(t.Context(), es.Write{Stream: es.Stream{Category: category, ID: fmt.Sprint(i % streams)}, Expect: es.Any, Events: []es.Event{event(category)}})
		if err != nil {
			t.Fatal(err)
		}
		last = r.Streams[0].Position
	}
	return last
}

func event(category string) es.Event {
	return es.Event{ID: es.NewID(), Type: category + ".happened", Schema: 1, Data: []byte(`{}`)}
}

func TestMain(m *testing.M) {
	os.Exit(pgtest.Main(m))
}
