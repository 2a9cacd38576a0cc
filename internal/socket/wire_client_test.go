package socket_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/socket"
)

// wireCase is a client that sends bytes, and what it gets for them: frames, as
// frameText tells them, and then the end of the connection.
type wireCase struct {
	name  string
	sends []byte
	gets  []string
	chop  int // bytes that go out at once, 0 for all
}

// echoes starts a gateway whose app says everything back, and returns its address.
func echoes(t *testing.T, options parley.SocketOptions) (address string) {
	server := httptest.NewServer(echoGateway(options))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func echoGateway(options parley.SocketOptions) http.Handler {
	echo := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			m, err := ws.Read(ctx)
			if err != nil {
				return err
			}
			if err := ws.Write(ctx, parley.WebSocketSend{Type: m.Type, Data: m.Data}); err != nil {
				return err
			}
		}
	})
	return nethttp.Handler(echo, nethttp.Options{
		WebSocket: options, Logger: slog.New(slog.DiscardHandler),
	})
}

// dialWire opens a socket. offer is what the client says of extensions; the answer
// to it is returned.
func dialWire(t *testing.T, address, offer string) (net.Conn, *bufio.Reader, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r, answer := shakeHands(t, conn, address, offer)
	return conn, r, answer
}

func shakeHands(t *testing.T, conn net.Conn, host, offer string) (r *bufio.Reader, answer string) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second)) // a safety net
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", host)
	if offer != "" {
		fmt.Fprintf(conn, "Sec-WebSocket-Extensions: %s\r\n", offer)
	}
	io.WriteString(conn, "\r\n")
	r = bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake was answered with %v, %v", response, err)
	}
	return r, response.Header.Get("Sec-Websocket-Extensions")
}

// run acts out the case and compares.
func (c wireCase) run(t *testing.T, address, offer string) {
	conn, r, _ := dialWire(t, address, offer)
	c.act(t, conn, r)
}

func (c wireCase) act(t *testing.T, conn net.Conn, r *bufio.Reader) {
	go func() {
		chop := c.chop
		if chop == 0 {
			chop = max(1, len(c.sends))
		}
		for rest := c.sends; len(rest) > 0; {
			n := min(chop, len(rest))
			if _, err := conn.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	got := framesUntilEnd(r)
	if strings.Join(got, "\n") != strings.Join(c.gets, "\n") {
		t.Errorf("got\n%.300s\nwant\n%.300s", strings.Join(got, "\n"), strings.Join(c.gets, "\n"))
	}
}

// framesUntilEnd reads all that the server sends.
func framesUntilEnd(r *bufio.Reader) (got []string) {
	for {
		first, payload, err := readServerFrame(r)
		switch {
		case err == io.EOF:
			return got
		case err != nil:
			return append(got, err.Error())
		}
		got = append(got, frameText(first, payload))
	}
}

func readServerFrame(r *bufio.Reader) (first byte, payload []byte, err error) {
	head := make([]byte, 2, 10)
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return 0, nil, err
	}
	if _, err := io.ReadFull(r, head[1:2]); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	size := uint64(head[1])
	switch size {
	case 126, 127:
		wide := head[2 : 4+6*(size-126)]
		if _, err := io.ReadFull(r, wide); err != nil {
			return 0, nil, io.ErrUnexpectedEOF
		}
		size = binary.BigEndian.Uint64(append(make([]byte, 8-len(wide)), wide...))
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return head[0], payload, nil
}

// frameText tells a frame, a long payload by its length.
func frameText(first byte, payload []byte) string {
	kind := fmt.Sprintf("frame %#x", first)
	switch first {
	case 0x81:
		kind = "text"
	case 0x82:
		kind = "binary"
	case 0x8a:
		kind = "pong"
	case 0x88:
		if len(payload) >= 2 {
			return fmt.Sprintf("close %d %q", binary.BigEndian.Uint16(payload), payload[2:])
		}
		kind = "close"
	}
	if len(payload) > 200 {
		return fmt.Sprintf("%s of %d", kind, len(payload))
	}
	return fmt.Sprintf("%s %q", kind, payload)
}

// frames joins frames: each a first byte and a payload.
func frames(firstAndPayload ...any) (stream []byte) {
	for i := 0; i < len(firstAndPayload); i += 2 {
		stream = append(stream, socket.Masked(byte(firstAndPayload[i].(int)),
			firstAndPayload[i+1].(string))...)
	}
	return stream
}

// closed is a close frame's payload.
func closed(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// bye ends a case in order.
var bye = frames(0x88, closed(1000, ""))

const byeBack = "close 1000 \"\""
