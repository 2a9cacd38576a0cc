package nethttp

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
	"github.com/parleygo/parley/internal/protocol"
)

// handlerAbove is what a conversation knows of a handler that has it over events:
// for as long as the handler is at work, its events are a handler's reads and writes,
// and net/http's rules hold for them instead of those for apps.
type handlerAbove struct {
	conn   *httpConn
	atWork atomic.Bool // also after a panic of the handler, for good
	broken atomic.Bool // a write has failed: net/http ends the connection itself

	mu       sync.Mutex
	over     bool // the conversation is: the server's writer is in other hands
	hijacked bool
}

var errOver = fmt.Errorf("parley: the conversation is over: %w", parley.ErrClosed)

// Enter notes that a handler is at work.
func (h *handlerAbove) Enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || h.atWork.Swap(true) {
		return false
	}
	h.conn.leaked = true
	h.conn.out.order.Handler = true
	h.conn.unboundReading()
	h.conn.liftLimit()
	return true
}

// Header is what the server's writer has been told already.
func (h *handlerAbove) Header() http.Header { return h.conn.w.Header() }

// Leave notes that the handler has returned.
func (h *handlerAbove) Leave() { h.atWork.Store(false) }

// use calls f with the server's writer while the conversation lasts.
func (h *handlerAbove) use(f func(http.ResponseWriter, *http.ResponseController) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return errOver
	}
	return f(h.conn.w, http.NewResponseController(h.conn.w))
}

// Inform sends an informational answer, if the client's version of HTTP knows any. It
// goes to the innermost writer, since wrappers take any status for the final one.
func (h *handlerAbove) Inform(status int, header http.Header) {
	if !h.conn.r.ProtoAtLeast(1, 1) {
		return
	}
	_ = h.use(func(w http.ResponseWriter, _ *http.ResponseController) error {
		w = innermost(w)
		own := w.Header()
		before := maps.Clone(own)
		maps.Copy(own, header)
		w.WriteHeader(status)
		clear(own)
		maps.Copy(own, before)
		return nil
	})
}

// Pushes reports whether the server's writer is an http.Pusher.
func (h *handlerAbove) Pushes() bool { return pusher(h.conn.w) != nil }

// Push has the server push target.
func (h *handlerAbove) Push(target string, options *http.PushOptions) error {
	return h.use(func(w http.ResponseWriter, _ *http.ResponseController) error {
		return pusher(w).Push(target, options)
	})
}

func pusher(w http.ResponseWriter) http.Pusher {
	pusher, _ := innermost(w).(http.Pusher)
	return pusher
}

// Hijack hands the connection over. The conversation has no answer then.
func (h *handlerAbove) Hijack() (conn net.Conn, buffered *bufio.ReadWriter, err error) {
	err = h.use(func(_ http.ResponseWriter, control *http.ResponseController) error {
		h.conn.endSpool()
		conn, buffered, err = control.Hijack()
		h.hijacked = err == nil
		return err
	})
	return conn, buffered, err
}

// SetReadDeadline sets the deadline of reads of the request body.
func (h *handlerAbove) SetReadDeadline(deadline time.Time) error {
	return h.use(func(_ http.ResponseWriter, control *http.ResponseController) error {
		return control.SetReadDeadline(deadline)
	})
}

// SetWriteDeadline sets the deadline of writes.
func (h *handlerAbove) SetWriteDeadline(deadline time.Time) error {
	return h.use(func(_ http.ResponseWriter, control *http.ResponseController) error {
		return control.SetWriteDeadline(deadline)
	})
}

// EnableFullDuplex tells the server that reading and writing interleave.
func (h *handlerAbove) EnableFullDuplex() error {
	return h.use(func(_ http.ResponseWriter, control *http.ResponseController) error {
		return control.EnableFullDuplex()
	})
}

// writeHandlerHead writes the head of a handler's answer and leaves the rest of the
// request to net/http. http.MaxBytesReader tells the server's own writer that a body
// is too large, and no other: the status has to do. Whether a handler has said 200 or
// left it to its first write, events do not tell; mostly it is the latter, and a
// recorder looks for the Content-Type only then.
func (c *httpConn) writeHandlerHead() {
	tooLarge := c.out.status == http.StatusRequestEntityTooLarge
	if tooLarge && c.r.ProtoMajor == 1 && c.hasBody() && c.bodyUnread() {
		c.w.Header()["Connection"] = []string{"close"}
	}
	if !c.out.implied || c.out.status != http.StatusOK {
		c.w.WriteHeader(c.out.status)
	}
}

// end takes the server's writer back, and reports whether the connection is
// somebody else's now.
func (h *handlerAbove) end() (hijacked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	return h.hijacked
}

// endsItself reports whether net/http makes of a handler's answer what is to be made
// of it: there is none, a write has failed, or it is shorter than its length.
func (h *handlerAbove) endsItself(ending protocol.HTTPEnding, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hijacked || ending == protocol.HTTPAbort &&
		(h.broken.Load() || errors.Is(err, parley.ErrShortBody) && h.conn.out.order.Handler)
}

var _ overevents.Server = (*handlerAbove)(nil)
