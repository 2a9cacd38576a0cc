package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// canHangUp: the system tells that a peer has hung up behind unread bytes.
const canHangUp = runtime.GOOS == "linux"

// A peer that says goodbye behind messages the app has not received loses none of
// them, and the app gets its code, whatever context it reads under.
func TestGoodbyeBehindUnreadMessages(t *testing.T) {
	const count = 70
	for name, derive := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"own": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return ctx, func() {}
		},
		"derived": context.WithCancel,
		"timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"none": func(context.Context) (context.Context, context.CancelFunc) {
			return context.Background(), func() {}
		},
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
			if end := c.Ended(); !errors.As(end.Cause, &bye) ||
				*bye != (parley.CloseError{Code: 4000, Reason: "bye"}) ||
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
		"goodbye":      {masked(0x88, "\x03\xe8"), &parley.CloseError{Code: 1000}},
		"nothing":      {nil, parley.ErrDisconnected},
		"half a frame": {masked(0x81, "half")[:8], parley.ErrDisconnected},
		"nonsense":     {masked(0x83, ""), parley.ErrPeerProtocol},
		"not text":     {masked(0x81, "\xff"), parley.ErrInvalidPayload},
		"bad close":    {masked(0x88, "\x03"), parley.ErrPeerProtocol},
		"too large":    {masked(0x82, strings.Repeat("x", 200)), parley.ErrTooLarge},
		"after a goodbye": {join(masked(0x88, "\x03\xe8"), masked(0x83, "")),
			&parley.CloseError{Code: 1000}},
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

// What a peer left is kept whole, however much it is, and no message of it counts for
// the size of another.
func TestHangupKeepsWhatWasLeft(t *testing.T) {
	if !canHangUp {
		t.Skip("nothing tells here that a peer has hung up behind unread bytes")
	}
	const count = 3 * bufferSize / 100
	message := func(i int) string { return fmt.Sprintf("%04d", i) + strings.Repeat("x", 86) }
	c, ctx, p := overTCP(t, parley.SocketOptions{ReadAhead: 2, MaxMessage: 100})
	for i := range count {
		p.send([]byte{0x81, 0x82}[i%2], message(i)) // text and not
	}
	p.send(0x88, "\x0f\xa0")
	p.conn.(*net.TCPConn).CloseWrite()
	<-ctx.Done()
	if cause := context.Cause(ctx); parley.CodeOf(cause) != 4000 {
		t.Errorf("the context ended with %v", cause)
	}
	for i := range count {
		if m, err := c.Read(ctx); err != nil || string(m.Data) != message(i) {
			t.Fatalf("message %d of %d: %q, %v", i, count, m.Data, err)
		}
	}
	if _, err := c.Read(ctx); err != ErrEnded {
		t.Errorf("Read: %v", err)
	}
	<-c.Gone()
}
