package postgres

import (
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

type options struct {
	schema         string
	migrate        bool
	directURL      string
	pooling        bool
	lockTimeout    time.Duration
	retryFor       time.Duration
	poll           time.Duration
	allowAsync     bool
	logger         *slog.Logger
	tracerProvider trace.TracerProvider
	meterProvider  metric.MeterProvider
}

// Option changes how a store is opened.
type Option func(*options)

// Schema sets the database schema that holds the store's tables. Several stores can
// live in one database. The default is esgen. Taken are a-z, 0-9 and _.
func Schema(name string) Option { return func(o *options) { o.schema = name } }

// WithoutMigration makes opening a store check the version of its tables and change nothing:
// for roles without the right to create them. A mismatch is [ErrSchema]. [SQL]
// prints what to execute.
func WithoutMigration() Option { return func(o *options) { o.migrate = false } }

// DirectURL sets a URL that leads to the server past a connection pooler. The store
// migrates and listens for notifications through it. The default is to use the same
// address for all.
func DirectURL(url string) Option { return func(o *options) { o.directURL = url } }

// TransactionPooling makes the store work through a pooler that gives each
// transaction another connection, such as PgBouncer with pool_mode=transaction: it then
// keeps no settings and no prepared statements in a session, which makes appends slower. Set it
// together with [DirectURL]; without a direct URL, other processes' appends are
// found by polling.
func TransactionPooling() Option { return func(o *options) { o.pooling = true } }

// LockTimeout sets how long an append waits for another transaction that has appended to
// the same stream and is still open (see [Store.AppendTx]) before it fails with [ErrBlocked].
// The default is 10 seconds. Other streams are not held up meanwhile. After a connection was lost the time
// begins anew: see [RetryFor].
func LockTimeout(d time.Duration) Option { return func(o *options) { o.lockTimeout = d } }

// RetryFor sets how long a call goes on trying when connections are lost, as
// while a server restarts or a standby is promoted. The default is 30 seconds; the
// call's context can end it earlier. When the time is over, a call fails with
// [ErrUnavailable], or an append that may have been stored with [es.ErrOutcomeUnknown].
func RetryFor(d time.Duration) Option { return func(o *options) { o.retryFor = d } }

// PollInterval sets how often watchers are woken without a notification, as a safety
// net. The default is one second.
func PollInterval(d time.Duration) Option { return func(o *options) { o.poll = d } }

// AllowAsynchronousCommit lets a store open where the server's synchronous_commit or fsync is off.
// With synchronous_commit off, a crash of the server loses the appends that were acknowledged
// in the last moments, which readers of the feed may have seen already; with fsync off,
// it may destroy the database. By default such a server is refused.
func AllowAsynchronousCommit() Option { return func(o *options) { o.allowAsync = true } }

// Logger sets where the store reports what no caller is told: lost connections that it
// retries, blocked streams, failing notifications. The default is [slog.Default].
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// TracerProvider sets where spans go. The default is OpenTelemetry's global one.
func TracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.tracerProvider = p }
}

// MeterProvider sets where metrics go. The default is OpenTelemetry's global one.
func MeterProvider(p metric.MeterProvider) Option {
	return func(o *options) { o.meterProvider = p }
}

func newOptions(opts []Option) (options, error) {
	o := options{
		schema:      "esgen",
		migrate:     true,
		lockTimeout: 10 * time.Second,
		retryFor:    30 * time.Second,
		poll:        time.Second,
	}
	for _, opt := range opts {
		opt(&o)
	}
	if o.logger == nil {
		o.logger = slog.Default()
	}
	for name, d := range map[string]time.Duration{"LockTimeout": o.lockTimeout, "RetryFor": o.retryFor, "PollInterval": o.poll} {
		if d <= 0 {
			return o, fmt.Errorf("option %s: %v is not above 0", name, d)
		}
	}
	return o, validateSchema(o.schema)
}
