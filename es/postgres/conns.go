package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/esgen-go/esgen/es"
)

// conns are connections of the store's own, made when they are needed, for what may not wait for one of
// the pool: those may all be taken, even by the callers that wait, within transactions of theirs.
type conns struct {
	store   *Store
	connect func(context.Context) (*pgx.Conn, error)
	free    chan *pgx.Conn // nil for one that is to be made
}

func newConns(s *Store, most int, connect func(context.Context) (*pgx.Conn, error)) *conns {
	c := &conns{store: s, connect: connect, free: make(chan *pgx.Conn, most)}
	for range most {
		c.free <- nil
	}
	return c
}

// do calls with a connection. The context that it passes ends when the store is closed, too.
func (c *conns) do(ctx context.Context, call func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.store.ctx, cancel)()
	var conn *pgx.Conn
	select {
	case conn = <-c.free:
	case <-ctx.Done():
		if c.store.ctx.Err() != nil {
			return es.ErrClosed
		}
		return ctx.Err()
	}
	defer func() { c.free <- conn }()
	if conn == nil || conn.IsClosed() {
		if conn, err = c.connect(ctx); err != nil {
			return err
		}
	}
	return call(ctx, conn)
}

// close waits for the calls under way and closes the connections. The store's context has ended before.
func (c *conns) close() {
	for range cap(c.free) {
		if conn := <-c.free; conn != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = conn.Close(ctx)
			cancel()
		}
	}
}
