package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/ending"
	"github.com/parleygo/parley/internal/usercode"
	"github.com/parleygo/parley/middleware"
)

// watchAfter is how long an HTTP request may take before the end of its identity
// is watched for. Most are over sooner, and cost nothing.
const watchAfter = time.Second

// serve serves the app below while the identity holds.
func (v *visitor) serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol == parley.WebSocket && v.identity == nil { // nobody is never watched
		return v.guard.next.Serve(ctx, scope, conn)
	}
	ctx, conn, release := v.enliven(ctx, scope, conn)
	defer release()
	defer v.live.close()
	if scope.Protocol == parley.WebSocket {
		if err := v.live.watchNow(v); err != nil {
			return err
		}
	}
	err := v.guard.next.Serve(ctx, scope, conn)
	cause := v.live.close()
	if cause == nil {
		return err
	}
	middleware.LogCause(ctx, cause)
	if err == nil && scope.Protocol == parley.HTTP && !ending.Unanswered(v.live.ender) {
		return nil // it has ended its answer in order
	}
	return cause // what else the app made of it does not matter any more
}

// enliven makes a conversation that can be ended.
func (v *visitor) enliven(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) (context.Context, parley.Conn, func()) {
	ctx, conn, ender, release := ending.Of(ctx, scope, conn)
	v.live.ctx, v.live.ender = ctx, ender
	if v.identity != nil && scope.Protocol == parley.HTTP {
		v.live.watchLater(v)
	}
	return ctx, conn, release
}

// live is a conversation that ends when its user's identity does.
type live struct {
	ctx   context.Context // the conversation's
	ender ending.Ender    // nil for a conversation of nobody
	badge *census.Badge   // the transport's, where it has one

	mu      sync.Mutex
	delay   *time.Timer        // of watchLater
	cancel  context.CancelFunc // of a look that is under way
	watch   *watch
	left    bool  // to somebody else, or the app has returned
	cause   error // why it was ended
	looking sync.WaitGroup
}

// watchNow watches before the app runs.
func (l *live) watchNow(v *visitor) error {
	w, err := v.watch(l.ctx, l.end)
	if err == nil {
		l.watch = w
	}
	return err
}

// watchLater watches if the app takes its time.
func (l *live) watchLater(v *visitor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ender != nil && l.delay == nil && !l.left {
		l.delay = time.AfterFunc(watchAfter, func() { l.look(v) })
	}
}

// show tells who looks on who the user is. A transport may have its badge for
// another conversation once the app has returned.
func (l *live) show(user *string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.badge != nil && !l.left {
		l.badge.SetUser(user)
	}
}

// look is watchNow beside an app that runs.
func (l *live) look(v *visitor) {
	l.mu.Lock()
	if l.left {
		l.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	l.cancel = cancel
	l.looking.Add(1)
	l.mu.Unlock()
	defer l.looking.Done()

	// Authenticators are not ours: however they end, it is this conversation's end.
	usercode.Call(func() error {
		w, err := v.watch(ctx, l.end)
		if err == nil {
			l.adopt(w)
		}
		return err
	}, func(err error) {
		if err != nil {
			l.end(endOf(err))
		}
	})
}

// adopt takes on a watch, unless nobody needs it any more.
func (l *live) adopt(w *watch) {
	l.mu.Lock()
	left := l.left
	if !left {
		l.watch = w
	}
	l.mu.Unlock()
	if left {
		w.close()
	}
}

// endOf is the cause of an end that a second look has come to.
func endOf(err error) error {
	var refusal *middleware.Refusal
	if errors.As(err, &refusal) {
		return parley.ErrAuthExpired
	}
	return err
}

// end ends the conversation. It does not wait for the peer.
func (l *live) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left || l.cause != nil {
		return
	}
	l.cause = cause
	l.ender.End(cause)
}

// leave ends the watch for good: what ends from now on is not ended here.
func (l *live) leave() {
	l.mu.Lock()
	l.left = true
	if l.delay != nil {
		l.delay.Stop()
	}
	if l.cancel != nil {
		l.cancel()
	}
	w := l.watch
	l.watch = nil
	l.mu.Unlock()
	if w != nil {
		w.close()
	}
}

// close is leave when the app has returned. It returns why the conversation was
// ended, or nil.
func (l *live) close() error {
	l.leave()
	l.looking.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil && errors.Is(context.Cause(l.ctx), l.cause) {
		return l.cause
	}
	return nil // another end came first
}
