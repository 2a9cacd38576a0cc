package nethttp

import (
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/socket"
)

// busy reports whether the app is at work on messages. The caller holds mu.
func (c *webSocketConn) busy() bool {
	sock := c.open.Load()
	return c.beside > 0 || sock != nil && sock.AtMessage()
}

// drain ends a WebSocket politely. A handler that is at work is let finish first,
// unless it has had its time.
func (c *webSocketConn) drain(overdue bool) {
	if c.isDenied() {
		return
	}
	c.mu.Lock()
	sock := c.open.Load()
	if c.leaving = sock != nil; c.leaving {
		sock.OnAsk(c.askForNext)
	}
	wait := c.busy() && !overdue
	c.mu.Unlock()
	switch {
	case sock == nil:
		told := c.preempt(http.StatusServiceUnavailable, parley.ErrDraining)
		if !told && overdue {
			c.tellNative(parley.ErrDraining)
		}
	case !wait:
		c.drainSocket(sock)
	}
}

// tellNative ends the context of a handler that was given the writer, which is all that
// there is to tell it by.
func (c *webSocketConn) tellNative(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.native {
		c.cancel(cause)
	}
}

// askForNext is called when the app has done with a message, in a drain.
func (c *webSocketConn) askForNext() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveIfIdle()
}

// Handling implements protocol.Handling.
func (c *webSocketConn) Handling(delta int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beside += int32(delta)
	c.leaveIfIdle()
}

// leaveIfIdle closes a socket whose turn in a drain has come. The caller holds mu.
func (c *webSocketConn) leaveIfIdle() {
	if c.leaving && !c.busy() {
		c.drainSocket(c.open.Load())
	}
}

func (c *webSocketConn) drainSocket(sock *socket.Conn) {
	sock.Close(parley.CodeOf(parley.ErrDraining), "", parley.ErrDraining)
}

// cut ends a WebSocket at once.
func (c *webSocketConn) cut() {
	if c.isDenied() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sock := c.open.Load(); sock != nil {
		c.wasCut = true
		sock.Abort(parley.ErrDraining)
	}
}

var _ protocol.Handling = (*webSocketConn)(nil)
