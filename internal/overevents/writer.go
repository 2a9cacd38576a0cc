package overevents

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
)

// bufferSize is net/http's: an answer that fits gets a Content-Length.
const bufferSize = 2 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

var errHandlerReturned = fmt.Errorf(
	"parley: write after the handler returned: %w", parley.ErrClosed)

// Writer is the http.ResponseWriter of a conversation of events. It keeps
// net/http's rules. It is safe to use, though to no effect, after the handler
// has returned.
type Writer struct {
	ctx      context.Context // the conversation's: a ResponseWriter's methods bring none
	scope    *parley.Scope
	conn     parley.Conn
	server   Server      // at the bottom of conn, or nil
	body     *eventBody  // the request's, or nil
	clamps   bool        // of a write that is too long, what fits goes out
	headOnly bool        // the request is HEAD: no body goes out
	header   http.Header // the handler's
	borrowed http.Header // what was in it before the handler

	returned atomic.Bool // the handler has: the writer is out of use

	mu        sync.Mutex // goroutines that the handler left behind may still write
	status    int        // zero until WriteHeader
	snapshot  http.Header
	length    int64 // the Content-Length, or -1
	most      int64 // what was written of it, which bounds the body even where it does not go out
	written   int64 // bytes of the body so far, those refused included
	taken     int64 // without those
	storage   *[bufferSize]byte
	buffer    []byte   // in storage: taken, but not sent
	started   bool     // the head is sent
	declared  []string // names in the Trailer header
	announced bool     // the head said that trailers follow
	prefixed  bool     // some had names by then, which only chunks can bring
	hijacked  bool
	onHijack  func()  // or nil
	tunnel    *tunnel // what a hijacked WebSocket goes through
	err       error   // why nothing can be sent any more

	notify closeNotifier
}

func newWriter(ctx context.Context, scope *parley.Scope, conn parley.Conn) *Writer {
	return &Writer{
		ctx: ctx, scope: scope, conn: conn,
		headOnly: scope.Request.Method == http.MethodHead,
		header:   make(http.Header),
		length:   -1,
		most:     -1,
	}
}

// Header returns the header map; one of no consequence once the handler has
// returned, when the real one may be in use elsewhere.
func (w *Writer) Header() http.Header {
	if w.returned.Load() {
		return make(http.Header)
	}
	return w.header
}

// Write keeps p in the buffer or sends it.
func (w *Writer) Write(p []byte) (int, error) { return write(w, p) }

// WriteString is Write without a copy of what fits the buffer.
func (w *Writer) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *Writer, data T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	allowed, refusal := w.admit(int64(len(data)))
	if allowed == 0 {
		return 0, refusal
	}
	if err := push(w, data[:allowed]); err != nil {
		return 0, err
	}
	return int(allowed), refusal
}

// begin makes sure that there is a status and somebody to tell it to.
func (w *Writer) begin() error {
	switch {
	case w.returned.Load():
		return errHandlerReturned
	case w.hijacked:
		return http.ErrHijacked
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	return w.lost()
}

// admit tells how much of size more bytes may become part of the body.
func (w *Writer) admit(size int64) (allowed int64, err error) {
	if err := w.begin(); err != nil {
		if err == http.ErrHijacked && size > 0 {
			w.logf("http: response.Write on hijacked connection from %s", handlerFrame())
		}
		return 0, err
	}
	w.written += size
	switch {
	case size == 0:
		return 0, nil
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.most < 0 || w.written <= w.most:
		allowed = size
	case w.clamps:
		allowed, err = w.most-w.taken, http.ErrContentLength
	default:
		err = http.ErrContentLength
	}
	w.taken += allowed
	return allowed, err
}

// push buffers like bufio.Writer, on whose boundaries it depends whether
// net/http computes a Content-Length, and what it sniffs.
func push[T []byte | string](w *Writer, data T) error {
	for len(data) > bufferSize-len(w.buffer) {
		if len(w.buffer) == 0 {
			return w.sendPart([]byte(data))
		}
		room := bufferSize - len(w.buffer)
		w.buffer = append(w.buffer, data[:room]...)
		data = data[room:]
		if err := w.sendPart(w.take()); err != nil {
			return err
		}
	}
	if w.storage == nil {
		w.storage = buffers.Get().(*[bufferSize]byte)
		w.buffer = w.storage[:0]
	}
	w.buffer = append(w.buffer, data...)
	return nil
}

// take empties the buffer. What it returns is good until the next push.
func (w *Writer) take() []byte {
	taken := w.buffer
	w.buffer = w.buffer[:0]
	return taken
}

func (w *Writer) sendPart(p []byte) error {
	w.start(p, false)
	if w.headOnly && w.server == nil || len(p) == 0 {
		return w.err
	}
	return w.send(parley.HTTPResponseBody{Body: p, More: true, Buffered: true})
}

// sendBody sends what is buffered, and brings it to the client or ends the body
// with it.
func (w *Writer) sendBody(more bool) error {
	p := w.take()
	first := !w.started
	w.start(p, !more)
	if first && !more && w.prefixed && w.server != nil {
		w.send(parley.HTTPResponseBody{Body: p, More: true}) // before a length is found
		p = nil
	}
	if w.headOnly && w.server == nil {
		p = nil
	}
	return w.send(parley.HTTPResponseBody{Body: p, More: more})
}

// send sends event unless an earlier one failed.
func (w *Writer) send(event parley.Event) error {
	if w.err == nil {
		w.err = w.conn.Send(w.sendContext(), event)
	}
	return w.err
}

// sendContext lets a handler that ran into a deadline say so: on net/http's own
// server the end of a context ends the handler's work but not its answer.
func (w *Writer) sendContext() context.Context {
	err := w.ctx.Err()
	if err != nil && (w.server != nil || errors.Is(err, context.DeadlineExceeded)) {
		return context.WithoutCancel(w.ctx)
	}
	return w.ctx
}

// lost tells why nothing can be sent any more. It looks at the context first: a
// conn notices late, and the buffer would hide it. A server knows better: a client
// that has closed its half of the connection still reads.
func (w *Writer) lost() error {
	if w.err == nil && w.server == nil && w.ctx.Err() != nil {
		if cause := context.Cause(w.ctx); errors.Is(cause, parley.ErrDisconnected) {
			w.err = cause
		}
	}
	return w.err
}

// Flush brings everything written so far to the client.
func (w *Writer) Flush() { w.FlushError() }

// FlushError is Flush that tells of failure; http.ResponseController prefers it.
func (w *Writer) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.begin(); err != nil {
		return err
	}
	return w.sendBody(true)
}
