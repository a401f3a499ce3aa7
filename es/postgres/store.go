package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
)

// Store is an [es.Store] in a PostgreSQL database, with all its optional
// interfaces. Make one with [Open] or [New].
type Store struct {
	options
	pool     *pgxpool.Pool
	ownsPool bool
	readMode pgx.QueryExecMode // of reads that page
	sql      statements

	telemetry telemetry
	appender  *appender
	aside     *conns // to settle appends
	fence     *fence
	signals   *signals
	notifier  *notifier

	ctx       context.Context // ends when the store is closed
	cancel    context.CancelFunc
	listening sync.Once
	closing   sync.RWMutex // held for writing when closed is set
	closed    bool
	running   sync.WaitGroup
}

var (
	_ es.Store       = (*Store)(nil)
	_ es.Feed        = (*Store)(nil)
	_ es.Checkpoints = (*Store)(nil)
	_ es.Lister      = (*Store)(nil)
	_ es.Watcher     = (*Store)(nil)
	_ es.Parking     = (*Store)(nil)
	_ es.Groups      = (*Store)(nil)
	_ es.Identified  = (*Store)(nil)
	_ es.Timers      = (*Store)(nil)
)

// Open opens the store in the database that a URL or a key/value connection
// string names, with a pool of its own: pool_max_conns and the like in the URL are heeded. The
// URL may name several hosts: the store connects to the one that takes writes, also after a failover,
// as with target_session_attrs=read-write.
// Tables are created or migrated first, unless [WithoutMigration] is given.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store: %w", err)
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store: %w", err)
	}
	if !o.pooling {
		config.AfterConnect = tune
	} else if mode := &config.ConnConfig.DefaultQueryExecMode; *mode == pgx.QueryExecModeCacheStatement {
		*mode = pgx.QueryExecModeCacheDescribe // names no statements in a session
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store: %w", err)
	}
	s, err := New(ctx, pool, opts...)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.ownsPool = true
	return s, nil
}

// tune makes the plans of a session's reads, which are made once, suit tables of any size
// even if they are made while the tables are empty.
func tune(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off",
		pgx.QueryExecModeSimpleProtocol)
	return err
}

// New opens the store in the database of a pool, which the caller closes after the
// store. Reads use the pool's connections. Appends, notifications, blocked
// streams and the feed's fence use a few of the store's own, made with the pool's configuration, its
// BeforeConnect and AfterConnect hooks included, so that a pool which others exhaust holds up no append.
//
// All connections must lead to the primary: where the URL names several hosts, with
// target_session_attrs=read-write. A standby lags behind, and does not know which transactions are
// open, so that a feed read there would skip events.
func New(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store: %w", err)
	}
	s := &Store{options: o, pool: pool, sql: newStatements(o.schema)}
	if s.telemetry, err = newTelemetry(&s.options); err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store: making its metrics: %w", err)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("opening the PostgreSQL store in schema %s: %w", o.schema, typed(ctx, err))
	}
	if s.readMode = pool.Config().ConnConfig.DefaultQueryExecMode; s.readMode == pgx.QueryExecModeExec || s.readMode == pgx.QueryExecModeSimpleProtocol {
		s.readMode = pgx.QueryExecModeCacheDescribe // these two can't ask for rows in binary
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.signals = newSignals()
	s.fence = newFence(s)
	s.notifier = newNotifier(s)
	s.appender = newAppender(s)
	s.aside = newConns(s, maxAside, func(ctx context.Context) (*pgx.Conn, error) { return s.connect(ctx, "") })
	s.spawn(s.appender.run)
	s.spawn(s.notifier.run)
	return s, nil
}

// prepare migrates or checks the tables and refuses servers that would break a promise.
func (s *Store) prepare(ctx context.Context) error {
	conn, err := s.connect(ctx, s.directURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var encoding, commit, fsync string
	var standby bool
	err = conn.QueryRow(ctx, `SELECT pg_encoding_to_char(encoding), current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery()
		FROM pg_database WHERE datname = current_database()`).Scan(&encoding, &commit, &fsync, &standby)
	switch {
	case err != nil:
		return err
	case standby:
		return fmt.Errorf("it is a standby: %w", ErrUnavailable)
	case encoding != "UTF8":
		return &misconfigured{fmt.Errorf("the database's encoding is %s: events need one with UTF8", encoding)}
	case (commit == "off" || fsync == "off") && !s.allowAsync:
		return &misconfigured{fmt.Errorf("synchronous_commit is %s and fsync is %s: an acknowledged append could be lost: set both on, or see AllowAsynchronousCommit", commit, fsync)}
	}
	if s.migrate {
		if err := migrate(ctx, conn, s.schema); err != nil {
			return err
		}
	}
	return checkVersion(ctx, conn, s.schema)
}

// connect makes a connection of the store's own, as the pool would: to the pool's
// server, or to that of a URL.
func (s *Store) connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config := s.pool.Config()
	connConfig := config.ConnConfig
	if url != "" {
		direct, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		connConfig = direct
	}
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, connConfig); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, connConfig)
	if err != nil {
		return nil, err
	}
	if config.AfterConnect != nil {
		if err := config.AfterConnect(ctx, conn); err != nil {
			_ = conn.Close(ctx)
			return nil, err
		}
	}
	return conn, nil
}

// Close ends the watches, waits for the flush that is under way, and makes every
// other call fail with [es.ErrClosed]. It returns nil, also when called again. It does not close
// a pool that was given to [New].
func (s *Store) Close() error {
	s.closing.Lock()
	first := !s.closed
	s.closed = true
	s.closing.Unlock()
	if first {
		s.cancel()
		s.appender.close()
		s.running.Wait()
		s.aside.close()
		s.fence.conn.close()
		if s.ownsPool {
			s.pool.Close()
		}
	}
	return nil
}

// spawn runs a function in a goroutine that Close waits for; not after Close.
func (s *Store) spawn(run func()) bool {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return false
	}
	s.running.Go(run)
	return true
}

// Limits implements [es.Store].
func (s *Store) Limits() es.Limits { return es.DefaultLimits() }

// usable refuses a call whose context has ended or whose store is closed.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return es.ErrClosed
	}
	return nil
}
