package store

import (
	"context"
	"database/sql"
	"net/url"
	"testing"

	"github.com/DeluxeOwl/chronicle/eventlog"
	"github.com/aneshas/eventstore"
	hallgren "github.com/hallgren/eventsourcing/eventstore/sql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	goes "github.com/modernice/goes/backend/postgres"
	"github.com/modernice/goes/codec"
	"github.com/modernice/goes/event"
	terraskye "github.com/terraskye/eventsourcing/eventstore/postgres"

	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// conns is the size of every library's pool: a connection for each of the most writers.
const conns = 64

// terraskyeSchema is what the documentation of github.com/terraskye/eventsourcing says to execute.
const terraskyeSchema = `
	CREATE TABLE IF NOT EXISTS events (
		id              BIGSERIAL   PRIMARY KEY,
		event_id        UUID        NOT NULL,
		stream_id       VARCHAR     NOT NULL,
		stream_position BIGINT      NOT NULL,
		event_type      VARCHAR     NOT NULL,
		payload         BYTEA       NOT NULL,
		metadata        BYTEA,
		occurred_at     TIMESTAMPTZ NOT NULL,
		UNIQUE (stream_id, stream_position)
	);
	CREATE INDEX IF NOT EXISTS idx_events_stream_id ON events (stream_id)`

func onPostgres(tb testing.TB) []library { return onServer(tb, pgtest.Shared(tb)) }

// onServer opens the libraries on databases of their own.
func onServer(tb testing.TB, server *pgtest.Server) []library {
	ctx := context.Background()
	newPool := func(url string) *pgxpool.Pool {
		pool := must(pgxpool.New(ctx, pooled(url)))
		tb.Cleanup(pool.Close)
		return pool
	}
	newDB := func() *sql.DB {
		db := must(sql.Open("pgx", server.Database(tb)))
		keep(db)
		tb.Cleanup(func() { _ = db.Close() })
		return db
	}

	store := must(postgres.Open(ctx, pooled(server.Database(tb))))
	tb.Cleanup(func() { _ = store.Close() })

	byHand := server.Database(tb)
	_ = must(postgres.Open(ctx, byHand)).Close() // it has made the tables

	aneshas := must(eventstore.New(eventstore.NewJSONEncoder(Deposited{}), eventstore.WithPostgresDB(server.Database(tb))))
	tb.Cleanup(func() { _ = aneshas.Close() })
	keep(must(aneshas.DB.DB()))

	terraskyeURL := server.Database(tb)
	pgtest.Exec(tb, terraskyeURL, terraskyeSchema)

	return []library{
		newEsgen(store),
		newPgx(newPool(byHand), "esgen.events"),
		newChronicle(must(eventlog.NewPostgres(newDB()))),
		newGoes(func(enc codec.Encoding) event.Store {
			return goes.NewEventStore(enc, goes.Pool(newPool(server.Database(tb))))
		}),
		newHallgren(must(hallgren.NewPostgres(newDB()))),
		newAneshas(aneshas),
		newTerraskye(terraskye.NewEventStore(newPool(terraskyeURL))),
	}
}

// keep lets a pool of database/sql keep its connections, as those of pgx do.
func keep(db *sql.DB) {
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
}

// pooled adds the size of the pool to a URL.
func pooled(address string) string {
	u := must(url.Parse(address))
	q := u.Query()
	q.Set("pool_max_conns", "64")
	u.RawQuery = q.Encode()
	return u.String()
}
