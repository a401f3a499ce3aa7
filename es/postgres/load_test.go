package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestLoadWithASnapshotIsOneRoundTripHoweverLongTheStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := pgtest.NewProxy(t, pgtest.Shared(t).Addr())
	config, err := pgxpool.ParseConfig(pgtest.WithAddr(w.url, proxy.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	pool, err := pgxpool.NewWithConfig(w.ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.New(w.ctx, pool, postgres.Schema(w.schema))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	load := func(q es.LoadQuery) (rows int) {
		for _, err := range store.Load(w.ctx, q) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
		return rows
	}
	for _, events := range []int{5, 50, 5000} {
		s := stream(fmt.Sprint("of-", events))
		if _, err := w.store.Append(w.ctx, write(s, es.NoStream, events)); err != nil {
			t.Fatal(err)
		}
		if err := w.store.SaveSnapshot(w.ctx, es.Snapshot{Stream: s, Version: es.Version(events - 2), Fingerprint: "f", Data: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]es.LoadQuery{
			"its snapshot":                        {Stream: s, Fingerprint: "f"},
			"its snapshot, and a key to look for": {Stream: s, Fingerprint: "f", Unless: es.NewID()},
		} {
			load(q) // the connection learns the statement
			before := proxy.RoundTrips()
			if rows := load(q); rows != 3 {
				t.Errorf("loading a stream of %d events with %s: %d rows, want 3", events, name, rows)
			}
			if trips := proxy.RoundTrips() - before; trips != 1 {
				t.Errorf("loading a stream of %d events with %s: %d round trips, want 1", events, name, trips)
			}
		}
	}
}
