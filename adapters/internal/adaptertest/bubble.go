package adaptertest

import (
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
)

// Bubble is net/http's own server over connections in memory, for tests that
// have the time of a synctest bubble.
type Bubble struct {
	t        testing.TB
	listener pipeListener
}

// ServeInBubble starts a server that ends with the bubble's test.
func ServeInBubble(t testing.TB, handler http.Handler) *Bubble {
	b := &Bubble{t: t, listener: pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}}
	server := &http.Server{Handler: handler, ErrorLog: log.New(t.Output(), "server: ", 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&b.listener) }()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return b
}

// Dial connects a client. Its deadline, if any, is the test's to set.
func (b *Bubble) Dial() *Client {
	client, server := net.Pipe()
	b.listener.conns <- server
	return newClient(b.t, client)
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "bubble", Net: "pipe"} }
