package socket

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// End is how a socket ended.
type End struct {
	Code   parley.CloseCode
	Reason string
	Cause  error // never nil
}

// Conn is one socket. One Read runs at a time; everything else may run beside it
// and beside each other.
type Conn struct {
	net     net.Conn
	raw     rawConn
	hasRaw  bool
	deflate bool
	options *parley.SocketOptions
	sweeper *sweeper
	flusher *flusher

	in  inbound
	out outbound

	endMu  sync.Mutex
	end    *End
	cancel context.CancelCauseFunc // ends the context that ends with the socket
	done   <-chan struct{}         // of that context

	gone chan struct{} // closed with the TCP connection
}

func newConn(conn net.Conn, early []byte, u *Upgrader, deflate bool) *Conn {
	c := &Conn{net: conn, options: &u.options, sweeper: &u.sweeper, flusher: &u.flusher, deflate: deflate, gone: make(chan struct{})}
	c.raw, c.hasRaw = rawOf(conn)
	c.in.init(c, early)
	c.out.init(c)
	return c
}

// Start names the context that is to end with the socket, and its cancel. A wait
// under that context needs no watching of its own. Start is called once, before
// anything else.
func (c *Conn) Start(ctx context.Context, cancel context.CancelCauseFunc) {
	c.done, c.cancel = ctx.Done(), cancel
	c.appLeaves()
}

// Ended returns how the socket ended, or nil.
func (c *Conn) Ended() *End {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	return c.end
}

// Gone is closed when the TCP connection is.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Close ends the socket with a close frame behind everything that waits to be
// written. It returns at once; Gone tells when the peer has answered or its time
// was up.
func (c *Conn) Close(code parley.CloseCode, reason string, cause error) {
	if c.finish(End{code, reason, cause}) {
		c.out.seal(appendClose(nil, code, reason), false)
		go c.linger(untilPeerCloses)
	}
}

// Kick is Close that does not wait for what is queued: it is dropped.
func (c *Conn) Kick(code parley.CloseCode, reason string, cause error) {
	if c.finish(End{code, reason, cause}) {
		c.out.seal(appendClose(nil, code, reason), true)
		go c.linger(untilPeerCloses)
	}
}

// Abort cuts the connection.
func (c *Conn) Abort(cause error) {
	c.finish(End{parley.CloseAbnormal, "", cause})
	c.cut()
}

// finish settles how the socket ended, once, and tells everybody who waits.
func (c *Conn) finish(end End) bool {
	c.endMu.Lock()
	first := c.end == nil
	if first {
		c.end = &end
	}
	c.endMu.Unlock()
	if !first {
		return false
	}
	c.cancel(end.Cause)
	c.in.ended()
	return true
}

// fail ends the socket for what its reader met.
func (c *Conn) fail(err error) {
	var bye *parley.CloseError
	switch {
	case errors.As(err, &bye):
		if c.finish(End{bye.Code, bye.Reason, err}) {
			c.out.seal(appendClose(nil, bye.Code, ""), false)
			go c.linger(untilPeerHangsUp)
		}
	case errors.Is(err, parley.ErrPeerProtocol), errors.Is(err, parley.ErrTooLarge),
		errors.Is(err, parley.ErrInvalidPayload), errors.Is(err, errInflate):
		code := parley.CodeOf(err)
		if errors.Is(err, errInflate) {
			code = parley.CloseInvalidPayload
		}
		if c.finish(End{code, "", err}) {
			c.out.seal(appendClose(nil, code, ""), false)
			go c.linger(untilPeerHangsUp)
		}
	case errors.Is(err, parley.ErrIdle), errors.Is(err, parley.ErrSlowConsumer):
		c.Abort(err)
	default:
		c.Abort(parley.ErrDisconnected)
	}
}

// cut closes the TCP connection, once.
func (c *Conn) cut() {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	select {
	case <-c.gone:
	default:
		c.net.Close()
		c.out.die()
		close(c.gone)
	}
}

// ctxEnds reports whether ctx has an end of its own, besides the socket's.
func (c *Conn) ctxEnds(ctx context.Context) bool {
	done := ctx.Done()
	return done != nil && done != c.done
}

var longAgo = time.Unix(1, 0)
