package socket

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"github.com/parleygo/parley"
)

// Upgrader answers handshakes for one policy. It is safe for concurrent use.
type Upgrader struct {
	options parley.SocketOptions
	melody  *melody.Melody
	sweeper sweeper
	flusher flusher
}

// NewUpgrader returns an Upgrader whose sockets follow options.
func NewUpgrader(options parley.SocketOptions) *Upgrader {
	options = complete(options)
	m := melody.New()
	m.Config.MessageBufferSize = 0 // nothing is ever sent through the session
	m.Upgrader = &websocket.Upgrader{
		ReadBufferSize:    1, // both buffers end with the handshake
		WriteBufferPool:   discardBuffers{},
		CheckOrigin:       func(*http.Request) bool { return true }, // decided above
		EnableCompression: options.Deflate,
		Error:             func(http.ResponseWriter, *http.Request, int, error) {}, // answered above
	}
	m.HandleConnect(takeOver)
	return &Upgrader{options: options, melody: m}
}

// Upgrade completes the handshake that Check has approved. header holds the
// response headers, the chosen subprotocol among them.
//
// melody would keep a session's goroutine and buffers for its whole life. Its
// connect handler is where the connection changes hands: melody is left with an
// empty shell, ends the session at once, and Upgrade returns on the caller's
// goroutine.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request, header http.Header) (*Conn, error) {
	deflate := u.options.Deflate && acceptsDeflate(r.Header["Sec-Websocket-Extensions"])
	if u.options.Deflate && !deflate {
		r = withoutExtensions(r) // gorilla would accept what it cannot do
	}
	handshake := &handshake{ResponseWriter: w, header: header}
	if err := u.melody.HandleRequest(handshake, r); err != nil {
		return nil, err
	}
	return newConn(handshake.shell.Conn, handshake.early, u, deflate), nil
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
	early  []byte // what the client sent before it saw our answer
}

func (h *handshake) Header() http.Header { return h.header }

// Hijack gives the connection to gorilla inside a shell, with buffers that only
// the handshake uses. Bytes that have arrived already are kept for the reader:
// gorilla would refuse the connection for them.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		h.early = make([]byte, n)
		io.ReadFull(buffered.Reader, h.early) // cannot fail: they are there
	}
	h.shell = &shell{Conn: conn}
	return h.shell, bufio.NewReadWriter(bufio.NewReaderSize(h.shell, 16), bufio.NewWriterSize(h.shell, 1024)), nil
}

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
