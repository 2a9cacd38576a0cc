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
	context.Context // the conversation's

	mu       sync.Mutex
	own      context.Context
	cancel   context.CancelCauseFunc
	returned bool
}

// Done is closed when the client has left or the handler returned.
func (c *handlerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		c.own, c.cancel = context.WithCancelCause(c.Context)
		if c.returned {
			c.cancel(parley.ErrFinished)
		}
	}
	return c.own.Done()
}

// Err tells whether the client has left or the handler returned.
func (c *handlerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.own != nil:
		return c.own.Err()
	case c.returned:
		return context.Canceled
	}
	return c.Context.Err()
}

// Value finds the conversation's values, and for package context the context
// that has the cause.
func (c *handlerContext) Value(key any) any {
	c.mu.Lock()
	from := c.own
	c.mu.Unlock()
	if from == nil {
		from = c.Context
	}
	return from.Value(key)
}

// end tells that the handler has returned.
func (c *handlerContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned = true
	if c.cancel != nil {
		c.cancel(parley.ErrFinished)
	}
}
