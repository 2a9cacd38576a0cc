package parley

import "net/http"

// MessageType is the kind of a WebSocket message.
type MessageType uint8

const (
	// TextMessage is UTF-8 text. It is the zero value.
	TextMessage MessageType = iota
	// BinaryMessage is any bytes.
	BinaryMessage
)

func (t MessageType) String() string {
	if t == BinaryMessage {
		return "binary"
	}
	return "text"
}

// WebSocketConnect is received first, exactly once. The app answers with
// WebSocketAccept, WebSocketDeny or WebSocketClose.
type WebSocketConnect struct{}

// WebSocketAccept is sent: the handshake is completed. Subprotocol must be one
// that the client offered, or empty. Header may not name
// Sec-WebSocket-Protocol, -Accept or -Extensions.
type WebSocketAccept struct {
	Subprotocol string
	Header      http.Header
}

// WebSocketReceive is received: one whole message. Data of a TextMessage is
// valid UTF-8.
type WebSocketReceive struct {
	Type MessageType
	Data []byte
}

// Text returns Data as a string.
func (m WebSocketReceive) Text() string { return string(m.Data) }

// WebSocketSend is sent: one whole message. If Prepared is set it stands for
// Type and Data, and the carrier frames it once however many sockets send it.
type WebSocketSend struct {
	Type     MessageType
	Data     []byte
	Prepared *Prepared
}

// Text makes a text message of s, which must be valid UTF-8.
func Text(s string) WebSocketSend { return WebSocketSend{Type: TextMessage, Data: []byte(s)} }

// Binary makes a binary message of data.
//
//parley:inline
func Binary(data []byte) WebSocketSend { return WebSocketSend{Type: BinaryMessage, Data: data} }

// Payload returns the message's type and bytes, whether prepared or not.
//
//parley:inline
func (m WebSocketSend) Payload() (MessageType, []byte) {
	if m.Prepared != nil {
		return m.Prepared.messageType, m.Prepared.data
	}
	return m.Type, m.Data
}

// WebSocketClose is sent. After accept it closes the socket with Code (zero
// means 1000) and Reason, which is cut to 123 bytes on a rune boundary. Before
// accept it denies the handshake with 403, and neither code nor reason reaches
// the client.
type WebSocketClose struct {
	Code   CloseCode
	Reason string
}

// WebSocketDisconnect is received last, and from then on by every Receive. Code
// is 1005 if the peer gave none and 1006 if the connection was lost. Cause is
// what context.Cause tells too; it is never nil.
type WebSocketDisconnect struct {
	Code   CloseCode
	Reason string
	Cause  error
}

// WebSocketDeny is sent instead of WebSocketAccept: a plain HTTP answer, whole.
// Status must be 200 to 599; zero means 403.
type WebSocketDeny struct {
	Status int
	Header http.Header
	Body   []byte
}

// WebSocketResponseStart is the head of a denial that is streamed: status (200
// to 599) and headers, followed by WebSocketResponseBody events.
type WebSocketResponseStart struct {
	Status int
	Header http.Header
}

// WebSocketResponseBody is a part of a streamed denial. The event without More
// ends it.
type WebSocketResponseBody struct {
	Body []byte
	More bool
}

func (WebSocketConnect) EventType() string       { return "websocket.connect" }
func (WebSocketAccept) EventType() string        { return "websocket.accept" }
func (WebSocketReceive) EventType() string       { return "websocket.receive" }
func (WebSocketSend) EventType() string          { return "websocket.send" }
func (WebSocketClose) EventType() string         { return "websocket.close" }
func (WebSocketDisconnect) EventType() string    { return "websocket.disconnect" }
func (WebSocketDeny) EventType() string          { return "websocket.http.response" }
func (WebSocketResponseStart) EventType() string { return "websocket.http.response.start" }
func (WebSocketResponseBody) EventType() string  { return "websocket.http.response.body" }
