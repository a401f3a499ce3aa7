package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// maxAside is how many connections settle appends beside the coalescer's.
const maxAside = 2

// aside are connections of the store's own, made when they are needed, to decide what became of
// appends: the pool's may all be taken, even by the caller that waits.
type aside struct {
	store *Store
	conns chan *pgx.Conn // nil for one that is to be made
}

func newAside(s *Store) *aside {
	a := &aside{store: s, conns: make(chan *pgx.Conn, maxAside)}
	for range maxAside {
		a.conns <- nil
	}
	return a
}

// do calls with a connection. The context that it passes ends when the store is closed, too.
func (a *aside) do(ctx context.Context, call func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.store.ctx, cancel)()
	var conn *pgx.Conn
	select {
	case conn = <-a.conns:
	case <-ctx.Done():
		if a.store.ctx.Err() != nil {
			return es.ErrClosed
		}
		return ctx.Err()
	}
	defer func() { a.conns <- conn }()
	if conn == nil || conn.IsClosed() {
		if conn, err = a.store.connect(ctx, ""); err != nil {
			return err
		}
	}
	return call(ctx, conn)
}

// close waits for the calls under way and closes the connections. The store's context has ended before.
func (a *aside) close() {
	for range maxAside {
		if conn := <-a.conns; conn != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = conn.Close(ctx)
			cancel()
		}
	}
}
