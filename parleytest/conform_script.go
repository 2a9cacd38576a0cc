package parleytest

import (
	"net/http"

	"github.com/parleygo/parley"
)

// Action is what a scripted client does.
type Action string

const (
	ActSendBody   Action = "send body"   // HTTP: Data is a part of the request's body
	ActEndBody    Action = "end body"    // HTTP: the request's body is complete
	ActContinue   Action = "continue"    // HTTP: wait for 100 Continue
	ActSendText   Action = "send text"   // WebSocket: Data is a text message, valid or not
	ActSendBinary Action = "send binary" // WebSocket: Data is a binary message
	ActSendRaw    Action = "send raw"    // WebSocket: Data goes out as it is (needs Features.Network)
	ActClose      Action = "close"       // WebSocket: a close frame with Code, if that is not zero, and Data as reason
	ActAwait      Action = "await"       // wait for a part of the response's body, or a message
	ActVanish     Action = "vanish"      // the connection is gone
	ActDrain      Action = "drain"       // WebSocket: here the server acts, and wants to stop (needs Features.Drain)
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
