package servicetest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server, on a port of the loopback of its own. It
// ends with the test. Its methods may be called from any goroutine.
type Proxy struct {
	Addr string // where clients connect to

	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	target  string
	conns   map[net.Conn]bool
	closed  bool
	refuse  bool
	silent  chan struct{} // closed when bytes pass again; nil while they pass
	delay   time.Duration
	through int64
}

// StartProxy starts a proxy to the server at target.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), target: target, listener: listener,
		conns: make(map[net.Conn]bool)}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Cut ends all connections, as a server that goes away does, and refuses new ones
// until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
	p.hangUp()
}

// Drop ends all connections. New ones are welcome.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangUp()
}

// Silence lets connections stand and be made, but nothing comes through until Heal, as
// if a cable were pulled: neither side is told.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent == nil {
		p.silent = make(chan struct{})
	}
}

// Point has connections go to another server from now on. Those that are there stay.
func (p *Proxy) Point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) server() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Slow has every piece of data wait for so long. Zero is as fast as can be.
func (p *Proxy) Slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// Heal ends what Cut and Silence have begun. What was held back by Silence arrives.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
	p.speak()
}

// Bytes is how much has come through, both ways together.
func (p *Proxy) Bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.through
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.hold(client) {
			continue
		}
		p.running.Go(func() { p.join(client) })
	}
}

// hold takes a connection under the proxy's care, unless it is refused.
func (p *Proxy) hold(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) release(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

func (p *Proxy) join(client net.Conn) {
	defer p.release(client)
	var dialer net.Dialer
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := dialer.DialContext(ctx, "tcp", p.server())
	if err != nil || !p.hold(server) {
		return
	}
	defer p.release(server)
	p.running.Go(func() { p.copy(server, client) })
	p.copy(client, server)
}

// copy passes on what arrives, until either side ends; then it ends both.
func (p *Proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			p.pause(n)
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil { // io.EOF as a rule
			return
		}
	}
}

func (p *Proxy) pause(n int) {
	p.mu.Lock()
	p.through += int64(n)
	silent, delay := p.silent, p.delay
	p.mu.Unlock()
	if silent != nil {
		<-silent
	}
	time.Sleep(delay)
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.hangUp()
	p.speak()
	p.mu.Unlock()
	_ = p.listener.Close()
	p.running.Wait()
}

// hangUp and speak are for callers that hold mu.
func (p *Proxy) hangUp() {
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) speak() {
	if p.silent != nil {
		close(p.silent)
		p.silent = nil
	}
}
