package nethttp

import (
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// lastWords is how long a handler that writes to net/http itself may go on when
// its conversation was ended, so that it can end its answer in order.
const lastWords = time.Second

// End implements ending.Ender: the app's context ends, events may send the last
// part of a body and no more, and writes past us fail after a moment.
func (c *httpConn) End(cause error) {
	c.ctx.arm()
	c.limited.Store(true)
	c.tell(cause)
	due := time.Now().Add(lastWords)
	c.due.Store(int64(meter.At(due)))
	c.cutAt(due)
	c.stopReadingAt(due)
}

// stopReadingAt has a handler's reads of the body fail from a time on: an upload is not
// to go on for as long as its client likes, who may read nothing and be told nothing.
func (c *httpConn) stopReadingAt(deadline time.Time) {
	usercode.Run(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.hasBody() && c.isNative && !c.over { // mu guards isNative where there is a body
			http.NewResponseController(c.w).SetReadDeadline(deadline)
		}
		return nil
	})
}

// tell ends the app's context for cause, and what the app is reading.
func (c *httpConn) tell(cause error) {
	c.ctx.end(cause)
	c.interrupt()
}

// interrupt ends a read of the body that is under way on the app's own goroutine, when
// the context has ended: a client may send nothing for long. Nobody knows whether net/http
// has read the last of it meanwhile and watches the connection, so that is not used again.
func (c *httpConn) interrupt() {
	usercode.Run(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.in.reading && !c.over {
			c.out.close.Store(true)
			http.NewResponseController(c.w).SetReadDeadline(time.Unix(1, 0))
		}
		return nil
	})
}

// isTold reports whether the app's context has ended.
func (c *httpConn) isTold() bool {
	armed := c.ctx.armed.Load()
	return armed != nil && armed.Err() != nil
}

// unlimit takes back what End has set on a connection that serves other requests. What
// a handler has written since its time was up must not go out: net/http has a little of
// it in a buffer. It ends a connection on which that has failed. Where it has read on
// behind the request's body meanwhile, it takes the client for gone in all that follows.
func (c *httpConn) unlimit() {
	if !c.limited.Load() || deadlined(c.w) == nil {
		return
	}
	due := c.due.Load()
	late := due != 0 && int64(meter.Now()) >= due
	if late && c.isNative && !c.answered && !hijacked(c.w) {
		if http.NewResponseController(c.w).Flush() != nil || c.hasBody() && cut(c.w) {
			return
		}
	}
	http.NewResponseController(c.w).SetWriteDeadline(time.Time{})
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
