package socket

import (
	"context"
	"errors"

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
	if c.ending == nil {
		return nil
	}
	return c.ending.end
}

// ending is what there is of a socket's end, or for those who wait for it.
type ending struct {
	end      *End
	farewell *farewell     // still to be said
	gone     chan struct{} // closed with the TCP connection; made by who waits
}

// toEnd returns what there is to be of the end. The caller holds endMu.
func (c *Conn) toEnd() *ending {
	if c.ending == nil {
		c.ending = new(ending)
	}
	return c.ending
}

// Close ends the socket with a close frame behind everything that waits to be
// written. It returns at once; Gone is closed when the peer has answered or its
// time was up. If the peer has said goodbye already, its answer waits no longer.
func (c *Conn) Close(code parley.CloseCode, reason string, cause error) {
	if c.finish(End{code, reason, cause}, nil) {
		c.out.seal(appendClose(nil, code, reason))
		go c.linger(nil)
	} else {
		c.sayFarewell()
	}
}

// Abort cuts the connection.
func (c *Conn) Abort(cause error) {
	c.finish(End{parley.CloseAbnormal, "", cause}, nil)
	c.cut()
}

// farewell is the close frame that answers the peer, held back while the app is at
// what came before: what it says to that goes out first.
type farewell struct {
	frame []byte
	said  chan struct{} // closed when the frame is not held back any more
}

// finish settles how the socket ended, once, and wakes everybody who waits. The
// context has the last word on the cause: it may have ended before.
func (c *Conn) finish(end End, held *farewell) (first bool) {
	c.endMu.Lock()
	e := c.toEnd()
	if first = e.end == nil; first {
		c.ctx.(Life).Cancel(end.Cause)
		end.Cause = context.Cause(c.ctx)
		e.end, e.farewell = &end, held
	}
	c.endMu.Unlock()
	if first {
		c.in.ended()
	}
	return first
}

// fail ends the socket for what its reader met. The peer is answered by the code
// alone.
func (c *Conn) fail(err error) {
	end := endOf(err)
	if end.Code == parley.CloseAbnormal {
		c.Abort(end.Cause)
		return
	}
	held := &farewell{appendClose(nil, end.Code, ""), make(chan struct{})}
	if c.finish(end, held) {
		go c.linger(held)
		if !c.in.beingHandled() {
			c.sayFarewell()
		}
	}
}

// sayFarewell puts the close frame that was held back, if there is one, behind what
// the app has sent.
func (c *Conn) sayFarewell() {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if e := c.ending; e != nil && e.farewell != nil {
		held := e.farewell
		e.farewell = nil
		c.out.seal(held.frame)
		close(held.said)
	}
}

// noteGoodbye notes that all was written, the close frame as the last.
func (c *Conn) noteGoodbye() {
	said := !c.out.isDead()
	c.endMu.Lock()
	defer c.endMu.Unlock()
	c.said = said
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

// cut closes the TCP connection, once. That can take its time under TLS.
func (c *Conn) cut() {
	c.endMu.Lock()
	first := !c.closing
	c.closing = true
	c.endMu.Unlock()
	if first {
		defer c.noteGone()
		defer c.out.die()
		c.net.Close()
	}
}
