package parleytest

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/monitor"
)

func (l live) WebSocket(t testing.TB, app parley.App, script SocketScript) SocketSeen {
	handler := l(app)
	conn := l.dial(t, handler)
	host := conn.RemoteAddr().String()
	header := handshake(host)
	header["Host"] = []string{host}
	if len(script.Subprotocols) > 0 {
		header["Sec-Websocket-Protocol"] = []string{strings.Join(script.Subprotocols, ", ")}
	}
	for name, values := range script.Header {
		header[name] = values
	}
	writeHead(conn, script.Method, "/", script.Proto, header)
	if len(script.Steps) > 0 && script.Steps[0].Do == ActVanish {
		conn.Close()
		return SocketSeen{Truncated: true, Code: parley.CloseAbnormal}
	}
	s := &liveSocket{t: t, conn: conn, handler: handler, seen: SocketSeen{Code: parley.CloseAbnormal}}
	r := bufio.NewReader(conn)
	if s.answer(r) {
		s.talk(r, script.Steps)
	}
	return s.seen
}

// liveSocket is a browser's WebSocket.
type liveSocket struct {
	state   monitor.Monitor
	t       testing.TB
	conn    net.Conn
	handler http.Handler
	seen    SocketSeen
	said    bool // a close frame
	ended   bool
	write   sync.Mutex

	kind    byte   // of the message whose frames are coming: 0 for none
	partial []byte // its payload so far
}

// answer reads the answer to the handshake and reports whether it is a yes.
func (s *liveSocket) answer(r *bufio.Reader) bool {
	response, err := http.ReadResponse(r, &http.Request{Method: "GET"})
	if err != nil {
		s.seen.Truncated = true
		return false
	}
	s.seen.Status, s.seen.Header = response.StatusCode, response.Header
	if response.StatusCode == http.StatusSwitchingProtocols {
		s.seen.Subprotocol = response.Header.Get("Sec-Websocket-Protocol")
		s.expectAccept(response.Header)
		return true
	}
	body, err := io.ReadAll(response.Body)
	s.seen.Body, s.seen.Truncated = string(body), err != nil
	return false
}

// expectAccept checks what makes a browser believe in the answer: the key's
// digest in RFC 6455, section 1.3.
func (s *liveSocket) expectAccept(header http.Header) {
	if got := header.Get("Sec-Websocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		s.t.Errorf("parleytest: Sec-WebSocket-Accept is %q", got)
	}
}

// talk takes the steps while what comes is read, to the connection's end.
func (s *liveSocket) talk(r *bufio.Reader, steps []Step) {
	go s.read(r)
	awaited := 0
	for _, step := range steps {
		if step.Do == ActAwait {
			awaited++
			s.await(func() bool { return len(s.seen.Messages) >= awaited || s.ended })
			continue
		}
		s.act(step)
	}
	s.await(func() bool { return s.ended })
}

// await trusts in the connection's deadline, which ends reading.
func (s *liveSocket) await(try func() bool) { _ = s.state.Until(context.Background(), try) }

func (s *liveSocket) act(step Step) {
	switch step.Do {
	case ActSendText:
		s.send(finalText, step.Data)
	case ActSendBinary:
		s.send(finalBinary, step.Data)
	case ActSendRaw:
		s.raw([]byte(step.Data))
	case ActClose:
		s.state.Update(func() { s.said = true })
		s.send(finalClose, closePayload(step.Code, step.Data))
	case ActVanish:
		s.conn.Close()
	case ActDrain:
		s.drain()
	}
}

// drain has the server stop. That ends when this client has left, so the test
// waits for it last.
func (s *liveSocket) drain() {
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	go func() { ended <- s.handler.(drainer).Drain(ctx) }()
	s.t.Cleanup(func() {
		defer cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("parleytest: draining: %v", err)
		}
	})
}

func closePayload(code parley.CloseCode, reason string) string {
	if code == 0 {
		return ""
	}
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

func (s *liveSocket) send(first byte, payload string) {
	s.raw(appendMasked(nil, first, []byte(payload)))
}

// raw writes bytes. A server that is gone shows when its answer is read.
func (s *liveSocket) raw(b []byte) {
	s.write.Lock()
	defer s.write.Unlock()
	s.conn.Write(b)
}

// read takes in frames until the server closes the connection, and then closes
// its own side of it.
func (s *liveSocket) read(r *bufio.Reader) {
	defer s.conn.Close()
	var err error
	for err == nil {
		var first byte
		var payload []byte
		if first, payload, err = readFrame(r); err == nil {
			s.frame(first, payload)
		}
	}
	s.state.Update(func() {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			s.t.Errorf("parleytest: the server did not close the connection within %v", Patience)
		}
		s.ended = true
	})
}

// frame takes in a frame. The server may send its messages in parts.
func (s *liveSocket) frame(first byte, payload []byte) {
	switch first {
	case finalText, finalBinary, finalText &^ final, finalBinary &^ final:
		if s.kind != 0 {
			s.t.Errorf("parleytest: the server began a message inside another")
		}
		s.kind, s.partial = first|final, payload
	case finalContinuation, finalContinuation &^ final:
		if s.kind == 0 {
			s.t.Errorf("parleytest: the server went on with no message")
		}
		s.partial = append(s.partial, payload...)
	case finalPing:
		s.send(finalPong, string(payload))
	case finalPong:
		s.state.Update(func() { s.seen.Pongs = append(s.seen.Pongs, string(payload)) })
	case finalClose:
		s.closed(payload)
	default:
		s.t.Errorf("parleytest: the server sent a frame that begins with %#x", first)
	}
	if control := first&0x08 != 0; first&final != 0 && !control && s.kind != 0 {
		s.whole()
	}
}

// whole takes in the message whose last frame has come.
func (s *liveSocket) whole() {
	message := parley.WebSocketReceive{Type: parley.MessageType(s.kind - finalText), Data: s.partial}
	if message.Type == parley.TextMessage && !utf8.Valid(message.Data) {
		s.t.Errorf("parleytest: the server sent a text that is not UTF-8")
	}
	s.state.Update(func() { s.seen.Messages = append(s.seen.Messages, message) })
	s.kind, s.partial = 0, nil
}

// closed takes in the server's close frame, and answers it if it is the first.
func (s *liveSocket) closed(payload []byte) {
	code, reason := parley.CloseNoStatus, ""
	if len(payload) >= 2 {
		code, reason = parley.CloseCode(binary.BigEndian.Uint16(payload)), string(payload[2:])
	}
	answer := false
	s.state.Update(func() {
		s.seen.Code, s.seen.Reason = code, reason
		answer, s.said = !s.said, true
	})
	if answer {
		s.send(finalClose, closePayload(code, ""))
	}
}
