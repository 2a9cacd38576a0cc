package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// canHangUp: the system tells that a peer has hung up behind unread bytes.
const canHangUp = runtime.GOOS == "linux"

// times is how often a race is run.
func times() int {
	if testing.Short() {
		return 50
	}
	return 1000
}

// Whatever ends a socket, and whatever else ends it at the same time, Ended, the
// context and the disconnect tell the same cause.
func TestCauses(t *testing.T) {
	goodbye := masked(0x88, "\x0f\xa0bye")
	causes := map[string]func(c *Conn, p *peer){
		"peer says goodbye": func(_ *Conn, p *peer) { p.conn.Write(goodbye) },
		"peer is lost":      func(_ *Conn, p *peer) { p.conn.Close() },
		"peer errs":         func(_ *Conn, p *peer) { p.conn.Write(masked(0x83, "")) },
		"text is none":      func(_ *Conn, p *peer) { p.conn.Write(masked(0x81, "\xff")) },
		"too large":         func(_ *Conn, p *peer) { p.conn.Write([]byte{0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0}) },
		"drain":             func(c *Conn, _ *peer) { c.Close(1012, "", parley.ErrDraining) },
		"drain with grace":  func(c *Conn, _ *peer) { c.CloseWhenHandled(1012, "", parley.ErrDraining, time.Second) },
		"expiry":            func(c *Conn, _ *peer) { c.Close(4401, "", parley.ErrAuthExpired) },
		"app closes":        func(c *Conn, _ *peer) { c.Close(1000, "", parley.ErrClosed) },
		"kick":              func(c *Conn, _ *peer) { c.Kick(1013, "", parley.ErrSlowConsumer) },
		"abort":             func(c *Conn, _ *peer) { c.Abort(parley.ErrAppPanic) },
		"context ends":      func(c *Conn, _ *peer) { c.cancel(parley.ErrTooOld); c.Close(1012, "", parley.ErrDraining) },
	}
	for name, end := range causes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range times() / len(causes) {
				for _, other := range causes {
					synctest.Test(t, func(t *testing.T) { endTwice(t, end, other) })
				}
			}
		})
	}
}

func endTwice(t *testing.T, one, other func(c *Conn, p *peer)) {
	c, ctx, p := overPipe(t, parley.SocketOptions{MaxMessage: 100})
	var all sync.WaitGroup
	all.Go(func() { one(c, p) })
	all.Go(func() { other(c, p) })
	all.Go(p.answer)
	if _, err := c.Read(ctx); err != ErrEnded {
		t.Errorf("Read: %v", err)
	}
	<-ctx.Done()
	if end := c.Ended(); end.Cause == nil || end.Cause != context.Cause(ctx) {
		t.Errorf("ended with %v, the context with %v", end.Cause, context.Cause(ctx))
	}
	p.conn.Close()
	all.Wait()
}

// answer reads all that comes, and answers a close frame as a browser does.
func (p *peer) answer() {
	for {
		first, payload, err := p.next()
		if err != nil {
			return
		}
		if first == finBit|opClose {
			p.conn.Write(masked(first, payload))
		}
	}
}

// The peer's close frame may be read by whoever reads when this side closes. Nobody
// waits for a second one.
func TestCloseMeetsClose(t *testing.T) {
	for name, leaves := range map[string]func(p *peer){
		"answers": (*peer).answer,
		"closes too": func(p *peer) {
			go p.conn.Write(masked(0x88, "\x03\xe8"))
			io.Copy(io.Discard, p.conn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range times() / 10 {
				synctest.Test(t, func(t *testing.T) { closeAllAtOnce(t, leaves) })
			}
		})
	}
}

func closeAllAtOnce(t *testing.T, leaves func(p *peer)) {
	start := time.Now()
	var all sync.WaitGroup
	for range 10 {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		all.Go(func() { c.Read(ctx) })
		all.Go(func() { leaves(p) })
		all.Go(func() { c.Close(1012, "", parley.ErrDraining) })
		all.Go(func() { <-c.Gone() })
	}
	all.Wait()
	if waited := time.Since(start); waited > 0 {
		t.Errorf("the close handshake took %v", waited)
	}
}

// closingConn closes its socket in the middle of reading the peer's close frame.
type closingConn struct {
	net.Conn
	close func()
}

func (c closingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.close()
	return n, err
}

func TestCloseFrameReadWhileClosing(t *testing.T) {
	for name, frame := range map[string][]byte{
		"goodbye": masked(0x88, "\x03\xe8"), "nonsense": masked(0x83, ""),
		"no text": masked(0x81, "\xff"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				server, client := net.Pipe()
				defer client.Close()
				var c *Conn
				c, ctx := started(t, closingConn{server, func() { c.Close(1012, "", parley.ErrDraining) }}, parley.SocketOptions{})
				go io.Copy(io.Discard, client)
				go client.Write(frame)
				if _, err := c.Read(ctx); err != ErrEnded {
					t.Errorf("Read: %v", err)
				}
				<-c.Gone()
				if waited := time.Since(start); waited > 0 {
					t.Errorf("the close handshake took %v", waited)
				}
			})
		})
	}
}

