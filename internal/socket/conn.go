package socket

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// Conn is one socket. One Read runs at a time; everything else may run beside it
// and beside each other.
type Conn struct {
	net     net.Conn
	raw     rawConn
	hasRaw  bool
	deflate bool
	closing bool      // the TCP connection is, or has been closed
	cutOff  bool      // it has been
	said    bool      // a close frame was written
	share   uint8     // its place in the totals
	made    *Upgrader // by which: what its sockets share is there

	out outbound // beside what it needs of the above
	in  inbound

	ctx context.Context // a Life

	endMu  sync.Mutex
	ending *ending // or nil
}

func newConn(conn net.Conn, early []byte, u *Upgrader, deflate bool) *Conn {
	c := &Conn{
		net: conn, deflate: deflate, made: u, share: u.totals.some(),
	}
	if c.raw, c.hasRaw = rawOf(conn); !c.hasRaw {
		c.net = &guardedConn{conn, func() { c.Abort(parley.ErrDisconnected) }}
	}
	c.in.init(c, early)
	c.out.init(c)
	return c
}

// Life is a context that is to end with a socket.
type Life interface {
	context.Context

	// Cancel ends it. The first cause stays.
	Cancel(cause error)
}

// Start names the context that is to end with the socket. A wait under that context
// needs no watching of its own. Start is called once, before anything else.
func (c *Conn) Start(life Life) {
	c.ctx = life
	c.appLeaves()
}

// totals are where the socket's messages are counted.
//
//parley:inline
func (c *Conn) totals() *counters { return c.made.totals[c.share].Load() }

// Gone is closed when the TCP connection is.
func (c *Conn) Gone() <-chan struct{} {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	e := c.toEnd()
	if e.gone == nil {
		e.gone = make(chan struct{})
		if c.cutOff {
			close(e.gone)
		}
	}
	return e.gone
}

// noteGone is called once, when the TCP connection is closed.
func (c *Conn) noteGone() {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	if c.cutOff = true; c.ending != nil && c.ending.gone != nil {
		close(c.ending.gone)
	}
}

// SaidGoodbye reports whether a close frame of ours was written, and all before it.
func (c *Conn) SaidGoodbye() bool {
	c.endMu.Lock()
	defer c.endMu.Unlock()
	return c.said
}

// ctxEnds reports whether ctx has an end of its own, besides the socket's.
func (c *Conn) ctxEnds(ctx context.Context) bool {
	if ctx == c.ctx {
		return false // without a look at memory that is far away
	}
	done := ctx.Done()
	return done != nil && done != c.ctx.Done()
}

var longAgo = time.Unix(1, 0)
