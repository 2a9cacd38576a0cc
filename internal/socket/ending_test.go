package socket

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

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
		"too large": func(_ *Conn, p *peer) {
			p.conn.Write([]byte{0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0})
		},
		"drain":      func(c *Conn, _ *peer) { c.Close(1012, "", parley.ErrDraining) },
		"expiry":     func(c *Conn, _ *peer) { c.Close(4401, "", parley.ErrAuthExpired) },
		"app closes": func(c *Conn, _ *peer) { c.Close(1000, "", parley.ErrClosed) },
		"abort":      func(c *Conn, _ *peer) { c.Abort(parley.ErrAppPanic) },
		"context ends": func(c *Conn, _ *peer) {
			c.ctx.(Life).Cancel(parley.ErrTooOld)
			c.Close(1012, "", parley.ErrDraining)
		},
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

// A Read under a context that ends with the socket hears that it was the socket, also
// while its end is being told.
func TestReadHearsOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, socket, p := overPipe(t, parley.SocketOptions{})
		ending, settle := make(chan bool), make(chan bool)
		own := c.ctx.(*life)
		end := own.cancel
		own.cancel = func(cause error) {
			end(cause)
			close(ending)
			<-settle
		}
		derived, cancel := context.WithCancel(socket)
		defer cancel()
		time.Sleep(3 * awayAfter) // the watcher reads
		derived.Done()            // it has an end of its own
		go p.conn.Write(masked(0x88, "\x0f\xa0bye"))
		<-ending
		ctx := &askedContext{derived, sync.OnceFunc(func() { close(settle) })}
		if m, err := c.Read(ctx); err != ErrEnded {
			t.Errorf("read %q, %v", m.Data, err)
		}
	})
}

// askedContext tells when it is asked whether it has ended.
type askedContext struct {
	context.Context
	asked func()
}

func (c *askedContext) Err() error {
	defer c.asked()
	return c.Context.Err()
}

// Whoever reads when the peer says goodbye stays the reader until the socket has its end:
// an app that comes back meanwhile would read on, behind the close frame.
func TestNothingIsReadBehindTheEnd(t *testing.T) {
	for name, behind := range map[string]func(p *peer){
		"a message": func(p *peer) { p.conn.Write(masked(0x81, "late")) },
		"a hang-up": func(p *peer) { p.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { readBehind(t, behind) })
		})
	}
}

func readBehind(t *testing.T, behind func(p *peer)) {
	c, ctx, p := overPipe(t, parley.SocketOptions{})
	ending, settle := make(chan bool), make(chan bool)
	own := c.ctx.(*life)
	end := own.cancel
	own.cancel = func(cause error) {
		close(ending)
		<-settle
		end(cause)
	}
	time.Sleep(3 * awayAfter) // the watcher reads
	var all sync.WaitGroup
	all.Go(func() { p.conn.Write(masked(0x88, "\x0f\xa0bye")) })
	<-ending
	all.Go(func() { behind(p) })
	all.Go(func() {
		if m, err := c.Read(ctx); err != ErrEnded {
			t.Errorf("read %q, %v", m.Data, err)
		}
	})
	synctest.Wait()
	close(settle)
	<-ctx.Done()
	if got := c.Ended(); got.Code != 4000 || got.Reason != "bye" {
		t.Errorf("ended with %+v", got)
	}
	go p.answer()
	<-c.Gone()
	all.Wait()
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
				c, ctx := started(t, closingConn{server, func() { c.Close(1012, "", parley.ErrDraining) }},
					parley.SocketOptions{})
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

// What an app says to messages that came before the peer's close goes out before the
// answer to it, though its context has ended; but nobody waits for long.
func TestAnswersBeforeTheAnswerToAClose(t *testing.T) {
	answers := func(ctx context.Context, c *Conn) {
		time.Sleep(time.Second)
		if err := c.Write(ctx, parley.Text("answer")); err != nil {
			t.Errorf("Write: %v", err)
		}
	}
	for name, row := range map[string]struct {
		app    func(ctx context.Context, c *Conn) // when it has received a message
		last   []byte
		answer bool
		code   parley.CloseCode
		after  time.Duration
	}{
		"reads on": {func(ctx context.Context, c *Conn) {
			answers(ctx, c)
			c.Read(ctx)
		}, masked(0x88, "\x0f\xa0"), true, 4000, time.Second},
		"ends": {func(ctx context.Context, c *Conn) {
			answers(ctx, c)
			c.Close(1000, "", parley.ErrFinished)
		}, masked(0x88, "\x0f\xa0"), true, 4000, time.Second},
		"does neither": {func(ctx context.Context, c *Conn) {
			answers(ctx, c)
		}, masked(0x88, "\x0f\xa0"), true, 4000, 2500 * time.Millisecond},
		"is not at anything": {func(ctx context.Context, c *Conn) {
			c.Read(ctx)
		}, masked(0x88, "\x0f\xa0"), false, 4000, 0},
		"reads on after nonsense": {func(ctx context.Context, c *Conn) {
			answers(ctx, c)
			c.Read(ctx)
		}, masked(0x83, ""), true, 1002, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ctx, p := overPipe(t, parley.SocketOptions{})
				var app sync.WaitGroup
				defer app.Wait()
				app.Go(func() {
					c.Read(ctx)
					row.app(ctx, c)
				})
				p.send(0x81, "m")
				time.Sleep(3 * awayAfter)
				start := time.Now()
				if _, err := p.conn.Write(row.last); err != nil {
					t.Fatal(err)
				}
				<-ctx.Done()
				if took := time.Since(start); took != 0 {
					t.Errorf("the context ended after %v", took)
				}
				if row.answer {
					p.expect(finBit|opText, "answer")
				}
				p.expectClose(row.code)
				if took := time.Since(start).Round(100 * time.Millisecond); took != row.after {
					t.Errorf("closed after %v, want %v", took, row.after)
				}
				p.conn.Close()
				<-c.Gone()
			})
		})
	}
}
