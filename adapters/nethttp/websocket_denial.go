package nethttp

import (
	"net/http"
	"time"

	"github.com/parleygo/parley"
)

// startDenial begins to deny the handshake with an answer in parts.
func (c *webSocketConn) startDenial(event parley.WebSocketResponseStart) error {
	if err := c.order.ResponseStart(event); err != nil {
		return err
	}
	if !c.take() {
		c.order.Disconnect()
		return parley.ErrDisconnected
	}
	c.denies()
	return c.write(func(w http.ResponseWriter) {
		c.head(event.Status, w.Header())
		c.takeHeader(w.Header(), event.Header)
		endWithAnswer(w.Header(), c.extended)
		w.WriteHeader(event.Status)
	})
}

func (c *webSocketConn) continueDenial(event parley.WebSocketResponseBody) error {
	if err := c.order.ResponseBody(event); err != nil {
		return err
	}
	if !event.More {
		defer c.expectReturn()
		defer c.done()
	}
	return c.write(func(w http.ResponseWriter) { c.writePart(w, event.Body, event.More) })
}

// writePart writes a part of a denial, and flushes it if there is more to come. To a
// client that takes nothing for as long as the write timeout it is the last.
func (c *webSocketConn) writePart(w http.ResponseWriter, part []byte, more bool) {
	timeout, conn := c.gateway.writeTimeout(c.scope.Request), deadlined(w)
	if timeout <= 0 || conn == nil || !more && len(part) <= smallAnswer {
		w.Write(part)
		c.flushPart(w, more)
		return
	}
	defer conn.SetWriteDeadline(time.Time{})
	for pace := new(progress); ; {
		begun := time.Now()
		conn.SetWriteDeadline(begun.Add(timeout))
		piece := part[:min(len(part), pace.next(begun, timeout))]
		_, err := w.Write(piece)
		if part = part[len(piece):]; err == nil && len(part) == 0 {
			err = c.flushPart(w, more)
		}
		switch {
		case err != nil && time.Since(begun) >= timeout:
			c.gateway.count(parley.ErrSlowConsumer)
			c.cancel(parley.ErrSlowConsumer)
			return
		case err != nil, len(part) == 0:
			return // the end of its request tells of a client that is gone
		}
	}
}

// flushPart brings what was written to the client, if more is to come or ServeHTTP does
// not return yet. A writer that cannot sends when it likes.
func (c *webSocketConn) flushPart(w http.ResponseWriter, more bool) error {
	if !more && c.gateway.options.Mode != Hold {
		return nil
	}
	return http.NewResponseController(w).Flush()
}

// denies notes that the app is denying the handshake.
func (h *handshake) denies() {
	h.state.Lock()
	defer h.state.Unlock()
	if h.opening != nil { // else ServeHTTP's goroutine has ended
		h.opening.denied = true
	}
}

// isDenied reports whether the app is denying the handshake, or has denied it. Whoever
// else wants the end of that has nothing to do, and must not wait for the conversation's
// mu: the app has it for as long as the client takes to read.
func (h *handshake) isDenied() bool {
	h.state.Lock()
	defer h.state.Unlock()
	return h.opening != nil && h.opening.denied
}
