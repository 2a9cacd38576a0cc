package parleytest

import (
	"net/http"

	"github.com/parleygo/parley"
)

// Action is what a scripted client does.
type Action string

const (
	// ActSendBody sends Data as a part of the request's body. (HTTP)
	ActSendBody Action = "send body"
	// ActEndBody ends the request's body. (HTTP)
	ActEndBody Action = "end body"
	// ActContinue waits for 100 Continue. (HTTP)
	ActContinue Action = "continue"

	// ActSendText sends Data as a text message, valid or not. (WebSocket)
	ActSendText Action = "send text"
	// ActSendBinary sends Data as a binary message. (WebSocket)
	ActSendBinary Action = "send binary"
	// ActSendRaw sends Data as it is. It needs Features.Network. (WebSocket)
	ActSendRaw Action = "send raw"
	// ActClose sends a close frame with Code, if that is not zero, and Data as the
	// reason. (WebSocket)
	ActClose Action = "close"
	// ActDrain has the server stop. It needs Features.Drain. (WebSocket)
	ActDrain Action = "drain"

	// ActAwait waits for a part of the response's body, or for a message.
	ActAwait Action = "await"
	// ActVanish takes the client away: the connection is lost.
	ActVanish Action = "vanish"
)

// Step is one thing that a scripted client does.
type Step struct {
	Do   Action
	Data string
	Code parley.CloseCode
}

// HTTPScript is a client that makes one request, takes its steps and reads the
// response to its end.
type HTTPScript struct {
	Method string // empty: GET
	Target string // empty: /
	Proto  string // empty: HTTP/1.1
	Header http.Header
	Steps  []Step
}

// HTTPSeen is what the client of an HTTPScript saw.
type HTTPSeen struct {
	Continued bool     // 100 Continue came
	Hints     []string // the links of 103 answers
	Status    int      // 0: no answer
	Header    http.Header
	Body      string
	Trailer   http.Header
	Truncated bool // the connection ended before the answer did
}

// SocketScript is a browser that makes one WebSocket handshake, takes its steps
// if it is accepted (vanishing it can always do), and reads until the connection
// ends. A header in the script replaces the handshake's own, or removes it if it
// is nil.
type SocketScript struct {
	Method       string // empty: GET
	Proto        string // empty: HTTP/1.1
	Header       http.Header
	Subprotocols []string // the offer
	Steps        []Step
}

// SocketSeen is what the client of a SocketScript saw.
type SocketSeen struct {
	Status      int // of the answer to the handshake: 101 if it was accepted, 0 if there was none
	Header      http.Header
	Body        string // of a denial
	Truncated   bool   // the connection ended before the denial did
	Subprotocol string
	Messages    []parley.WebSocketReceive
	Pongs       []string         // payloads of pong frames
	Code        parley.CloseCode // as a browser tells its script, with Reason
	Reason      string
}
