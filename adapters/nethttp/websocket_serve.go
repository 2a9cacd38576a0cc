package nethttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/socket"
)

// handshake is the part of a WebSocket conversation that ServeHTTP waits for.
// The response writer has one user at a time: who claims it answers.
type handshake struct {
	w        http.ResponseWriter
	answered chan struct{} // closed when ServeHTTP may return

	claiming  sync.Mutex
	claimed   bool
	preempted bool // by preempt, which also releases
	released  bool
	aborted   any // what ServeHTTP is to panic with
}

// claim takes the response writer, unless somebody has.
func (h *handshake) claim() bool {
	h.claiming.Lock()
	defer h.claiming.Unlock()
	first := !h.claimed
	h.claimed = true
	return first
}

// release lets ServeHTTP return.
func (h *handshake) release() {
	h.claiming.Lock()
	defer h.claiming.Unlock()
	if !h.released {
		h.released = true
		h.w = nil // it holds net/http's buffers: 8 KiB
		close(h.answered)
	}
}

// leave is release when the app has returned.
func (h *handshake) leave() {
	h.claiming.Lock()
	preempted := h.preempted
	h.claiming.Unlock()
	if !preempted {
		h.release()
	}
}

// addHeader sets headers that go out with the answer.
func (h *handshake) addHeader(header http.Header) {
	h.claiming.Lock()
	defer h.claiming.Unlock()
	if !h.claimed {
		copyHeader(h.w.Header(), header)
	}
}

// serveWebSocket serves one handshake and what comes of it.
func (g *Gateway) serveWebSocket(app parley.App, w http.ResponseWriter, r *http.Request, scope parley.Scope) {
	if g.refuseHandshake(w, r) {
		return
	}
	scope.Protocol = parley.WebSocket
	scope.Request = r
	scope.Subprotocols = protocol.Subprotocols(r.Header)
	scope.Extensions = withDenial
	c := &webSocketConn{gateway: g, app: app, scope: scope}
	c.handshake.w, c.answered = w, make(chan struct{})
	c.ctx, c.cancel = context.WithCancelCause(c.askOrigin(context.WithoutCancel(r.Context())))
	g.track(r.Context(), c)

	stopLoss := context.AfterFunc(r.Context(), c.clientLeft)
	defer stopLoss()
	if timeout := g.options.HandshakeTimeout; options.Limited(timeout) {
		timer := time.AfterFunc(timeout, c.timedOut)
		defer timer.Stop()
	}
	if g.options.Mode == Hold {
		c.run()
	} else {
		go c.run()
	}
	<-c.answered
	if c.aborted != nil {
		panic(c.aborted)
	}
}

// refuseHandshake answers a handshake that no app has to look at.
func (g *Gateway) refuseHandshake(w http.ResponseWriter, r *http.Request) bool {
	if bad := socket.Check(r); bad != nil {
		for name, values := range bad.Header {
			w.Header()[name] = values
		}
		http.Error(w, bad.Text, bad.Status)
		return true
	}
	if g.draining.Load() {
		answer(w, http.StatusServiceUnavailable)
		return true
	}
	if g.options.checkOrigin != nil {
		if err := g.options.checkOrigin(r); err != nil {
			g.warnOfOrigin(r, err, "the gateway's options refuse it")
			answer(w, http.StatusForbidden)
			return true
		}
	}
	return false
}

// preempt answers a handshake in the app's place, unless the app has taken that
// upon itself.
func (c *webSocketConn) preempt(status int, cause error) bool {
	c.claiming.Lock()
	first := !c.claimed
	if first {
		c.claimed, c.preempted = true, true
	}
	c.claiming.Unlock()
	if first {
		answer(c.w, status)
		c.cancel(cause)
		c.release()
	}
	return first
}

// clientLeft ends a handshake whose client is gone before it was answered.
func (c *webSocketConn) clientLeft() {
	if c.preempt(statusClientGone, parley.ErrDisconnected) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.native {
		c.cancel(parley.ErrDisconnected) // the handler has not answered yet either
	}
}

// errHandshakeTimeout is the cause of a handshake that the app left unanswered.
var errHandshakeTimeout = fmt.Errorf("parley: handshake not answered in time: %w", context.DeadlineExceeded)

func (c *webSocketConn) timedOut() {
	c.preempt(http.StatusServiceUnavailable, errHandshakeTimeout)
}

// run runs the app and ends the conversation when it has returned.
func (c *webSocketConn) run() {
	defer c.gateway.live.remove(c)
	defer c.leave()
	err := c.serve()
	c.finish(err)
	c.mu.Lock()
	sock := c.socket
	c.mu.Unlock()
	c.stopAging()
	if sock != nil {
		<-sock.Gone()
	}
	c.cancel(parley.ErrFinished)
}

// serve calls the app. A panic costs this connection only.
func (c *webSocketConn) serve() (err error) {
	defer func() {
		switch value := recover(); {
		case value == nil:
		case c.native:
			c.aborted, err = value, nil // net/http deals with it
		case value == http.ErrAbortHandler:
			err = errAborted
		default:
			c.gateway.logPanic(&c.scope, value)
			err = fmt.Errorf("%w: %v", parley.ErrAppPanic, value)
		}
	}()
	return c.app.Serve(c.ctx, &c.scope, c)
}

var errAborted = errors.New("nethttp: app aborted the connection")

// finish says what the app has left unsaid.
func (c *webSocketConn) finish(err error) {
	if c.native {
		return // the handler has answered
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ending := c.order.Finish()
	c.report(ending, err)
	switch ending {
	case protocol.WebSocketSayGoodbye:
		if err == errAborted {
			c.socket.Abort(parley.ErrAppPanic)
			return
		}
		bye := protocol.Goodbye(err)
		c.socket.Close(bye.Code, bye.Reason, parley.ErrFinished)
	case protocol.WebSocketFail:
		switch {
		case !c.claim():
		case err == errAborted:
			c.aborted = http.ErrAbortHandler
		default:
			answer(c.w, protocol.Status(err))
		}
	case protocol.WebSocketAbort:
		c.aborted = http.ErrAbortHandler
	}
}

// report logs an app's failure. What the app says of the client (not found, too
// large, a close of its own) is no failure of the program.
func (c *webSocketConn) report(ending protocol.WebSocketEnding, err error) {
	cause := context.Cause(c.ctx)
	switch {
	case err == nil && ending == protocol.WebSocketFail && cause == nil:
		err = parley.ErrNotAnswered
	case err == nil && ending == protocol.WebSocketAbort && cause == nil:
		err = parley.ErrIncomplete
	case err == nil, err == errAborted, errors.Is(err, parley.ErrDisconnected),
		cause != nil && (errors.Is(err, cause) || errors.Is(err, context.Canceled)):
		return
	}
	level := slog.LevelError
	if parley.CodeOf(err) != parley.CloseInternalError || protocol.Status(err) < http.StatusInternalServerError {
		level = slog.LevelDebug
	}
	c.gateway.options.Logger.Log(context.Background(), level, "parley: app failed",
		"protocol", "websocket", "path", c.scope.Request.URL.Path, "error", err)
}

// takeWriter gives a handler that upgrades by itself, or answers the handshake as
// it likes, what net/http gave the Gateway.
func (c *webSocketConn) takeWriter(scope *parley.Scope) (http.ResponseWriter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.touched || scope.Protocol != parley.WebSocket || !c.claim() {
		return nil, false
	}
	c.native = true
	return c.w, true
}
