package pgtest

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// Proxy is a TCP proxy that cuts connections where it is told to.
type Proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	cut     *cut
	unheard *unheard
	conns   map[net.Conn]struct{}
	trips   int
	closed  bool // takes no connections
}

// Direction is that of the bytes that a proxy counts.
type Direction int

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

type cut struct {
	direction Direction
	left      int
	done      chan struct{}
}

// unheard is a question that no answer comes to.
type unheard struct {
	text []byte
	done chan struct{}
}

// talk is what both directions of a connection share.
type talk struct {
	answered bool          // the server spoke last
	unheard  chan struct{} // its next words do not arrive; closed then
}

// NewProxy returns a proxy to an address. It ends with the test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listening for a proxy: %v", err)
	}
	p := &Proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	go p.accept()
	tb.Cleanup(func() {
		p.Close()
		l.Close()
	})
	return p
}

// Addr returns the proxy's address.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// CutAfter cuts the connection that carries the n-th byte in the direction, counted
// from now over all connections, behind that byte. The returned channel is closed then.
func (p *Proxy) CutAfter(direction Direction, n int) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = &cut{direction, n, make(chan struct{})}
	return p.cut.done
}

// CutAnswerTo cuts the first connection over which the client sends a text, before anything of the answer. The returned
// channel is closed then.
func (p *Proxy) CutAnswerTo(text string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unheard = &unheard{[]byte(text), make(chan struct{})}
	return p.unheard.done
}

// Close cuts all connections and takes no new ones until Open is called.
func (p *Proxy) Close() {
	p.setClosed(true)
	p.CutAll()
}

// Open takes connections again.
func (p *Proxy) Open() { p.setClosed(false) }

func (p *Proxy) setClosed(closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = closed
}

// RoundTrips returns how often a client has sent something at the start of its connection, or after the server had answered,
// over all connections.
func (p *Proxy) RoundTrips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trips
}

// CutAll cuts all connections that are open.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		if p.closed {
			client.Close()
			server.Close()
			p.mu.Unlock()
			continue
		}
		p.conns[client], p.conns[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		both := &talk{answered: true}
		go p.copy(server, client, ToServer, both)
		go p.copy(client, server, ToClient, both)
	}
}

// copy passes bytes on.
func (p *Proxy) copy(to, from net.Conn, direction Direction, both *talk) {
	defer func() {
		to.Close()
		from.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, to)
		delete(p.conns, from)
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		pass, end := p.count(direction, buf[:n], both)
		if _, werr := to.Write(buf[:pass]); err != nil || werr != nil || end != nil {
			if end != nil {
				to.Close()
				close(end)
			}
			return
		}
	}
}

// count returns how many of the bytes pass, and what to close if the connection ends
// behind them.
func (p *Proxy) count(direction Direction, read []byte, both *talk) (pass int, end chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(read)
	if n > 0 {
		if direction == ToServer && both.answered {
			p.trips++
		}
		both.answered = direction == ToClient
	}
	switch {
	case direction == ToClient && n > 0 && both.unheard != nil:
		return 0, both.unheard
	case direction == ToServer && p.unheard != nil && bytes.Contains(read, p.unheard.text):
		both.unheard, p.unheard = p.unheard.done, nil
	}
	if p.cut == nil || p.cut.direction != direction {
		return n, nil
	}
	if p.cut.left > n {
		p.cut.left -= n
		return n, nil
	}
	pass, end = p.cut.left, p.cut.done
	p.cut = nil
	return pass, end
}
