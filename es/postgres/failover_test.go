package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/postgres"
	"github.com/esgen-go/esgen/internal/pgtest"
)

func TestNothingAcknowledgedIsLostWhenAStandbyTakesOver(t *testing.T) {
	if testing.Short() {
		t.Skip("two servers of its own: not with -short")
	}
	t.Parallel()
	primary := pgtest.New(t)
	standby := primary.Standby(t)
	expectRefused(t, standby.URL())
	url := pgtest.WithAddr(primary.URL(), standby.Addr()+","+primary.Addr()) + "&target_session_attrs=read-write"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := postgres.New(ctx, pool)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()

	stop, goal := make(chan struct{}), make(chan es.Position, 1)
	writers := make([]*writer, 8)
	var writing, reading sync.WaitGroup
	for i := range writers {
		writers[i] = &writer{name: fmt.Sprint("w", i), store: store, pool: pool}
		writing.Go(func() { writers[i].run(ctx, stop) })
	}
	reader := &follower{name: "r", store: store}
	reading.Go(func() { reader.run(ctx, goal) })

	awaitHead(t, store, 500)
	primary.Kill()
	time.Sleep(300 * time.Millisecond) // some appends fail while no server takes any
	standby.Promote(t)
	before, err := store.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	awaitHead(t, store, before+500)
	close(stop)
	writing.Wait()
	truth := table(t, standby.URL(), "esgen")
	goal <- truth[len(truth)-1].Position
	reading.Wait()

	var told ledger
	for _, w := range writers {
		told.add(w.ledger)
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("writers or reader did not come to an end: %v", err)
	}
	audit(t, truth, told, []*follower{reader})
}

// A commit that waits for a standby is visible once its wait is cut off. It is on the primary alone,
// so that a promotion would lose it: nobody may be told that it is stored.
func TestAnAppendCutOffWhileItWaitsForTheStandbyIsAcknowledgedWhenThatHasIt(t *testing.T) {
	if testing.Short() {
		t.Skip("two servers of its own: not with -short")
	}
	t.Parallel()
	primary := pgtest.New(t)
	standby := primary.Standby(t)
	store := openAt(t, primary.URL())
	standby.Stop()

	var back atomic.Bool
	acknowledged := make(chan error, 1)
	go func() {
		r, err := store.Append(t.Context(), es.Write{Stream: es.Stream{Category: "a", ID: "a"}, Expect: es.NoStream,
			Events: []es.Event{{ID: es.NewID(), Type: "happened", Schema: 1, Data: []byte(`{}`)}}})
		switch {
		case err == nil && r.Duplicate:
			err = errors.New("it says Duplicate of what was never appended before")
		case err == nil && !back.Load():
			err = errors.New("it was acknowledged while the primary alone has it")
		}
		acknowledged <- err
	}()
	const waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
	primary.Await(t, "SELECT EXISTS (SELECT "+waiting+")")
	primary.Exec(t, "SELECT pg_terminate_backend(pid) "+waiting)
	primary.Await(t, "SELECT EXISTS (SELECT FROM esgen.events)")
	primary.Await(t, "SELECT EXISTS (SELECT "+waiting+")") // now it waits again
	back.Store(true)
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	if err := <-acknowledged; err != nil {
		t.Fatal(err)
	}
}

// awaitHead waits until the feed has come to a position.
func awaitHead(t testing.TB, store *postgres.Store, p es.Position) {
	t.Helper()
	for {
		head, err := store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if head >= p {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expectRefused expects that no store can be opened on a standby: a feed read there would skip
// events of transactions that it does not see.
func expectRefused(t testing.TB, url string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	opened, openErr := postgres.Open(t.Context(), url)
	made, newErr := postgres.New(t.Context(), pool, postgres.WithoutMigration())
	for _, got := range []struct {
		store *postgres.Store
		err   error
	}{{opened, openErr}, {made, newErr}} {
		if !errors.Is(got.err, postgres.ErrUnavailable) {
			t.Errorf("opening a store on a standby: %v, want ErrUnavailable", got.err)
		}
		if got.store != nil {
			_ = got.store.Close()
		}
	}
}
