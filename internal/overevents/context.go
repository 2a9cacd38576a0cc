package overevents

import (
	"context"
	"sync"

	"github.com/parleygo/parley"
)

// handlerContext is the context of a handler's request: the conversation's,
// which ends when the client leaves, but ended by the handler's return as well.
// It becomes a context of its own when somebody waits for its end and not
// before: waiting on a live conversation has its server read ahead in the body
// of the request, which a handler that never asked may not want read.
type handlerContext struct {
	context.Context      // the conversation's
	handshake       bool // a WebSocket's, which the handler may hijack

	mu       sync.Mutex
	own      context.Context
	cancel   context.CancelCauseFunc
	stop     func() bool // ends the watch on a handshake's context
	returned bool
	detached bool // the handler has hijacked: only its return ends the context
}

// Done is closed when the client has left or the handler returned.
func (c *handlerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		c.makeOwn()
	}
	return c.own.Done()
}

// Err tells whether the client has left or the handler returned.
func (c *handlerContext) Err() error { return c.current().Err() }

// Value finds the conversation's values, and for package context the context
// that has the cause.
func (c *handlerContext) Value(key any) any { return c.current().Value(key) }

// current is the context that c stands for: the conversation's, for as long as the
// handler is at work and nobody has waited for the end.
func (c *handlerContext) current() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil && (c.returned || c.detached) {
		c.makeOwn()
	}
	if c.own != nil {
		return c.own
	}
	return c.Context
}

// makeOwn makes the context of its own. A handshake's can be detached.
func (c *handlerContext) makeOwn() {
	parent := c.Context
	if c.handshake || c.returned {
		parent = context.WithoutCancel(parent)
	}
	c.own, c.cancel = context.WithCancelCause(parent)
	switch {
	case c.returned:
		c.cancel(parley.ErrFinished)
	case c.handshake && !c.detached:
		cancel, conversation := c.cancel, c.Context
		c.stop = context.AfterFunc(conversation, func() { cancel(context.Cause(conversation)) })
	}
}

// detach tells that the handler has hijacked the socket. As on net/http it hears of the
// client's leaving on the socket then, and its context ends with its return.
func (c *handlerContext) detach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.detached = true
	if c.stop != nil {
		c.stop()
	}
}

// end tells that the handler has returned.
func (c *handlerContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned = c.detached || c.Context.Err() == nil // else it has ended before
	if c.stop != nil {
		c.stop()
	}
	if c.cancel != nil {
		c.cancel(parley.ErrFinished)
	}
}
