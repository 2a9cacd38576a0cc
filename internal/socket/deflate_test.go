package socket

import (
	"bytes"
	"compress/flate"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestDeflateBothWays(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{Deflate: true, DeflateThreshold: 10})
	long := strings.Repeat("hello ", 100)
	p.send(0x81|rsv1Bit, string(deflate([]byte(long))))
	if m, err := c.Read(ctx); err != nil || string(m.Data) != long {
		t.Fatalf("Read: %q, %v", m.Data, err)
	}
	if err := c.Write(ctx, parley.Text(long)); err != nil {
		t.Fatal(err)
	}
	first, payload := p.frame()
	data, err := inflate([]byte(payload), 1<<20)
	if first != 0x81|rsv1Bit || err != nil || string(data) != long {
		t.Errorf("frame %#x of %d bytes: %v", first, len(payload), err)
	}
	c.Write(ctx, parley.Text("short"))
	p.expect(finBit|opText, "short") // below the threshold
}

// The limit holds after inflation: a small frame that grows too large is 1009.
func TestInflationIsLimited(t *testing.T) {
	bomb := deflate(bytes.Repeat([]byte{0}, 10<<20))
	c, ctx, p := overTCP(t, parley.SocketOptions{Deflate: true, MaxMessage: 1 << 16})
	p.send(0x82|rsv1Bit, string(bomb))
	if _, err := c.Read(ctx); err != ErrEnded || !errors.Is(c.Ended().Cause, parley.ErrTooLarge) {
		t.Errorf("Read: %v, %+v", err, c.Ended())
	}
	p.expectClose(1009)
}

func TestDamagedCompression(t *testing.T) {
	c, ctx, p := overTCP(t, parley.SocketOptions{Deflate: true})
	p.send(0x82|rsv1Bit, "\xff\xff\xff\xff")
	if _, err := c.Read(ctx); err != ErrEnded || c.Ended().Code != parley.CloseInvalidPayload {
		t.Errorf("Read: %v, %+v", err, c.Ended())
	}
	p.expectClose(1007)
}

// FuzzInflate: what is compressed in streams of its own comes out whole, and nothing that
// a peer can send comes out larger than it may.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("hello"), []byte("hello there"), []byte("\x03\x00\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, first, second, wire []byte) {
		var streams bytes.Buffer
		w, err := flate.NewWriter(&streams, flate.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(first)
		w.Close()
		whole := append(slices.Clone(first), second...)
		got, err := inflate(append(streams.Bytes(), deflate(second)...), int64(len(whole)))
		if err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%q and %q came out as %q, %v", first, second, got, err)
		}
		if got, err := inflate(wire, 1000); err == nil && len(got) > 1000 {
			t.Errorf("%q came out as %d bytes", wire, len(got))
		}
	})
}
