package nethttp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// liveContext is the context of an HTTP conversation. It is the request's own
// until somebody asks for its end; only then does it become a context with a
// cause of its own, and only then is the body watched for a client that leaves
// with it unread. An app that never waits pays nothing.
type liveContext struct {
	context.Context // the request's
	conn            *httpConn

	mu     sync.Mutex
	inner  context.Context
	cancel context.CancelCauseFunc
	stop   func() bool
	watch  *time.Timer // has the body watched
}

// watchAfter is how long an app may leave the body unread, once it waits for the
// end, before the body is read in its place.
const watchAfter = 10 * time.Millisecond

// arm makes the context one that ends with a cause.
func (l *liveContext) arm() context.Context {
	l.mu.Lock()
	if l.inner != nil {
		defer l.mu.Unlock()
		return l.inner
	}
	l.inner, l.cancel = context.WithCancelCause(context.WithoutCancel(l.Context))
	if l.Context.Err() != nil {
		l.cancel(lossOf(l.Context))
	} else {
		parent, cancel := l.Context, l.cancel
		l.stop = context.AfterFunc(parent, func() { cancel(lossOf(parent)) })
	}
	l.conn.leaked = true
	inner := l.inner
	l.mu.Unlock()
	l.conn.gateway.live.add(l.conn)
	return inner
}

// armed returns the context with a cause, if it was asked for.
func (l *liveContext) armed() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inner
}

// lossOf is why a request's context ended. net/http cancels it without a cause
// when the client is gone.
func lossOf(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return parley.ErrDisconnected
}

// end ends the context when the app has returned.
func (l *liveContext) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner == nil {
		return
	}
	if l.stop != nil {
		l.stop()
	}
	if l.watch != nil {
		l.watch.Stop()
	}
	l.cancel(cause)
}

// Done is closed when the conversation is over.
func (l *liveContext) Done() <-chan struct{} {
	inner := l.arm()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watch == nil && inner.Err() == nil && l.conn.hasBody() {
		l.watch = time.AfterFunc(watchAfter, l.conn.watchBody)
	}
	return inner.Done()
}

// Err tells whether the conversation is over.
func (l *liveContext) Err() error {
	if inner := l.armed(); inner != nil {
		if err := inner.Err(); err != nil || l.Context.Err() == nil {
			return err
		}
		l.end(lossOf(l.Context)) // before the watch on it got to run
		return inner.Err()
	}
	if l.Context.Err() != nil {
		return l.arm().Err()
	}
	return nil
}

// Value finds the request's values, and for package context the context that has
// the cause.
func (l *liveContext) Value(key any) any {
	if inner := l.armed(); inner != nil {
		return inner.Value(key)
	}
	return l.Context.Value(key)
}
