package socket

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
)

// shares reports whether a and b begin at the same byte.
func shares(a, b []byte) bool { return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0] }

// A message is put into the reader's buffer where that can be, and is whole and its
// receiver's own everywhere.
func TestReadInto(t *testing.T) {
	const text = "hello, hello"
	for name, row := range map[string]struct {
		stream []byte
		size   int // of the buffer
		ahead  bool
		into   bool // the message is in the buffer
	}{
		"fits":         {masked(0x81, text), 100, false, true},
		"just fits":    {masked(0x81, text), len(text), false, true},
		"does not fit": {masked(0x81, text), len(text) - 1, false, false},
		"no buffer":    {masked(0x81, text), 0, false, false},
		"in fragments": {join(masked(0x01, text[:5]), masked(0x89, "p"), masked(0x80, text[5:])), 100,
			false, true},
		"grows out of it": {join(masked(0x01, text[:5]), masked(0x80, text[5:])), 8, false, false},
		"compressed":      {masked(0x81|rsv1Bit, string(deflate([]byte(text)))), 100, false, false},
		"read ahead":      {masked(0x81, text), 100, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ctx, p := overPipe(t, parley.SocketOptions{Deflate: true})
				go p.answer()
				if !row.ahead {
					go p.conn.Write(row.stream)
				} else if _, err := p.conn.Write(row.stream); err != nil {
					t.Fatal(err)
				}
				buffer := make([]byte, row.size)
				m, err := c.ReadInto(ctx, &Into{Buffer: buffer})
				if err != nil || string(m.Data) != text {
					t.Fatalf("ReadInto: %q, %v", m.Data, err)
				}
				if shares(m.Data, buffer) != row.into {
					t.Errorf("in the buffer: %v, want %v", !row.into, row.into)
				}
				p.send(0x81, "next") // read ahead, or into a buffer of its own
				if next, err := c.Read(ctx); err != nil || string(next.Data) != "next" ||
					string(m.Data) != text {
					t.Errorf("then %q, %v; now %q", next.Data, err, m.Data)
				}
			})
		})
	}
}

// A wait that ends in the middle of a message leaves the buffer to its owner.
func TestReadIntoGivesTheBufferBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ctx, p := overPipe(t, parley.SocketOptions{})
		buffer := make([]byte, 100)
		frame := masked(0x81, strings.Repeat("x", 50))
		for i := range frame {
			short, cancel := context.WithTimeout(ctx, time.Second)
			if _, err := c.ReadInto(short, &Into{Buffer: buffer}); err == nil {
				t.Fatal("too early")
			}
			cancel()
			copy(buffer, bytes.Repeat([]byte("o"), len(buffer)))
			go p.conn.Write(frame[i : i+1])
		}
		m, err := c.ReadInto(ctx, &Into{Buffer: buffer})
		if err != nil || string(m.Data) != strings.Repeat("x", 50) || shares(m.Data, buffer) {
			t.Errorf("ReadInto: %q, %v", m.Data, err)
		}
	})
}

// An app that echoes out of its own buffer, or what it was lent, allocates nothing.
func TestAllocEcho(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{})
	frame, back := masked(0x82, strings.Repeat("x", 4096)), make([]byte, 4096+4)
	buffer := make([]byte, 4096)
	for name, row := range map[string]struct {
		into *Into
		most float64
	}{
		"its own buffer": {&Into{Buffer: buffer}, 0}, "lent": {&Into{Lend: true}, 0}, "new bytes": {nil, 1},
	} {
		got := testing.AllocsPerRun(200, func() {
			p.conn.Write(frame)
			m, err := c.ReadInto(ctx, row.into)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Write(ctx, parley.Binary(m.Data)); err != nil {
				t.Fatal(err)
			}
			for rest := back; len(rest) > 0; {
				n, err := p.conn.Read(rest)
				if err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
		})
		if got > row.most && !raceEnabled {
			t.Errorf("%s: %v allocations an echo", name, got)
		}
	}
}
