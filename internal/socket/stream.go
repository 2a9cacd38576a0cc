package socket

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley/internal/usercode"
)

// stream is one stream of HTTP/2 as a connection (RFC 8441): what the peer sends is
// the request's body, what it gets the response's. net/http gives the stream up when
// its handler returns, and for it a deadline that has passed is the end; so the
// handler's own goroutine stays, as the pump that brings the body to readers whose
// deadlines may be moved.
type stream struct {
	net.Conn          // our end of a pipe: reading, and its deadlines
	pump     net.Conn // the other end

	r       *http.Request
	body    io.ReadCloser // what the peer sends
	control *http.ResponseController

	writing sync.Mutex // one Write at a time, and none once the handler may return
	w       http.ResponseWriter

	late     atomic.Bool // a Write has taken too long
	mu       sync.Mutex
	closed   bool
	deadline time.Time // of writes
	done     chan struct{}
}

func newStream(w http.ResponseWriter, r *http.Request, body io.ReadCloser) *stream {
	s := &stream{
		r: r, body: body, control: http.NewResponseController(w), w: w, done: make(chan struct{}),
	}
	s.Conn, s.pump = net.Pipe()
	return s
}

// serve is the handler's part: it returns when the socket has gone.
func (s *stream) serve() {
	io.CopyBuffer(s.pump, s.body, make([]byte, 4<<10)) // to the peer's end, its loss, or Close
	if !s.late.Load() {                                // else it is the Write's to say what ends the socket
		s.pump.Close()
	}
	<-s.done
	if !s.writing.TryLock() {
		s.control.SetWriteDeadline(longAgo) // the peer does not read: it is cut
		s.writing.Lock()
	}
	s.writing.Unlock()
}

// Write hands p to the peer, and waits while its flow control says so.
func (s *stream) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	deadline, closed := s.state()
	if closed {
		return 0, net.ErrClosed
	}
	inTime := func() bool { return true }
	if !deadline.IsZero() {
		inTime = time.AfterFunc(time.Until(deadline), s.giveUp).Stop
	}
	n, err := s.w.Write(p)
	if err == nil {
		err = s.control.Flush()
	}
	if !inTime() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// giveUp ends a stream whose Write has taken too long.
func (s *stream) giveUp() {
	s.late.Store(true)
	s.control.SetWriteDeadline(longAgo)
}

func (s *stream) state() (deadline time.Time, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deadline, s.closed
}

// SetWriteDeadline bounds the Writes that begin after it. One that is exceeded ends
// the stream.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return nil
}

// SetDeadline bounds reading and writing.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// Close ends the stream: Serve returns.
func (s *stream) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		return net.ErrClosed
	}
	s.Conn.Close()
	s.body.Close() // wakes the pump
	close(s.done)
	return nil
}

// LocalAddr returns the address that the connection was accepted at.
func (s *stream) LocalAddr() net.Addr {
	if addr, ok := s.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return addr
	}
	return streamAddr("")
}

// RemoteAddr returns the peer's address.
func (s *stream) RemoteAddr() net.Addr { return streamAddr(s.r.RemoteAddr) }

type streamAddr string

func (streamAddr) Network() string  { return "tcp" }
func (a streamAddr) String() string { return string(a) }

// deflateAnswer is what gorilla answers too.
const deflateAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// Extend completes a handshake of HTTP/2 that AsUpgrade has made and Check approved.
// The handler stays until Serve of the connection returns.
func (u *Upgrader) Extend(
	w http.ResponseWriter, r *http.Request, header http.Header,
) (*Conn, error) {
	offers, _ := parseExtensions(r.Header["Sec-Websocket-Extensions"])
	deflate := u.options.Deflate && acceptsDeflate(offers)
	keepSendable(header)
	if deflate {
		header["Sec-Websocket-Extensions"] = []string{deflateAnswer}
	}
	handshake := extendedOf(r)
	stream := newStream(w, r, handshake.body)
	handshake.completed.Store(true)
	if err := usercode.Run(func() error { return stream.answer(header) }); err != nil {
		stream.Close()
		return nil, err
	}
	return newConn(stream, nil, u, deflate), nil
}

// answer completes the handshake.
func (s *stream) answer(header http.Header) error {
	answer := s.w.Header()
	clear(answer)
	maps.Copy(answer, header)
	s.control.SetReadDeadline(time.Time{}) // the server's are for requests
	s.control.SetWriteDeadline(time.Time{})
	s.w.WriteHeader(http.StatusOK)
	return s.control.Flush()
}

// Serve is the handler's part in a socket: it returns when the handler may. That is at
// once for a connection that was taken over, and with the socket's end for a stream of
// HTTP/2.
func (c *Conn) Serve() {
	if guarded, ok := c.net.(*guardedConn); ok {
		if stream, ok := guarded.Conn.(*stream); ok {
			stream.serve()
		}
	}
}
