package server

import (
	"net"
	"sync"
	"time"
)

// limited bounds the connections of a listener.
type limited struct {
	net.Listener
	places  chan struct{}
	refuse  bool
	isPlain bool // a refusal can be said in HTTP
	closing sync.Once
	closed  chan struct{}
}

func limit(listener net.Listener, l *Listener) net.Listener {
	if l.MaxConns < 0 {
		return listener
	}
	return &limited{
		Listener: listener, places: make(chan struct{}, l.MaxConns),
		refuse: l.Refuse, isPlain: l.TLS == nil, closed: make(chan struct{}),
	}
}

// Accept waits for a connection, and before it for room, unless connections beyond
// the limit are refused.
func (l *limited) Accept() (net.Conn, error) {
	for {
		if !l.refuse {
			select {
			case l.places <- struct{}{}:
			case <-l.closed:
				return nil, net.ErrClosed
			}
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			if !l.refuse {
				<-l.places
			}
			return nil, err
		}
		if l.refuse && !l.admit() {
			l.turnAway(conn)
			continue
		}
		return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
	}
}

func (l *limited) admit() bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
		return false
	}
}

const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 20\r\n\r\nService Unavailable\n"

// turnAway answers without reading. It never waits: the few bytes fit the kernel's
// buffer of a fresh connection.
func (l *limited) turnAway(conn net.Conn) {
	if l.isPlain {
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		conn.Write([]byte(refusal))
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	}
	conn.Close()
}

// Close ends Accept, also one that waits for room.
func (l *limited) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed is a connection that holds a place. net/http may have it hijacked; its
// Close is what counts then too.
type placed struct {
	net.Conn
	leave func()
}

func (c *placed) Close() error {
	c.leave()
	return c.Conn.Close()
}
