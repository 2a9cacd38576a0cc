package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/parleygo/parley"
)

// peer is the client's end of a connection, spoken byte by byte.
type peer struct {
	tb   testing.TB
	conn net.Conn
	r    *bufio.Reader
}

// masked is a client's frame.
func masked(first byte, payload string) []byte {
	key := [4]byte{1, 2, 3, 4}
	b := appendFrame(nil, first, []byte(payload))
	head := len(b) - len(payload)
	b[1] |= maskBit
	body := append([]byte(nil), b[head:]...)
	unmask(key, 0, body)
	return append(append(b[:head:head], key[:]...), body...)
}

func (p *peer) send(first byte, payload string) {
	p.tb.Helper()
	if _, err := p.conn.Write(masked(first, payload)); err != nil {
		p.tb.Fatalf("peer writes: %v", err)
	}
}

// frame reads the server's next frame.
func (p *peer) frame() (first byte, payload string) {
	p.tb.Helper()
	first, payload, err := p.next()
	if err != nil {
		p.tb.Fatalf("peer reads: %v", err)
	}
	return first, payload
}

func (p *peer) next() (first byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, "", err
	}
	size := uint64(head[1])
	var wide [8]byte
	switch size {
	case 126:
		_, err = io.ReadFull(p.r, wide[6:])
		size = binary.BigEndian.Uint64(wide[:])
	case 127:
		_, err = io.ReadFull(p.r, wide[:])
		size = binary.BigEndian.Uint64(wide[:])
	}
	if err != nil {
		return 0, "", err
	}
	data := make([]byte, size)
	_, err = io.ReadFull(p.r, data)
	return head[0], string(data), err
}

// expect reads a frame and compares it.
func (p *peer) expect(first byte, payload string) {
	p.tb.Helper()
	if f, got := p.frame(); f != first || got != payload {
		p.tb.Fatalf("peer got frame %#x %q, want %#x %q", f, got, first, payload)
	}
}

func (p *peer) expectClose(code parley.CloseCode) {
	p.tb.Helper()
	first, payload := p.frame()
	if first != finBit|opClose || len(payload) < 2 ||
		parley.CloseCode(binary.BigEndian.Uint16([]byte(payload))) != code {
		p.tb.Fatalf("peer got frame %#x %q, want a close with %d", first, payload, code)
	}
}

// life is the context of a conn.
type life struct {
	context.Context
	cancel context.CancelCauseFunc
}

func newLife(parent context.Context) *life {
	l := new(life)
	l.Context, l.cancel = context.WithCancelCause(parent)
	return l
}

func (l *life) Cancel(cause error) { l.cancel(cause) }

// started makes a conn of the server's end and starts it.
func started(
	tb testing.TB, server net.Conn, options parley.SocketOptions,
) (c *Conn, ctx context.Context) {
	own := newLife(context.Background())
	c = newConn(server, nil, NewUpgrader(options), options.Deflate)
	c.Start(own)
	ctx = own
	tb.Cleanup(func() {
		c.Abort(parley.ErrDisconnected)
		<-c.Gone()
	})
	return c, ctx
}

// overPipe connects a conn and its peer in memory, for use in a bubble.
func overPipe(tb testing.TB, options parley.SocketOptions) (*Conn, context.Context, *peer) {
	server, client := net.Pipe()
	c, ctx := started(tb, server, options)
	tb.Cleanup(func() { client.Close() })
	return c, ctx, &peer{tb, client, bufio.NewReader(client)}
}

// overTCP connects a conn and its peer over loopback.
func overTCP(tb testing.TB, options parley.SocketOptions) (*Conn, context.Context, *peer) {
	server, client := tcpPair(tb)
	c, ctx := started(tb, server, options)
	return c, ctx, &peer{tb, client, bufio.NewReader(client)}
}

func tcpPair(tb testing.TB) (server, client net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	client, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	client.SetDeadline(time.Now().Add(time.Minute)) // a safety net
	tb.Cleanup(func() { client.Close() })
	if server, err = listener.Accept(); err != nil {
		tb.Fatal(err)
	}
	return server, client
}
