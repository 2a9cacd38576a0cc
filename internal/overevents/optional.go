package overevents

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// These methods are here because callers assert them without asking, as gin
// does, or to give http.ResponseController its answer. What they are about is no
// event: it is done by the server at the bottom of the conversation, if there is one.

// Hijack hands the connection over. A head that was written goes out first, what is
// buffered of the body, as on net/http, does not. What was received of the request's
// body and not read is the first that the buffered reader has. Nothing that stands
// between the handler and the server hears of what happens on the connection.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.hijacked:
		return nil, nil, http.ErrHijacked
	case w.scope.Protocol == parley.WebSocket && !w.returned.Load():
		return w.hijackSocket()
	case !w.serves():
		return nil, nil, unsupported("hijacking")
	}
	if w.status != 0 {
		w.take()
		if err := w.sendBody(true); err != nil {
			return nil, nil, err
		}
	}
	conn, buffered, err := w.server.Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.hijacked = true
	return conn, behind(w.body.rest(), buffered), nil
}

// behind returns a reader and writer that reads rest, as buffered already, before what
// the connection's own brings.
func behind(rest []byte, own *bufio.ReadWriter) *bufio.ReadWriter {
	if len(rest) == 0 {
		return own
	}
	all := io.MultiReader(bytes.NewReader(rest), own.Reader)
	reader := bufio.NewReaderSize(all, max(len(rest), own.Reader.Size()))
	_, _ = reader.Peek(len(rest)) // a look at Buffered is to find it
	return bufio.NewReadWriter(reader, own.Writer)
}

// hijackSocket hands over a WebSocket: not the connection, but the end of a tunnel
// whose other end speaks events.
func (w *Writer) hijackSocket() (net.Conn, *bufio.ReadWriter, error) {
	var accept *parley.WebSocketAccept
	switch w.status {
	case 0:
	case http.StatusSwitchingProtocols:
		var err error
		if accept, err = acceptOf(w.snapshot); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, unsupported("hijacking behind an answer")
	}
	tunnel, conn := openTunnel(w.ctx, w.scope, w.conn.(*denial).Conn, accept)
	w.tunnel, w.hijacked = tunnel, true
	if w.onHijack != nil {
		w.onHijack()
	}
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

// SetReadDeadline sets the deadline of reads of the request body.
func (w *Writer) SetReadDeadline(deadline time.Time) error {
	if !w.serves() {
		return unsupported("a read deadline")
	}
	return w.server.SetReadDeadline(deadline)
}

// SetWriteDeadline sets the deadline of writes.
func (w *Writer) SetWriteDeadline(deadline time.Time) error {
	if !w.serves() {
		return unsupported("a write deadline")
	}
	return w.server.SetWriteDeadline(deadline)
}

// EnableFullDuplex tells the server that reading and writing interleave.
func (w *Writer) EnableFullDuplex() error {
	if !w.serves() {
		return unsupported("full duplex")
	}
	return w.server.EnableFullDuplex()
}

// serves reports whether there is a server to be asked for something.
func (w *Writer) serves() bool { return w.server != nil && !w.returned.Load() }

func unsupported(what string) error {
	return fmt.Errorf("parley: %s over events: %w", what, http.ErrNotSupported)
}

// offered is the writer that the handler gets: an http.Pusher only if pushes can be
// had, as on net/http.
func (w *Writer) offered() http.ResponseWriter {
	if w.server != nil && w.server.Pushes() {
		return &pushingWriter{w}
	}
	return w
}

type pushingWriter struct{ *Writer }

// Push has the server push target.
func (w *pushingWriter) Push(target string, options *http.PushOptions) error {
	if !w.serves() {
		return unsupported("pushing")
	}
	return w.server.Push(target, options)
}

// CloseNotify returns a channel that is closed when the conversation ends or the
// handler has returned.
func (w *Writer) CloseNotify() <-chan bool { return w.notify.channel(w.ctx) }

// closeNotifier makes the channel of CloseNotify when somebody asks for it.
type closeNotifier struct {
	mu    sync.Mutex
	ch    chan bool
	stop  func() bool // leaves the closing to end
	ended bool
}

func (n *closeNotifier) channel(ctx context.Context) <-chan bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		return n.ch
	}
	ch := make(chan bool)
	n.ch = ch
	if n.ended {
		close(ch)
	} else {
		n.stop = context.AfterFunc(ctx, func() { close(ch) })
	}
	return ch
}

// end closes the channel unless ctx has done so.
func (n *closeNotifier) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	if n.stop != nil && n.stop() {
		close(n.ch)
	}
}
