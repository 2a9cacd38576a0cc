package server

import (
	"net"
	"sync"
	"time"

	"github.com/parleygo/parley/internal/options"
)

// limited bounds the connections of a listener.
type limited struct {
	*door
	places  chan struct{}
	refuse  bool
	isPlain bool // a refusal can be said in HTTP
	closing sync.Once
	closed  chan struct{}
}

func limit(d *door, l *Listener) net.Listener {
	if !options.Limited(l.MaxConns) {
		return d
	}
	return &limited{
		door: d, places: make(chan struct{}, l.MaxConns),
		refuse: l.Refuse, isPlain: l.TLS == nil, closed: make(chan struct{}),
	}
}

// Accept waits for a connection, and before it for room, unless connections beyond
// the limit are refused. Those are refused, too, who still wait when the door shuts.
func (l *limited) Accept() (net.Conn, error) {
	for {
		hasPlace, err := l.waitForRoom()
		if err != nil {
			return nil, err
		}
		conn, err := l.door.Accept()
		switch {
		case err != nil && hasPlace:
			<-l.places
			return nil, err
		case err != nil:
			return nil, err
		case hasPlace || l.admit():
			return placed(conn, sync.OnceFunc(func() { <-l.places })), nil
		}
		l.turnAway(conn)
	}
}

func (l *limited) waitForRoom() (hasPlace bool, err error) {
	if l.refuse {
		return false, nil
	}
	select {
	case l.places <- struct{}{}:
		return true, nil
	case <-l.retiring:
		return false, nil
	case <-l.closed:
		return false, net.ErrClosed
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
	l.conns.refused.Add(1)
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
	return l.door.Close()
}

// placed returns a connection that holds a place until it is closed, also after
// net/http has given it away. It can do what the kernel's own can: send files, and
// end one direction.
func placed(conn net.Conn, leave func()) net.Conn {
	switch conn := conn.(type) {
	case *net.TCPConn:
		return &placedTCP{conn, leave}
	case *net.UnixConn:
		return &placedUnix{conn, leave}
	}
	return &placedOther{conn, leave}
}

type placedTCP struct {
	*net.TCPConn
	leave func()
}

func (c *placedTCP) Close() error {
	c.leave()
	return c.TCPConn.Close()
}

// KernelConn is the connection that all but Close goes to.
func (c *placedTCP) KernelConn() net.Conn { return c.TCPConn }

type placedUnix struct {
	*net.UnixConn
	leave func()
}

func (c *placedUnix) Close() error {
	c.leave()
	return c.UnixConn.Close()
}

// KernelConn is the connection that all but Close goes to.
func (c *placedUnix) KernelConn() net.Conn { return c.UnixConn }

type placedOther struct {
	net.Conn
	leave func()
}

func (c *placedOther) Close() error {
	c.leave()
	return c.Conn.Close()
}
