package socket

import (
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// The defaults are those that parley.SocketOptions promises.
func TestDefaults(t *testing.T) {
	type options = parley.SocketOptions
	for name, row := range map[string]struct{ given, want options }{
		"none given": {options{}, options{
			MaxMessage: 1 << 20, ReadAhead: 32, QueueMessages: 256, QueueBytes: 1 << 20,
			WriteTimeout: 10 * time.Second, PingInterval: 25 * time.Second,
			PongTimeout: 20 * time.Second, CloseTimeout: 5 * time.Second, DeflateThreshold: 512,
		}},
		"no limits": {options{
			MaxMessage: -1, QueueMessages: -1, QueueBytes: -1, WriteTimeout: -1, PingInterval: -1,
		}, options{
			MaxMessage: math.MaxInt64, ReadAhead: 32, QueueMessages: math.MaxInt, QueueBytes: math.MaxInt,
			WriteTimeout: math.MaxInt64, PingInterval: -1,
			PongTimeout: 20 * time.Second, CloseTimeout: 5 * time.Second, DeflateThreshold: 512,
		}},
	} {
		if got := complete(row.given); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// What would make no sense fails at wiring.
func TestOptionsThatMakeNoSense(t *testing.T) {
	for _, options := range []parley.SocketOptions{
		{ReadAhead: -1}, {PongTimeout: -1}, {CloseTimeout: -1}, {DeflateThreshold: -1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", options)
				}
			}()
			NewUpgrader(options)
		}()
	}
}

// A socket without limits carries messages, and its peer may take its time.
func TestNoLimits(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{
		MaxMessage: -1, QueueMessages: -1, QueueBytes: -1, WriteTimeout: -1, PingInterval: -1,
		Deflate: true,
	})
	for _, first := range []byte{0x82, 0x82 | rsv1Bit} {
		payload := make([]byte, 3<<20)
		sent := payload
		if first&rsv1Bit != 0 {
			sent = deflate(payload)
		}
		go p.conn.Write(masked(first, string(sent)))
		m, err := c.Read(ctx)
		if err != nil || len(m.Data) != len(payload) {
			t.Fatalf("frame %#x: %d bytes, %v", first, len(m.Data), err)
		}
		go c.Write(ctx, parley.Binary(m.Data))
		if _, back := p.frame(); len(back) == 0 {
			t.Error("nothing came back")
		}
	}
}
