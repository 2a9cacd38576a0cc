package socket

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// Upgrader answers handshakes for one policy. It is safe for concurrent use.
type Upgrader struct {
	options parley.SocketOptions
	melody  *melody.Melody
	sweeper sweeper
	flusher flusher
	totals  totals
}

// NewUpgrader returns an Upgrader whose sockets follow options.
func NewUpgrader(options parley.SocketOptions) *Upgrader {
	options = complete(options)
	m := melody.New()
	m.Config.MessageBufferSize = 0 // nothing is ever sent through the session
	m.Upgrader = &websocket.Upgrader{
		WriteBufferPool:   discardBuffers{},                         // they are the server's, see Hijack
		CheckOrigin:       func(*http.Request) bool { return true }, // decided above
		EnableCompression: options.Deflate,
		Error:             func(http.ResponseWriter, *http.Request, int, error) {}, // answered above
	}
	m.HandleConnect(takeOver)
	return &Upgrader{options: options, melody: m}
}

// Upgrade completes the handshake that Check has approved. header, which becomes
// Upgrade's own, holds the response headers, the chosen subprotocol among them. An
// error that is parley.ErrDisconnected means that nobody is there any more to be
// told; after another one the handshake waits for an answer still.
//
// melody would keep a session's goroutine and buffers for its whole life. Its
// connect handler is where the connection changes hands: melody is left with an
// empty shell, ends the session at once, and Upgrade returns on the caller's
// goroutine.
func (u *Upgrader) Upgrade(
	w http.ResponseWriter, r *http.Request, header http.Header,
) (*Conn, error) {
	offers, _ := parseExtensions(r.Header["Sec-Websocket-Extensions"])
	deflate := u.options.Deflate && acceptsDeflate(offers)
	keepSendable(header)
	h := &handshake{ResponseWriter: w, header: header}
	request := understood(r, deflate)
	err := usercode.Run(func() error { return u.melody.HandleRequest(h, request) })
	understoods.Put(request) // melody's session is over
	switch {
	case err == nil && h.shell != nil && h.shell.empty.Load():
		return newConn(h.shell.Conn, h.early, u, deflate), nil
	case h.failed != nil:
		return nil, fmt.Errorf("websocket upgrade: %w", h.failed)
	case h.shell != nil:
		_ = usercode.Run(h.shell.Conn.Close)
		return nil, fmt.Errorf("%w: during the upgrade: %w", parley.ErrDisconnected, err)
	}
	return nil, fmt.Errorf("websocket upgrade: %w", err)
}

// understood is the handshake as Check has read it, for gorilla, which reads some
// headers in another way.
func understood(r *http.Request, deflate bool) *http.Request {
	request := understoods.Get().(*http.Request)
	key := textproto.TrimString(r.Header.Get("Sec-Websocket-Key"))
	request.Header["Sec-Websocket-Key"][0] = key
	if deflate {
		request.Header["Sec-Websocket-Extensions"] = offerDeflate
	} else {
		delete(request.Header, "Sec-Websocket-Extensions")
	}
	return request
}

var offerDeflate = []string{"permessage-deflate"}

// understoods are used again: two handshakes differ in little.
var understoods = sync.Pool{New: func() any {
	return &http.Request{Method: http.MethodGet, Header: http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {""},
	}}
}}

// keepSendable drops what may not stand in the answer to a handshake, whoever has
// set it: headers that are the handshake's own or frame a body, and names that are
// none.
func keepSendable(header http.Header) {
	for name := range header {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "Te",
			"Trailer", "Transfer-Encoding", "Content-Length",
			"Sec-Websocket-Accept", "Sec-Websocket-Extensions":
			delete(header, name)
		default:
			if !isToken(name) {
				delete(header, name)
			}
		}
	}
}

// takeOver is melody's connect handler.
func takeOver(session *melody.Session) {
	session.WebsocketConnection().NetConn().(*shell).empty.Store(true)
}

// handshake is the response writer melody sees.
type handshake struct {
	http.ResponseWriter
	header http.Header
	shell  *shell
	failed error  // what the writer said in place of a connection
	early  []byte // what the client sent before it saw our answer
}

func (h *handshake) Header() http.Header { return h.header }

// Hijack gives the connection to gorilla inside a shell, with the server's buffers,
// which nobody needs any more. Bytes that have arrived already are kept for the reader:
// gorilla would refuse the connection for them.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err == nil && conn == nil {
		err = errNoConnection
	}
	if err != nil {
		h.failed = err // gorilla keeps its text only
		return nil, nil, err
	}
	h.shell = &shell{Conn: conn}
	if buffered == nil {
		buffered = new(bufio.ReadWriter)
	}
	if buffered.Reader == nil {
		buffered.Reader = bufio.NewReaderSize(h.shell, handshakeBuffer)
	} else if early := buffered.Reader.Buffered(); early > 0 {
		h.early = make([]byte, early)
		io.ReadFull(buffered.Reader, h.early) // cannot fail: they are there
	}
	if buffered.Writer == nil {
		buffered.Writer = bufio.NewWriterSize(h.shell, handshakeBuffer)
	}
	return h.shell, buffered, nil
}

// handshakeBuffer is what gorilla likes to use, and not to replace.
const handshakeBuffer = 512

var errNoConnection = errors.New("the response writer's Hijack gave no connection")

// shell is the connection during the handshake. Empty, it is closed for melody
// and gorilla while the connection lives on.
type shell struct {
	net.Conn
	empty atomic.Bool
}

func (s *shell) Read(p []byte) (int, error) {
	if s.empty.Load() {
		return 0, io.EOF
	}
	return s.Conn.Read(p)
}

func (s *shell) Write(p []byte) (int, error) {
	if s.empty.Load() {
		return 0, net.ErrClosed
	}
	return s.Conn.Write(p)
}

func (s *shell) Close() error {
	if s.empty.Load() {
		return nil
	}
	return s.Conn.Close()
}

// discardBuffers makes gorilla keep no write buffer: it is never asked to write
// after the handshake.
type discardBuffers struct{}

func (discardBuffers) Get() any { return nil }
func (discardBuffers) Put(any)  {}
