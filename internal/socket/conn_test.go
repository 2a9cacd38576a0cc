package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/parleygo/parley"
)

func TestReadAndWrite(t *testing.T) {
	type opener func(testing.TB, parley.SocketOptions) (*Conn, context.Context, *peer)
	for name, over := range map[string]opener{"pipe": overPipe, "tcp": overTCP} {
		t.Run(name, func(t *testing.T) {
			c, ctx, p := over(t, parley.SocketOptions{})
			go p.conn.Write(masked(0x81, "hello"))
			m, err := c.Read(ctx)
			if err != nil || m.Type != parley.TextMessage || string(m.Data) != "hello" {
				t.Fatalf("Read: %v %q, %v", m.Type, m.Data, err)
			}
			wrote := make(chan error, 1)
			go func() { wrote <- c.Write(ctx, parley.Binary([]byte("back"))) }()
			p.expect(finBit|opBinary, "back")
			if err := <-wrote; err != nil {
				t.Errorf("Write: %v", err)
			}
		})
	}
}

// Bytes that came with the handshake are the beginning of the stream.
func TestEarlyBytesAreRead(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	ctx := newLife(t.Context())
	c := newConn(server, masked(0x81, "early"), NewUpgrader(parley.SocketOptions{}), false)
	c.Start(ctx)
	if m, err := c.Read(ctx); err != nil || string(m.Data) != "early" {
		t.Errorf("Read: %q, %v", m.Data, err)
	}
	c.Abort(parley.ErrDisconnected)
	<-c.Gone()
}

func TestPeersEnds(t *testing.T) {
	for _, row := range []struct {
		name  string
		frame []byte
		end   End
		reply parley.CloseCode // zero: an empty close frame
	}{
		{"code and reason", masked(0x88, "\x0f\xa0bye"), End{4000, "bye", parley.ErrDisconnected}, 4000},
		{"no code", masked(0x88, ""), End{1005, "", parley.ErrDisconnected}, 0},
		{"code of one byte", masked(0x88, "\x03"), End{1002, "", parley.ErrPeerProtocol}, 1002},
		{"code that may not be sent", masked(0x88, "\x03\xed"), End{1002, "", parley.ErrPeerProtocol},
			1002},
		{"reason not UTF-8", masked(0x88, "\x03\xe8\xff"), End{1007, "", parley.ErrInvalidPayload}, 1007},
		{"text not UTF-8", masked(0x81, "\xff"), End{1007, "", parley.ErrInvalidPayload}, 1007},
		{"message too large", masked(0x82, strings.Repeat("x", 101)), End{1009, "", parley.ErrTooLarge},
			1009},
		{"protocol broken", masked(0x83, ""), End{1002, "", parley.ErrPeerProtocol}, 1002},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, ctx, p := overTCP(t, parley.SocketOptions{MaxMessage: 100})
			p.send(0x81, "before")
			if _, err := p.conn.Write(row.frame); err != nil {
				t.Fatal(err)
			}
			if m, err := c.Read(ctx); err != nil || string(m.Data) != "before" {
				t.Fatalf("Read: %q, %v", m.Data, err)
			}
			for range 2 {
				if _, err := c.Read(ctx); err != ErrEnded {
					t.Fatalf("Read: %v", err)
				}
			}
			end := c.Ended()
			if end.Code != row.end.Code || end.Reason != row.end.Reason ||
				!errors.Is(end.Cause, row.end.Cause) {
				t.Errorf("ended with %+v, want %+v", *end, row.end)
			}
			if !errors.Is(context.Cause(ctx), row.end.Cause) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
			if row.reply == 0 {
				p.expect(finBit|opClose, "")
			} else {
				p.expectClose(row.reply)
			}
			if err := c.Write(ctx, parley.Text("late")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after the end: %v", err)
			}
		})
	}
}

func TestLossEndsReadAndContext(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	p.conn.Close()
	if _, err := c.Read(ctx); err != ErrEnded || c.Ended().Code != parley.CloseAbnormal {
		t.Errorf("Read: %v, %+v", err, c.Ended())
	}
	if cause := context.Cause(ctx); cause != parley.ErrDisconnected {
		t.Errorf("cause %v", cause)
	}
}

// Everything queued goes out before the close frame; the peer's unread input
// does not reset the connection.
func TestCloseLosesNothing(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	go func() { // input that nobody reads
		for range 200 {
			if _, err := p.conn.Write(masked(0x82, strings.Repeat("i", 1000))); err != nil {
				return
			}
		}
	}()
	const count = 2000
	go func() {
		for range count {
			if err := c.Write(ctx, parley.Text(strings.Repeat("m", 100))); err != nil {
				t.Errorf("Write: %v", err)
			}
		}
		c.Close(parley.CloseServiceRestart, "drain", parley.ErrDraining)
	}()
	for range count {
		p.expect(finBit|opText, strings.Repeat("m", 100))
	}
	p.expectClose(1012)
	p.send(0x88, "\x03\xf4")
	p.conn.(*net.TCPConn).CloseWrite() // as browsers do when they read the end
	<-c.Gone()
}

func TestPingsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		received := make(chan Message)
		go func() {
			m, _ := c.Read(ctx)
			received <- m
		}()
		p.send(0x89, "here")
		p.expect(finBit|opPong, "here")
		p.send(0x81, "m")
		<-received
		// Now the app is away: a watcher answers in its place.
		time.Sleep(3 * awayAfter)
		p.send(0x89, "away")
		p.expect(finBit|opPong, "away")
	})
}

func TestHeartbeat(t *testing.T) {
	for name, appReads := range map[string]bool{"app reads": true, "app is away": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ctx, p := overPipe(t, parley.SocketOptions{
					PingInterval: 25 * time.Second, PongTimeout: 20 * time.Second,
				})
				if appReads {
					go c.Read(ctx)
				}
				start := time.Now()
				p.expect(finBit|opPing, "")
				if silent := time.Since(start); silent != 25*time.Second {
					t.Errorf("pinged after %v", silent)
				}
				p.send(0x8a, "") // any byte is a sign of life
				p.expect(finBit|opPing, "")
				<-ctx.Done()
				if silent := time.Since(start); silent != 70*time.Second ||
					context.Cause(ctx) != parley.ErrIdle {
					t.Errorf("ended after %v: %v", silent, context.Cause(ctx))
				}
				<-c.Gone()
			})
		})
	}
}

// What a heartbeat is told by is not kept.
func TestHeartbeatLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := overPipe(t, parley.SocketOptions{PingInterval: -1})
		in := &c.in
		in.tried(os.ErrDeadlineExceeded)
		if err := in.heardOf(); err != nil || in.failed != nil {
			t.Errorf("%v, and %+v is left", err, in.failed)
		}
	})
}

// A wait that ends early loses nothing, not even a message half read.
func TestReadUnderItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		frame := masked(0x81, "slow message")
		p.tb.Cleanup(func() {})
		for i := range frame {
			short, cancel := context.WithTimeout(ctx, time.Second)
			if _, err := c.Read(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Read: %v", err)
			}
			cancel()
			go p.conn.Write(frame[i : i+1])
		}
		if m, err := c.Read(ctx); err != nil || string(m.Data) != "slow message" {
			t.Errorf("Read: %q, %v", m.Data, err)
		}
	})
}

// While the app is away a bounded number of messages is read ahead; then the peer
// is held back. When the app is back it gets them all, in order.
func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{ReadAhead: 4})
		var sent sync.WaitGroup
		taken := 0
		sent.Go(func() {
			for i := range 20 {
				p.send(0x81, string(rune('a'+i)))
				taken++
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if taken != 4 {
			t.Errorf("%d messages taken ahead, want 4", taken)
		}
		for i := range 20 {
			m, err := c.Read(ctx)
			if err != nil || string(m.Data) != string(rune('a'+i)) {
				t.Fatalf("message %d: %q, %v", i, m.Data, err)
			}
			if i%3 == 0 {
				time.Sleep(3 * awayAfter) // away again, in the middle
			}
		}
		sent.Wait()
	})
}

// The peer's end is noticed behind messages that nobody has read.
func TestHangupBehindUnreadMessages(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{ReadAhead: 2})
	for range 10 {
		p.send(0x81, "m")
	}
	p.send(0x88, "\x03\xe8")
	p.conn.(*net.TCPConn).CloseWrite()
	<-ctx.Done() // though the app reads nothing
	for range 10 {
		if m, err := c.Read(context.Background()); err != nil || string(m.Data) != "m" {
			t.Fatalf("Read: %q, %v", m.Data, err)
		}
	}
	if _, err := c.Read(ctx); err != ErrEnded || c.Ended().Code != parley.CloseNormal {
		t.Errorf("Read: %v, ended with %+v", err, c.Ended())
	}
}

// An idle socket is what a server has most of: a field more may cost as much as eight.
func TestConnFitsItsSizeClass(t *testing.T) {
	const class = 704 // of the allocator's; the next is 768
	if size := unsafe.Sizeof(Conn{}); size > class {
		t.Errorf("a Conn has %d bytes, of %d that it may have", size, class)
	}
}

func TestIdleSocketHasNoWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		time.Sleep(3 * awayAfter) // the watcher reads
		go c.Read(ctx)
		synctest.Wait()
		c.in.mu.Lock()
		reader := c.in.reader
		c.in.mu.Unlock()
		if reader != app {
			t.Errorf("reader %d reads, want the app itself", reader)
		}
		p.conn.Close()
	})
}
