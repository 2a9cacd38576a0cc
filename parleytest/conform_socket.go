package parleytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/parleygo/parley"
)

func socketRows() []socketRow {
	return slices.Concat(
		socketAnswerRows, denialRows, socketSendRows, socketCloseRows,
		socketReceiveRows, handshakeRows, frameRows,
	)
}

// opened is what a client sees of a socket that the app closed with code.
func opened(code parley.CloseCode, reason string, messages ...string) SocketSeen {
	seen := SocketSeen{Status: http.StatusSwitchingProtocols, Code: code, Reason: reason}
	for _, text := range messages {
		seen.Messages = append(seen.Messages, parley.WebSocketReceive{Data: []byte(text)})
	}
	return seen
}

// client is a client that takes steps.
func client(steps ...Step) SocketScript { return SocketScript{Steps: steps} }

// badAccept is a row whose app returns the error of a bad accept.
func badAccept(rule string, accept parley.WebSocketAccept, broken string, why error) socketRow {
	return socketRow{
		rule:   rule,
		script: SocketScript{Subprotocols: []string{"chat"}},
		app:    func(c *call) error { return c.send(accept) },
		want:   denied(500),
		said:   []string{refused(accept, broken, why)},
	}
}

func accepting(name, value string) parley.WebSocketAccept {
	return parley.WebSocketAccept{Header: http.Header{name: {value}}}
}

// socketAnswerRows: the answer to the handshake.
var socketAnswerRows = []socketRow{
	{
		rule:   "A7.accept",
		script: SocketScript{Subprotocols: []string{"chat", "superchat"}},
		app: func(c *call) error {
			c.receive()
			c.say("offered %q", c.scope.Subprotocols)
			return c.send(parley.WebSocketAccept{Subprotocol: "superchat",
				Header: http.Header{"X-A": {"1", "2"}}})
		},
		want: SocketSeen{Status: 101, Header: http.Header{"X-A": {"1", "2"}}, Subprotocol: "superchat",
			Code: 1000},
		said: []string{"websocket.connect", `offered ["chat" "superchat"]`, "websocket.accept: ok"},
	}, {
		rule: "A7.send-before-accept",
		app:  func(c *call) error { return c.send(parley.Text("early")) },
		want: denied(500),
		said: []string{refused(parley.WebSocketSend{}, "A7.send-before-accept", parley.ErrNotAccepted)},
	}, {
		rule: "A7.accept-twice",
		app: func(c *call) error {
			c.accept()
			return c.send(parley.WebSocketAccept{})
		},
		want: opened(1011, ""),
		said: []string{refused(parley.WebSocketAccept{}, "A7.accept-twice", parley.ErrAlreadyAccepted)},
	}, {
		rule: "A7.deny-after-accept",
		app: func(c *call) error {
			c.accept()
			c.send(parley.WebSocketDeny{})
			return c.quietly(parley.Text("still here"))
		},
		want: opened(1000, "", "still here"),
		said: []string{refused(parley.WebSocketDeny{}, "A7.accept-twice", parley.ErrAlreadyAccepted)},
	},
	badAccept("A7.subprotocol-not-offered", parley.WebSocketAccept{Subprotocol: "other"},
		"A7.subprotocol-not-offered", parley.ErrSubprotocolNotOffered),
	badAccept("A7.reserved-header", accepting("Sec-Websocket-Protocol", "chat"),
		"A7.reserved-header", parley.ErrReservedHeader),
	badAccept("A7.reserved-header/lower-case", accepting("sec-websocket-accept", "x"),
		"A7.reserved-header", parley.ErrReservedHeader),
	badAccept("A7.header", accepting("X-A", "a\r\nb"), "A4.header", parley.ErrInvalidHeader),
	{
		rule: "A7.no-answer",
		app:  func(*call) error { return nil },
		want: denied(500),
	}, {
		rule: "A7.error-before-accept",
		app:  func(*call) error { return errSelf },
		want: denied(500),
	}, {
		rule: "A7.error-before-accept/nil-pointer",
		app:  func(*call) error { return nilPointer },
		want: denied(500),
	}, {
		rule: "A7.panic-before-accept",
		app:  func(*call) error { panic(secret) },
		want: denied(500),
	}, {
		rule: "A7.error/not-found",
		app:  func(*call) error { return fmt.Errorf("%s: %w", secret, parley.ErrNotFound) },
		want: denied(404),
	}, {
		rule: "A1.4/socket-unsupported-protocol",
		app:  func(c *call) error { return &parley.UnsupportedProtocolError{Protocol: c.scope.Protocol} },
		want: denied(404),
	}, {
		rule: "A1.5/socket-unknown-event",
		app: func(c *call) error {
			c.accept()
			c.send(strange{})
			return c.send(ok200)
		},
		want: opened(1011, ""),
		said: []string{
			refused(strange{}, "A1.5", parley.ErrUnexpectedEvent),
			refused(ok200, "A1.5", parley.ErrUnexpectedEvent),
		},
	},
}

func sizedDenial(length string) parley.WebSocketResponseStart {
	return parley.WebSocketResponseStart{Status: 401, Header: http.Header{"Content-Length": {length}}}
}

