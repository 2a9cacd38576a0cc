package socket

import (
	"context"
	"errors"
	"time"

	"github.com/parleygo/parley"
)

// End is how a socket ended.
type End struct {
	Code   parley.CloseCode
	Reason string
	Cause  error // never nil, and what context.Cause returns
}

// Ended returns how the socket ended, or nil.
func (c *Conn) Ended() *End {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	return c.end
}

// Close ends the socket with a close frame behind everything that waits to be
// written. It returns at once; Gone is closed when the peer has answered or its
// time was up.
func (c *Conn) Close(code parley.CloseCode, reason string, cause error) {
	c.sayGoodbye(End{code, reason, cause}, false)
}

// Kick is Close that does not wait for what is queued: it is dropped.
func (c *Conn) Kick(code parley.CloseCode, reason string, cause error) {
	c.sayGoodbye(End{code, reason, cause}, true)
}

// Abort cuts the connection.
func (c *Conn) Abort(cause error) {
	c.finish(End{parley.CloseAbnormal, "", cause})
	c.cut()
}

// CloseWhenHandled is Close that lets the app finish what it is at. If Read has
// given it a message and was not called again, the socket lives on, and what the
// app sends goes out, until it has taken the messages that had come before this
// call and asks for one more; but no longer than limit. Otherwise it is Close.
func (c *Conn) CloseWhenHandled(
	code parley.CloseCode, reason string, cause error, limit time.Duration,
) {
	end := End{code, reason, cause}
	if limit <= 0 || !c.in.closeLater(end, limit) {
		c.Close(code, reason, cause)
	}
}

// pendingClose is a close that waits for the app.
type pendingClose struct {
	end      End
	messages int // that the app is still given
	timer    *time.Timer
}

// closeLater has Read close the socket in its time. It reports false if the app
// is not handling anything.
func (in *inbound) closeLater(end End, limit time.Duration) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.handling {
		return false
	}
	if in.pending == nil && in.c.Ended() == nil {
		timer := time.AfterFunc(limit, func() { in.c.sayGoodbye(end, false) })
		in.pending = &pendingClose{end, len(in.ahead), timer}
	}
	return true
}

// finish settles how the socket ended, once, and wakes everybody who waits. The
// context has the last word on the cause: it may have ended before.
func (c *Conn) finish(end End) (first bool) {
	c.endMu.Lock()
	if first = c.end == nil; first {
		c.cancel(end.Cause)
		end.Cause = context.Cause(c.ctx)
		c.end = &end
	}
	c.endMu.Unlock()
	if first {
		c.in.ended()
	}
	return first
}

// sayGoodbye ends the socket with a close frame of its own.
func (c *Conn) sayGoodbye(end End, drop bool) {
	if c.finish(end) {
		c.out.seal(appendClose(nil, end.Code, end.Reason), drop)
		go c.linger()
	}
}

// fail ends the socket for what its reader met. A close frame of the peer is
// answered with its code alone.
func (c *Conn) fail(err error) {
	end := endOf(err)
	if end.Code == parley.CloseAbnormal {
		c.Abort(end.Cause)
		return
	}
	if c.finish(end) {
		c.out.seal(appendClose(nil, end.Code, ""), false)
		go c.linger()
	}
}

// endOf returns how a socket ends whose reader met err: 1006 if the connection is
// of no use any more.
func endOf(err error) End {
	var bye *parley.CloseError
	switch {
	case errors.As(err, &bye):
		return End{bye.Code, bye.Reason, err}
	case errors.Is(err, parley.ErrPeerProtocol), errors.Is(err, parley.ErrTooLarge),
		errors.Is(err, parley.ErrInvalidPayload):
		return End{parley.CodeOf(err), "", err}
	case errors.Is(err, parley.ErrIdle), errors.Is(err, parley.ErrSlowConsumer),
		errors.Is(err, parley.ErrDisconnected):
		return End{parley.CloseAbnormal, "", err}
	}
	return End{parley.CloseAbnormal, "", parley.ErrDisconnected}
}

// cut closes the TCP connection, once.
func (c *Conn) cut() {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	select {
	case <-c.gone:
	default:
		defer close(c.gone)
		defer c.out.die()
		c.net.Close()
	}
}
