package sqlite

import (
	"context"
	"errors"
	"sync"

	"github.com/esgen-go/esgen/es"
)

// pool lends connections that read. It opens them when they are needed, and lends
// the one that was used last, whose cache is warm.
type pool struct {
	connect func(context.Context) (*conn, error)
	slots   chan struct{} // has one element for each connection lent
	closing <-chan struct{}

	mu   sync.Mutex
	idle []*conn
}

func (p *pool) get(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-p.closing:
		return nil, es.ErrClosed
	default:
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closing:
		return nil, es.ErrClosed
	}
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		c := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.connect(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// put takes a connection back, after a use that ended with err: one that the engine
// failed is not used again.
func (p *pool) put(c *conn, err error) {
	if isEngine(err) && !isBusy(err) {
		_ = c.Close()
	} else {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	}
	<-p.slots
}

// close waits for the connections that are lent and closes all.
func (p *pool) close() error {
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