// denialRows: plain HTTP answers to a handshake.
var denialRows = []socketRow{
	{
		rule: "A7.close-before-accept",
		app: func(c *call) error {
			c.receive()
			c.send(parley.WebSocketClose{Code: 4000, Reason: "unheard"})
			c.receive()
			c.receive()
			return c.send(parley.WebSocketAccept{})
		},
		want: SocketSeen{Status: 403, Code: 1006}, // the reason is for sockets only
		said: []string{
			"websocket.connect", "websocket.close: ok",
			`websocket.disconnect 1006 ""`, `websocket.disconnect 1006 ""`,
			refused(parley.WebSocketAccept{}, "A7.send-after-close", parley.ErrClosed),
		},
	}, {
		rule: "A7.deny",
		app: func(c *call) error {
			return c.send(parley.WebSocketDeny{Status: 401, Header: http.Header{"X-A": {"1", "2"}},
				Body: []byte("who?")})
		},
		want: SocketSeen{Status: 401, Header: http.Header{"X-A": {"1", "2"}}, Body: "who?", Code: 1006},
		said: []string{"websocket.http.response: ok"},
	}, {
		rule: "A7.deny/no-status",
		app:  func(c *call) error { return c.send(parley.WebSocketDeny{}) },
		want: SocketSeen{Status: 403, Code: 1006},
		said: []string{"websocket.http.response: ok"},
	}, {
		rule: "A7.deny/streamed",
		app: func(c *call) error {
			return c.quietly(parley.WebSocketResponseStart{Status: 401},
				parley.WebSocketResponseBody{Body: []byte("who "), More: true},
				parley.WebSocketResponseBody{Body: []byte("are you?")})
		},
		want: SocketSeen{Status: 401, Body: "who are you?", Code: 1006},
	}, {
		rule: "A7.deny/incomplete",
		app: func(c *call) error {
			return c.quietly(parley.WebSocketResponseStart{Status: 401},
				parley.WebSocketResponseBody{Body: []byte("who "), More: true})
		},
		want: SocketSeen{Status: 401, Body: "who ", Truncated: true, Code: 1006},
	}, {
		rule: "A7.deny/no-body",
		app:  func(c *call) error { return c.quietly(parley.WebSocketResponseStart{Status: 401}) },
		want: SocketSeen{Status: 401, Truncated: true, Code: 1006},
	}, {
		rule: "A7.deny/sized",
		app: func(c *call) error {
			return c.quietly(sizedDenial("6"), parley.WebSocketResponseBody{Body: []byte("who "), More: true},
				parley.WebSocketResponseBody{Body: []byte("?!")})
		},
		want: SocketSeen{Status: 401, Body: "who ?!", Code: 1006},
	}, {
		rule: "A7.long-denial",
		app: func(c *call) error {
			c.quietly(sizedDenial("6"), parley.WebSocketResponseBody{Body: []byte("who "), More: true})
			return c.send(parley.WebSocketResponseBody{Body: []byte("are you?")})
		},
		want: SocketSeen{Status: 401, Body: "who ", Truncated: true, Code: 1006},
		said: []string{refused(parley.WebSocketResponseBody{}, "A7.long-denial", parley.ErrLongBody)},
	}, {
		rule: "A7.short-denial",
		app: func(c *call) error {
			c.quietly(sizedDenial("6"), parley.WebSocketResponseBody{Body: []byte("who "), More: true})
			return c.send(parley.WebSocketResponseBody{})
		},
		want: SocketSeen{Status: 401, Body: "who ", Truncated: true, Code: 1006},
		said: []string{refused(parley.WebSocketResponseBody{}, "A7.short-denial", parley.ErrShortBody)},
	}, {
		rule: "A7.deny-twice",
		app: func(c *call) error {
			c.quietly(parley.WebSocketResponseStart{Status: 401})
			c.send(parley.WebSocketResponseStart{Status: 402})
			c.send(parley.WebSocketAccept{})
			c.send(parley.WebSocketClose{})
			return c.quietly(parley.WebSocketResponseBody{Body: []byte("no")})
		},
		want: SocketSeen{Status: 401, Body: "no", Code: 1006},
		said: []string{
			refused(parley.WebSocketResponseStart{}, "A7.deny-twice", parley.ErrAlreadyStarted),
			refused(parley.WebSocketAccept{}, "A7.deny-twice", parley.ErrAlreadyStarted),
			refused(parley.WebSocketClose{}, "A7.deny-twice", parley.ErrAlreadyStarted),
		},
	}, {
		rule: "A7.deny-body-before-start",
		app:  func(c *call) error { return c.send(parley.WebSocketResponseBody{}) },
		want: denied(500),
		said: []string{refused(parley.WebSocketResponseBody{}, "A4.body-before-start",
			parley.ErrBodyBeforeStart)},
	}, {
		rule: "A7.deny-status",
		app: func(c *call) error {
			c.send(parley.WebSocketResponseStart{})
			return c.send(parley.WebSocketDeny{Status: 101})
		},
		want: denied(500),
		said: []string{
			refused(parley.WebSocketResponseStart{}, "A7.deny-status", parley.ErrInvalidStatus),
			refused(parley.WebSocketDeny{}, "A7.deny-status", parley.ErrInvalidStatus),
		},
	}, {
		rule: "A7.deny/then-more",
		app: func(c *call) error {
			c.quietly(parley.WebSocketDeny{Status: 401, Body: []byte("no")})
			c.send(parley.WebSocketDeny{})
			return c.send(parley.Text("x"))
		},
		want: SocketSeen{Status: 401, Body: "no", Code: 1006},
		said: []string{
			refused(parley.WebSocketDeny{}, "A7.send-after-close", parley.ErrClosed),
			refused(parley.WebSocketSend{}, "A7.send-after-close", parley.ErrClosed),
		},
	},
}

// long is a reason whose 123rd byte is in the middle of a letter.
var long = strings.Repeat("a", 122) + "éé"
