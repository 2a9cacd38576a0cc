package nethttp

import (
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// lastWords is how long a handler that writes to net/http itself may go on when
// its conversation was ended, so that it can end its answer in order.
const lastWords = time.Second

// End implements ending.Ender: the app's context ends, events may send the last
// part of a body and no more, and writes past us fail after a moment.
func (c *httpConn) End(cause error) {
	c.ctx.arm()
	c.ctx.end(cause)
	c.limited.Store(true)
	c.cutAt(time.Now().Add(lastWords))
}

// unlimit takes back what End has set on a connection that serves other requests.
func (c *httpConn) unlimit() {
	if c.limited.Load() {
		http.NewResponseController(c.w).SetWriteDeadline(time.Time{})
	}
}

// isLast reports whether event is the end of an answer.
func isLast(event parley.Event) bool {
	body, ok := event.(parley.HTTPResponseBody)
	return ok && !body.More
}

// End implements ending.Ender: a handshake is denied, an open socket closed. A
// handler that upgrades by itself hears of it by its context.
func (c *webSocketConn) End(cause error) {
	if c.isDenied() {
		c.cancel(cause)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch sock := c.open.Load(); {
	case sock != nil:
		sock.Close(parley.CodeOf(cause), "", cause)
	case !c.preempt(protocol.Status(cause), cause):
		c.cancel(cause) // a denial is on its way, or the handler's own answer
	}
}
