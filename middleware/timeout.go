package middleware

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
	"github.com/parleygo/parley/internal/wiring"
)

// ErrTimeout is the cause of a conversation whose app did not answer in time. It
// matches context.DeadlineExceeded.
var ErrTimeout = fmt.Errorf("middleware: not answered in time: %w", context.DeadlineExceeded)

// TimeoutOptions configure Timeout.
type TimeoutOptions struct {
	// Status answers for the app. Default 503.
	Status int

	// Report is told of conversations that ran out of time, with the scope as it was
	// above the app. nil is silent.
	Report Reporter
}

// Timeout gives the app d to begin its answer: the head of an HTTP response, or
// accept or denial of a handshake. When d is over the client is answered in its
// place, the app's context ends with ErrTimeout, and what it sends from then on
// gets parley.ErrDisconnected. An answer that has begun may take as long as it
// likes: streams and sockets are not cut.
//
// It wraps the conn of HTTP and WebSocket conversations: handlers of net/http
// and gin below run over events. They have a scope and a request of their own, which
// routers may write to while the client is answered. Of what routers leave there the
// pattern is carried back to the request above, and path values are not, as with
// http.TimeoutHandler. It panics if d is not positive.
func Timeout(d time.Duration, options TimeoutOptions) parley.Middleware {
	if d <= 0 {
		panic(fmt.Sprintf("middleware: Timeout of %v: it must be positive", d))
	}
	if options.Status == 0 {
		options.Status = http.StatusServiceUnavailable
	}
	if options.Status < 400 || options.Status > 599 {
		panic(fmt.Sprintf("middleware: TimeoutOptions.Status: %d is no failure", options.Status))
	}
	return func(next parley.App) parley.App {
		wiring.Need("middleware: Timeout", "app", next)
		return &timeout{next, d, options}
	}
}

type timeout struct {
	next    parley.App
	after   time.Duration
	options TimeoutOptions
}

func (m *timeout) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if !protocol.Requested(scope) {
		return m.next.Serve(ctx, scope, conn)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &timeoutConn{
		Conn: conn, timeout: m, ctx: ctx, cancel: cancel,
		// Routers below write to theirs while the timer's goroutine may be answering.
		scope: scope, below: scope.Clone(),
	}
	timer := time.AfterFunc(m.after, c.expire)
	defer cancel(nil)
	defer c.finish() // waits for an answer that is being given
	defer timer.Stop()
	err := m.next.Serve(ctx, c.below, c)
	if c.settle() {
		return c.failed // it was answered, unless Report did not return
	}
	return err
}

// timeoutConn sees which comes first: the app's answer or the deadline.
type timeoutConn struct {
	parley.Conn
	timeout *timeout
	ctx     context.Context // of this one conversation, for the timer
	scope   *parley.Scope
	below   *parley.Scope // the app's
	cancel  context.CancelCauseFunc

	mu      sync.Mutex
	settled bool
	expired bool
	failed  error
}

// Unwrap tells that messages pass unchanged.
func (c *timeoutConn) Unwrap() parley.Conn { return c.Conn }

// settle ends the race and reports whether the deadline has won it.
func (c *timeoutConn) settle() (expired bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.settled = true
		c.giveBack()
	}
	return c.expired
}

// finish ends the race when the app has ended.
func (c *timeoutConn) finish() {
	if c.settle() {
		c.giveBack()
	}
}

// giveBack carries up what routers have left on the request.
func (c *timeoutConn) giveBack() { c.scope.Request.Pattern = c.below.Request.Pattern }

func (c *timeoutConn) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return
	}
	c.settled, c.expired = true, true
	options := c.timeout.options
	refusal := &Refusal{By: "timeout", Reason: "expired", Status: options.Status, Err: ErrTimeout}
	// Report and the conn are not ours, and this is a goroutine of nobody's.
	usercode.Call(func() error {
		// A client that is gone has nobody to tell.
		Refuse(c.ctx, c.scope, c.Conn, options.Report, refusal)
		return nil
	}, func(failed error) {
		c.failed = failed
		c.cancel(ErrTimeout)
	})
}

func (c *timeoutConn) Send(ctx context.Context, event parley.Event) error {
	if _, early := event.(parley.HTTPResponseEarlyHint); early {
		return c.sendEarly(ctx, event)
	}
	if c.settle() {
		return parley.ErrDisconnected
	}
	return c.Conn.Send(ctx, event)
}

// sendEarly sends what does not begin the answer, and keeps the deadline from
// answering meanwhile.
func (c *timeoutConn) sendEarly(ctx context.Context, event parley.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expired {
		return parley.ErrDisconnected
	}
	return c.Conn.Send(ctx, event)
}
