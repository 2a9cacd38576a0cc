package parleytest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Socket is one WebSocket to an app. Its methods are the browser's.
type Socket struct {
	running
	order     protocol.WebSocket
	offered   []string
	connected bool                        // the app has received the connect event
	incoming  []parley.WebSocketReceive   // messages that the app has not received
	lent      []byte                      // of the message that the app was lent
	lost      *parley.WebSocketDisconnect // what the app receives after them, once it is known

	answered bool // accepted, denied, or gone
	accept   *parley.WebSocketAccept
	denial   reply
	messages []parley.WebSocketReceive   // messages that the client has not received
	closed   *parley.WebSocketDisconnect // what the client is told of the end
}

// Dial has the app serve the handshake of request and returns while it does. What
// is offered in subprotocols is added to the request's own offer. The values of
// the request's context reach the app, and the client vanishes when that context
// ends.
//
// Dial gives the request the headers of a browser's handshake, so that middleware
// finds them: Connection, Upgrade, Sec-WebSocket-Version, Sec-WebSocket-Key, and an
// Origin that is the request's own host. A header that the request has stays as it
// is, and one that it has as nil is left out. A client that is no browser:
//
//	request.Header["Origin"] = nil
func Dial(t testing.TB, app parley.App, request *http.Request, subprotocols ...string) *Socket {
	t.Helper()
	need(t, app, request)
	s := &Socket{running: running{t: t}}
	ctx := s.begin(request.Context(), s.Vanish)
	scope := socketScope(received(ctx, request), subprotocols)
	s.offered = scope.Subprotocols
	go s.serve(ctx, app, scope, (*socketConn)(s), s.finish)
	return s
}

// Accepted waits for the app's answer to the handshake and reports whether it is a
// yes.
func (s *Socket) Accepted() bool {
	s.t.Helper()
	s.await("waiting for the answer to the handshake", func() bool { return s.answered })
	return s.accept != nil
}

// Accept waits until the app accepts and returns the subprotocol and headers it
// chose. It fails the test if the app does not.
func (s *Socket) Accept() parley.WebSocketAccept {
	s.t.Helper()
	if !s.Accepted() {
		s.t.Fatalf("parleytest: the handshake was answered with %d %q%s", s.denial.Status, s.denial.body,
			s.why())
	}
	return *s.accept
}

// Denial waits for the app to return and gives the plain HTTP response that it
// denied the handshake with. A browser does not show it to its script: what that
// sees is Closed, a code 1006 without a reason. Denial fails the test if the
// app accepted.
func (s *Socket) Denial() *Response {
	s.t.Helper()
	if s.Accepted() {
		s.t.Fatal("parleytest: the handshake was accepted")
	}
	err := s.wait()
	return s.denial.response(err, s.events())
}

// Send sends a message; see parley.Text and parley.Binary. It fails the test if
// the socket is not open.
func (s *Socket) Send(message parley.WebSocketSend) {
	s.t.Helper()
	s.Accept()
	var closed *parley.WebSocketDisconnect
	s.state.Update(func() {
		if closed = s.closed; closed == nil {
			s.deliver(message.Payload())
		}
	})
	if closed != nil {
		s.t.Fatalf("parleytest: sending on a socket closed with %d %q%s", closed.Code, closed.Reason,
			s.why())
	}
}

// SendJSON sends value as a text message.
func (s *Socket) SendJSON(value any) {
	s.t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		s.t.Fatalf("parleytest: encoding a message: %v", err)
	}
	s.Send(parley.WebSocketSend{Data: data})
}

// Receive waits for the app's next message. It fails the test if the socket ends
// instead.
func (s *Socket) Receive() (message parley.WebSocketReceive) {
	s.t.Helper()
	got := false
	s.await("waiting for a message", func() bool {
		message, got = s.shift()
		return got || s.closed != nil
	})
	if !got {
		s.t.Fatalf("parleytest: no message: the socket was closed with %d %q%s", s.closed.Code,
			s.closed.Reason, s.why())
	}
	return message
}

// ReceiveWithin is Receive that gives up after d, or when the socket ends, and
// then reports false. It does the app no harm.
func (s *Socket) ReceiveWithin(d time.Duration) (message parley.WebSocketReceive, ok bool) {
	s.within(d, func() bool {
		message, ok = s.shift()
		return ok || s.closed != nil
	})
	return message, ok
}

func (s *Socket) shift() (message parley.WebSocketReceive, ok bool) {
	if len(s.messages) == 0 {
		return message, false
	}
	message, s.messages = s.messages[0], s.messages[1:]
	return message, true
}

// ReceiveJSON waits for the app's next message and decodes it into value.
func (s *Socket) ReceiveJSON(value any) {
	s.t.Helper()
	message := s.Receive()
	if err := json.Unmarshal(message.Data, value); err != nil {
		s.t.Fatalf("parleytest: decoding %q: %v", message.Data, err)
	}
}

// Quiet reports that there is no message to receive, once the app has done all it
// can do now. It is exact inside a synctest bubble; outside it watches for a
// moment.
func (s *Socket) Quiet() bool { return s.quiet(func() bool { return len(s.messages) > 0 }) }

// Closed waits for the end of the socket and returns the code and reason that
// the browser's close event tells: those of the close frame, 1005 for a frame
// without a code, and 1006 without a reason for a lost connection and for a
// denied handshake of any kind.
func (s *Socket) Closed() (code parley.CloseCode, reason string) {
	s.t.Helper()
	s.await("waiting for the socket to close", func() bool { return s.closed != nil })
	return s.closed.Code, s.closed.Reason
}

// Wait waits for the app to return and returns its error.
func (s *Socket) Wait() error {
	s.t.Helper()
	return s.wait()
}

// Sent returns what the app has sent so far.
func (s *Socket) Sent() []Sent { return s.events() }
