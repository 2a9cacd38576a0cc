package nethttp

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
)

// liveContext is the context of an HTTP conversation. It is the request's own
// until somebody asks for its end; only then does it become a context with a
// cause of its own, and only then is the body watched for a client that leaves
// with it unread. An app that never waits pays nothing.
//
// Whoever keeps one finds its values for ever: unlike the httpConn, it is never used
// again for another request. It is the conversation's Conn as well; see httpHandle.
type liveContext struct {
	request context.Context

	mu    sync.Mutex               // one that arms, or ends, at a time
	conn  atomic.Pointer[httpConn] // nil once the conversation is over
	armed atomic.Pointer[armedContext]
	ended error // the cause, if the conversation ended before
}

// armedContext is what a liveContext becomes.
type armedContext struct {
	context.Context
	cancel context.CancelCauseFunc
	stop   func() bool // ends the watch on the request's context

	mu    sync.Mutex
	watch *time.Timer // has the body watched
	haste *time.Timer // ends it in a drain
}

// watchAfter is how long an app may leave the body unread, once it waits for the
// end, before the body is read in its place.
const watchAfter = 10 * time.Millisecond

// arm makes the context one that ends with a cause.
func (l *liveContext) arm() *armedContext {
	if armed := l.armed.Load(); armed != nil {
		return armed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if armed := l.armed.Load(); armed != nil {
		return armed
	}
	parent, conn := l.request, l.conn.Load()
	armed := new(armedContext)
	armed.Context, armed.cancel = context.WithCancelCause(context.WithoutCancel(parent))
	switch {
	case l.ended != nil:
		armed.cancel(l.ended)
	case conn == nil:
		armed.cancel(parley.ErrFinished)
	case parent.Err() != nil:
		armed.cancel(conn.loss())
	default:
		armed.stop = context.AfterFunc(parent, func() {
			armed.cancel(conn.loss())
			conn.interrupt()
		})
		conn.facts.learn(conn.r)
		conn.gateway.track(parent, conn)
		conn.gateway.hurry(conn, armed)
	}
	l.armed.Store(armed)
	return armed
}

// contexts gives each request of one conn a context of its own. They are made several
// at a time.
type contexts []liveContext

const sparedContexts = 8

func (c *contexts) next() *liveContext {
	if len(*c) == 0 {
		*c = make([]liveContext, sparedContexts)
	}
	next := &(*c)[0]
	*c = (*c)[1:]
	return next
}

// lend makes l the context of a conversation.
func (l *liveContext) lend(request context.Context, conn *httpConn) {
	l.request = request
	l.conn.Store(conn)
}

// takeBack takes the conn away from a context that was lent, if it can be used
// again: nobody has waited for the context's end.
func (l *liveContext) takeBack() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.armed.Load() != nil {
		return false
	}
	l.conn.Store(nil)
	return true
}

// end ends the context. The first cause stays.
func (l *liveContext) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	armed := l.armed.Load()
	if armed == nil {
		if l.ended == nil {
			l.ended = cause
		}
		return
	}
	armed.end(cause)
}

func (a *armedContext) end(cause error) {
	if a.stop != nil {
		a.stop()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, timer := range []*time.Timer{a.watch, a.haste} {
		if timer != nil {
			timer.Stop()
		}
	}
	a.cancel(cause)
}

// cause is why the context has ended, or nil if it has not, or nobody cared.
func (l *liveContext) cause() error {
	if armed := l.armed.Load(); armed != nil {
		return context.Cause(armed.Context)
	}
	if conn := l.conn.Load(); conn != nil && l.request.Err() != nil {
		return conn.loss()
	}
	return nil
}

// Deadline is the request's.
func (l *liveContext) Deadline() (time.Time, bool) { return l.request.Deadline() }

// Done is closed when the conversation is over.
func (l *liveContext) Done() <-chan struct{} {
	armed := l.arm()
	armed.mu.Lock()
	defer armed.mu.Unlock()
	if armed.watch == nil && armed.Context.Err() == nil {
		if conn := l.conn.Load(); conn != nil && conn.hasBody() {
			armed.watch = time.AfterFunc(watchAfter, conn.watchBody)
		}
	}
	return armed.Context.Done()
}

// Err reports whether the conversation is over.
func (l *liveContext) Err() error {
	conn := l.conn.Load()
	if conn != nil && l.request.Err() == nil && l.armed.Load() == nil {
		return nil
	}
	armed := l.arm()
	l.catchUp()
	return armed.Context.Err()
}

// catchUp ends the context, and what was made of it, before the watch on the request's
// got to run, which is still to end a read. Who hears of a loss by a read or a write finds
// the context ended, as on net/http.
func (l *liveContext) catchUp() {
	conn, armed := l.conn.Load(), l.armed.Load()
	if conn != nil && armed != nil && armed.Context.Err() == nil && l.request.Err() != nil {
		armed.cancel(conn.loss())
	}
}

// Value finds the request's values, and for package context the context that has
// the cause.
func (l *liveContext) Value(key any) any {
	if key == any(overevents.ServerKey{}) {
		if conn := l.conn.Load(); conn != nil {
			return &conn.above
		}
		return nil
	}
	if armed := l.armed.Load(); armed != nil {
		return armed.Context.Value(key)
	}
	return l.request.Value(key)
}
