// Package lifetime makes contexts that cost next to nothing until somebody waits for
// their end. Of a context of package context that others wait for, an idle socket would
// have a channel, and the context above it a map of those below.
package lifetime

import (
	"context"
	"sync/atomic"
	"time"
)

// Context ends with its parent, or with the cause that it is given. It is safe for
// concurrent use, and all that is true of contexts of package context is true of it.
type Context struct {
	parent context.Context
	armed  atomic.Pointer[armed]
}

// armed is what a Context becomes when somebody waits for its end, or when it ends.
type armed struct {
	context.Context
	cancel context.CancelCauseFunc
}

// New returns a context below parent. Its End must be called, or the parent may keep it.
func New(parent context.Context) *Context { return &Context{parent: parent} }

// Of is New for a context that is a part of something else.
func Of(parent context.Context) Context { return Context{parent: parent} }

// End ends the context, if it has not ended yet. The first cause stays, as with a
// context.CancelCauseFunc, and so the parent has a say: it may end at the same time.
func (c *Context) End(cause error) { c.arm().cancel(cause) }

func newArmed(parent context.Context) *armed {
	a := new(armed)
	a.Context, a.cancel = context.WithCancelCause(parent)
	return a
}

// arm makes the context one of package context.
func (c *Context) arm() *armed {
	if a := c.armed.Load(); a != nil {
		return a
	}
	a := newArmed(c.parent)
	if !c.armed.CompareAndSwap(nil, a) {
		a.cancel(nil) // the parent keeps it no longer
	}
	return c.armed.Load()
}

// Done is closed when the context ends.
func (c *Context) Done() <-chan struct{} { return c.arm().Done() }

// Err says that the context has ended, if it has.
func (c *Context) Err() error {
	if a := c.armed.Load(); a != nil {
		return a.Err()
	}
	return c.parent.Err()
}

// Deadline is the parent's.
func (c *Context) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Value finds the parent's values, and for package context what has the cause: as long
// as nobody has waited, and nothing has ended, that is the parent's own.
func (c *Context) Value(key any) any {
	if a := c.armed.Load(); a != nil {
		return a.Value(key)
	}
	return c.parent.Value(key)
}
