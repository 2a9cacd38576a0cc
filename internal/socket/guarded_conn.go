package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/parleygo/parley"
)

// guardedConn stands before a connection that is not the kernel's own: under TLS,
// in memory, or a wrapper that somebody has written. The carrier calls it on
// goroutines of its own and while it holds locks. So whatever such a connection
// does, it costs its own socket: a panic, a count that cannot be, an end of the
// goroutine, an error whose methods fail.
type guardedConn struct {
	net.Conn
	exited func() // a call has ended its goroutine and will not return
}

func (g *guardedConn) Read(p []byte) (n int, err error) {
	finished := false
	defer g.guard(&finished, &err)
	for range 100 {
		if n, err = g.Conn.Read(p); n != 0 || err != nil {
			break
		}
	}
	if n < 0 || n > len(p) || n == 0 && err == nil {
		n, err = 0, io.ErrNoProgress
	}
	err = plain(err)
	finished = true
	return n, err
}

func (g *guardedConn) Write(p []byte) (n int, err error) {
	finished := false
	defer g.guard(&finished, &err)
	n, err = g.Conn.Write(p)
	switch {
	case n < 0 || n > len(p):
		n, err = 0, io.ErrNoProgress
	case n < len(p) && err == nil:
		err = io.ErrShortWrite
	}
	err = plain(err)
	finished = true
	return n, err
}

func (g *guardedConn) Close() error { return g.do(g.Conn.Close) }

func (g *guardedConn) SetReadDeadline(t time.Time) error {
	return g.do(func() error { return g.Conn.SetReadDeadline(t) })
}

func (g *guardedConn) SetWriteDeadline(t time.Time) error {
	return g.do(func() error { return g.Conn.SetWriteDeadline(t) })
}

// CloseWrite ends this side of the connection, where that can be.
func (g *guardedConn) CloseWrite() error {
	half, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return g.do(half.CloseWrite)
}

func (g *guardedConn) do(f func() error) (err error) {
	finished := false
	defer g.guard(&finished, &err)
	err = plain(f())
	finished = true
	return err
}

// guard is deferred by each call.
func (g *guardedConn) guard(finished *bool, err *error) {
	if *finished {
		return
	}
	if recovered := recover(); recovered != nil {
		*err = fmt.Errorf("%w: its connection panicked: %v", parley.ErrDisconnected, recovered)
		return
	}
	go g.exited() // on another goroutine: this one may hold a lock
}

// plain returns an error that is safe to look at. What the carrier has to know of
// it is whether a deadline has passed.
func plain(err error) error {
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return os.ErrDeadlineExceeded
	}
	return parley.ErrDisconnected
}
