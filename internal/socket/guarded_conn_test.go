package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// strangeConn does something else than its calls say once it is told to.
type strangeConn struct {
	net.Conn
	strange atomic.Bool
	read    func(p []byte) (int, error)
	write   func(p []byte) (int, error)
	other   func() error
}

func (c *strangeConn) Read(p []byte) (int, error) {
	if c.strange.Load() && c.read != nil {
		return c.read(p)
	}
	return c.Conn.Read(p)
}

func (c *strangeConn) Write(p []byte) (int, error) {
	if c.strange.Load() && c.write != nil {
		return c.write(p)
	}
	return c.Conn.Write(p)
}

func (c *strangeConn) SetReadDeadline(t time.Time) error {
	if c.strange.Load() && c.other != nil {
		return c.other()
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *strangeConn) SetWriteDeadline(t time.Time) error {
	if c.strange.Load() && c.other != nil {
		return c.other()
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *strangeConn) Close() error {
	defer c.Conn.Close()
	if c.strange.Load() && c.other != nil {
		return c.other()
	}
	return nil
}

// failure is an error whose methods panic.
type failure struct{}

func (failure) Error() string   { panic("Error") }
func (failure) Is(error) bool   { panic("Is") }
func (failure) As(any) bool     { panic("As") }
func (failure) Unwrap() []error { panic("Unwrap") }

func panics(...any) (int, error) { panic("no") }
func exits(...any) (int, error)  { runtime.Goexit(); return 0, nil }

func anyOf(f func(...any) (int, error)) func([]byte) (int, error) {
	return func([]byte) (int, error) { return f() }
}

// A connection that somebody has written costs no more than its own socket,
// whatever it does and whoever of the carrier meets it.
func TestStrangeConns(t *testing.T) {
	result := func(n int, err error) func([]byte) (int, error) {
		return func([]byte) (int, error) { return n, err }
	}
	for name, conn := range map[string]*strangeConn{
		"read panics":          {read: anyOf(panics)},
		"read exits":           {read: anyOf(exits)},
		"reads too much":       {read: result(1<<20, nil)},
		"reads less than 0":    {read: result(-1, nil)},
		"reads nothing":        {read: result(0, nil)},
		"read errs strangely":  {read: result(0, failure{})},
		"write panics":         {write: anyOf(panics)},
		"write exits":          {write: anyOf(exits)},
		"writes too much":      {write: result(1<<20, nil)},
		"writes nothing":       {write: result(0, nil)},
		"write errs strangely": {write: result(0, failure{})},
		"all else panics":      {other: func() error { panic("no") }},
		"all else exits":       {other: func() error { runtime.Goexit(); return nil }},
	} {
		for who, meet := range map[string]func(c *Conn, ctx context.Context, p *peer){
			"app reads":   func(c *Conn, ctx context.Context, _ *peer) { go c.Read(ctx) },
			"app is away": func(*Conn, context.Context, *peer) {},
			"app writes":  func(c *Conn, ctx context.Context, _ *peer) { go c.Write(ctx, parley.Text("m")) },
			"offers":      func(c *Conn, _ context.Context, _ *peer) { c.Offer(parley.Text("m")) },
			"closes":      func(c *Conn, _ context.Context, _ *peer) { c.Close(1000, "", parley.ErrClosed) },
		} {
			t.Run(name+", "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					meetStrangeConn(t, &strangeConn{read: conn.read, write: conn.write, other: conn.other}, meet)
				})
			})
		}
	}
}

func meetStrangeConn(
	t *testing.T, conn *strangeConn, meet func(c *Conn, ctx context.Context, p *peer),
) {
	server, client := net.Pipe()
	defer client.Close()
	go io.Copy(io.Discard, client)
	conn.Conn = server
	c, ctx := started(t, conn, parley.SocketOptions{PingInterval: time.Second})
	conn.strange.Store(true)
	meet(c, ctx, &peer{tb: t, conn: client})
	time.Sleep(time.Minute)
	c.Close(1000, "", parley.ErrClosed)
	<-c.Gone()
	if _, err := c.Read(ctx); err != ErrEnded {
		t.Errorf("Read: %v", err)
	}
	if err := c.Write(ctx, parley.Text("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if end := c.Ended(); end.Cause != context.Cause(ctx) {
		t.Errorf("ended with %v, the context with %v", end.Cause, context.Cause(ctx))
	}
}

// lateness is a timeout of somebody's own.
type lateness struct{}

func (lateness) Error() string   { return "late" }
func (lateness) Timeout() bool   { return true }
func (lateness) Temporary() bool { return true }

// A deadline that has passed is one however the connection says it, and no loss; an
// error that is of the network and no timeout is.
func TestDeadlinesOfStrangeConns(t *testing.T) {
	for name, row := range map[string]struct {
		err  error
		lost bool
	}{
		"its own timeout": {lateness{}, false},
		"wrapped":         {fmt.Errorf("read: %w", os.ErrDeadlineExceeded), false},
		"net.OpError":     {&net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}, true},
		"end":             {io.EOF, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				defer client.Close()
				conn := &strangeConn{Conn: server}
				conn.read = func([]byte) (int, error) {
					conn.strange.Store(false) // once
					return 0, row.err
				}
				conn.strange.Store(true)
				c, ctx := started(t, conn, parley.SocketOptions{})
				go client.Write(masked(0x81, "hello"))
				m, err := c.Read(ctx)
				if lost := err == ErrEnded; lost != row.lost || !lost && string(m.Data) != "hello" {
					t.Errorf("Read: %q, %v", m.Data, err)
				}
			})
		})
	}
}