// A peer that says goodbye behind messages the app has not received loses none of
// them, and the app gets its code, whatever context it reads under.
func TestGoodbyeBehindUnreadMessages(t *testing.T) {
	const count = 70
	for name, derive := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"own":     func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
		"derived": context.WithCancel,
		"timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"none": func(context.Context) (context.Context, context.CancelFunc) { return context.Background(), func() {} },
	} {
		t.Run(name, func(t *testing.T) {
			c, own, p := overTCP(t, parley.SocketOptions{})
			ctx, cancel := derive(own)
			defer cancel()
			for i := range count {
				p.send(0x81, fmt.Sprint(i))
				if i == 50 {
					p.send(0x89, "ping")
				}
			}
			p.send(0x88, "\x0f\xa0bye")
			if canHangUp {
				p.conn.(*net.TCPConn).CloseWrite()
				<-own.Done()
			}
			for i := range count {
				if m, err := c.Read(ctx); err != nil || string(m.Data) != fmt.Sprint(i) {
					t.Fatalf("message %d: %q, %v", i, m.Data, err)
				}
			}
			if _, err := c.Read(ctx); err != ErrEnded {
				t.Fatalf("Read: %v", err)
			}
			var bye *parley.CloseError
			if end := c.Ended(); !errors.As(end.Cause, &bye) || *bye != (parley.CloseError{Code: 4000, Reason: "bye"}) ||
				end.Code != 4000 || end.Reason != "bye" || context.Cause(own) != end.Cause {
				t.Errorf("ended with %+v, the context with %v", end, context.Cause(own))
			}
		})
	}
}

// What a peer left that hung up ends as it would have ended if it was read in time.
func TestHangupTellsHowItEnded(t *testing.T) {
	for name, row := range map[string]struct {
		last []byte
		want error
	}{
		"goodbye":         {masked(0x88, "\x03\xe8"), &parley.CloseError{Code: 1000}},
		"nothing":         {nil, parley.ErrDisconnected},
		"half a frame":    {masked(0x81, "half")[:8], parley.ErrDisconnected},
		"nonsense":        {masked(0x83, ""), parley.ErrPeerProtocol},
		"not text":        {masked(0x81, "\xff"), parley.ErrInvalidPayload},
		"bad close":       {masked(0x88, "\x03"), parley.ErrPeerProtocol},
		"too large":       {masked(0x82, strings.Repeat("x", 200)), parley.ErrTooLarge},
		"after a goodbye": {join(masked(0x88, "\x03\xe8"), masked(0x83, "")), &parley.CloseError{Code: 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			if !canHangUp {
				t.Skip("nothing tells here that a peer has hung up behind unread bytes")
			}
			c, ctx, p := overTCP(t, parley.SocketOptions{ReadAhead: 2, MaxMessage: 100})
			for range 10 {
				p.send(0x81, "m")
			}
			p.conn.Write(row.last)
			p.conn.(*net.TCPConn).CloseWrite()
			<-ctx.Done()
			cause := context.Cause(ctx)
			if !errors.Is(cause, row.want) && fmt.Sprint(cause) != fmt.Sprint(row.want) {
				t.Errorf("the context ended with %v, want %v", cause, row.want)
			}
			for range 10 {
				if m, err := c.Read(ctx); err != nil || string(m.Data) != "m" {
					t.Fatalf("Read: %q, %v", m.Data, err)
				}
			}
			if _, err := c.Read(ctx); err != ErrEnded || c.Ended().Cause != cause {
				t.Errorf("Read: %v, ended with %v", err, c.Ended().Cause)
			}
			<-c.Gone()
		})
	}
}

// A close that waits for the app goes out behind what the app still sends.
func TestCloseWhenHandled(t *testing.T) {
	const limit = 3 * time.Second
	for name, row := range map[string]struct {
		received int           // messages the app has taken
		works    time.Duration // on each
		coming   int           // messages more that had come
		answers  int           // that go out before the close
		after    time.Duration
	}{
		"nothing received": {0, 0, 0, 0, 0},
		"a handler runs":   {1, time.Second, 0, 1, time.Second},
		"and has more":     {1, time.Second, 1, 2, 2 * time.Second},
		"for too long":     {1, time.Second, 5, 3, limit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ctx, p := overPipe(t, parley.SocketOptions{})
				var app sync.WaitGroup
				defer app.Wait()
				if row.received > 0 {
					app.Go(func() { handle(ctx, c, row.works) })
				}
				for range row.received + row.coming {
					p.send(0x81, "m")
				}
				time.Sleep(30 * time.Millisecond) // the watcher has read them
				start := time.Now()
				c.CloseWhenHandled(1012, "", parley.ErrDraining, limit)
				go p.trickle(c.Gone(), "late", 100*time.Millisecond)
				for range row.answers {
					p.expect(finBit|opText, "answer to m")
				}
				p.expectClose(1012)
				if took := time.Since(start).Round(100 * time.Millisecond); took != row.after {
					t.Errorf("closed after %v, want %v", took, row.after)
				}
				if cause := context.Cause(ctx); cause != parley.ErrDraining {
					t.Errorf("cause %v", cause)
				}
				p.conn.Close()
			})
		})
	}
}

// handle answers every message after some work.
func handle(ctx context.Context, c *Conn, works time.Duration) {
	for {
		m, err := c.Read(ctx)
		if err != nil {
			return
		}
		time.Sleep(works)
		if c.Write(ctx, parley.Text("answer to "+string(m.Data))) != nil {
			return
		}
	}
}

// trickle sends a message now and then.
func (p *peer) trickle(until <-chan struct{}, message string, pause time.Duration) {
	for {
		select {
		case <-until:
			return
		case <-time.After(pause):
			p.conn.Write(masked(0x81, message))
		}
	}
}
