package nethttp

import (
	"context"
	"errors"
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
type liveContext struct {
	context.Context // the request's
	conn            *httpConn

	armed atomic.Pointer[armedContext]
	mu    sync.Mutex // one that arms at a time
	ended error      // the cause, if the conversation ended before
}

// armedContext is what a liveContext becomes.
type armedContext struct {
	context.Context
	cancel context.CancelCauseFunc
	stop   func() bool // ends the watch on the request's context

	mu    sync.Mutex
	watch *time.Timer // has the body watched
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
	parent := l.Context
	armed := new(armedContext)
	armed.Context, armed.cancel = context.WithCancelCause(context.WithoutCancel(parent))
	switch {
	case l.ended != nil:
		armed.cancel(l.ended)
	case parent.Err() != nil:
		armed.cancel(l.loss())
	default:
		armed.stop = context.AfterFunc(parent, func() { armed.cancel(l.loss()) })
		l.conn.gateway.track(parent, l.conn)
		if l.conn.waits.Load() && l.conn.gateway.draining.Load() {
			armed.cancel(parley.ErrDraining)
		}
	}
	l.conn.leaked = true
	l.armed.Store(armed)
	return armed
}

// loss is why the request's context ended. net/http cancels it without a cause
// when the client is gone, and when a read of its body took too long.
func (l *liveContext) loss() error {
	cause := context.Cause(l.Context)
	switch {
	case !errors.Is(cause, context.Canceled):
		return cause
	case l.conn.in.stalled():
		return parley.ErrIdle
	}
	return parley.ErrDisconnected
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
	if a.watch != nil {
		a.watch.Stop()
	}
	a.cancel(cause)
}

// cause is why the context has ended, or nil if it has not, or nobody cared.
func (l *liveContext) cause() error {
	if armed := l.armed.Load(); armed != nil {
		return context.Cause(armed.Context)
	}
	if l.Context.Err() != nil {
		return l.loss()
	}
	return nil
}

// Done is closed when the conversation is over.
func (l *liveContext) Done() <-chan struct{} {
	armed := l.arm()
	armed.mu.Lock()
	defer armed.mu.Unlock()
	if armed.watch == nil && armed.Context.Err() == nil && l.conn.hasBody() {
		armed.watch = time.AfterFunc(watchAfter, l.conn.watchBody)
	}
	return armed.Context.Done()
}

// Err tells whether the conversation is over.
func (l *liveContext) Err() error {
	if l.Context.Err() == nil && l.armed.Load() == nil {
		return nil
	}
	armed := l.arm()
	if armed.Context.Err() == nil && l.Context.Err() != nil {
		armed.end(l.loss()) // before the watch on it got to run
	}
	return armed.Context.Err()
}

// Value finds the request's values, and for package context the context that has
// the cause.
func (l *liveContext) Value(key any) any {
	if key == any(overevents.ServerKey{}) {
		return &l.conn.above
	}
	if armed := l.armed.Load(); armed != nil {
		return armed.Context.Value(key)
	}
	return l.Context.Value(key)
}
