package nethttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/lifetime"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/socket"
	"github.com/parleygo/parley/internal/usercode"
)

// serveWebSocket serves one handshake and what comes of it.
func (g *Gateway) serveWebSocket(
	app parley.App, w http.ResponseWriter, r *http.Request, scope parley.Scope,
) {
	asUpgrade(w, r, func(w http.ResponseWriter, r *http.Request) {
		if !g.refuseHandshake(w, r) {
			g.newWebSocketConn(w, r, scope).serve(app)
		}
	})
}

// serve stays for as long as the server's writer is needed.
func (c *webSocketConn) serve(app parley.App) {
	g, r, opening := c.gateway, c.scope.Request, c.opening
	defer opening.lent.takeBack()
	c.facts.learn(r)
	g.track(r.Context(), c)
	c.drainWithBase()
	defer c.keepVigil().end()
	switch hold := g.options.Mode == Hold; {
	case hold && c.extended: // the stream is pumped here
		over := make(chan struct{})
		go c.runAnd(app, over)
		defer func() { <-over }()
	case hold:
		c.run(app)
	default:
		go c.run(app)
	}
	c.serveCalls(opening)
	if opening.failure != nil {
		panic(opening.failure)
	}
	c.pump()
}

func (c *webSocketConn) runAnd(app parley.App, over chan struct{}) {
	defer close(over)
	c.run(app)
}

func (g *Gateway) newWebSocketConn(
	w http.ResponseWriter, r *http.Request, scope parley.Scope,
) *webSocketConn {
	scope.Protocol = parley.WebSocket
	scope.Subprotocols = protocol.Subprotocols(r.Header)
	scope.Extensions = withDenial
	c := &webSocketConn{gateway: g, scope: scope}
	c.extended = socket.Extended(r)
	held := g.options.Mode == Hold && !c.extended
	c.opening = &opening{w: w, calls: make(chan func()), held: held}
	values := context.WithoutCancel(r.Context())
	if c.scope.Request = r; g.options.Mode != Hold && !c.extended {
		c.lent, values = lendRequest(r)
		c.scope.Request = c.lent.own
	}
	c.life = life{lifetime.Of(c.askOrigin(values)), c}
	return c
}

// refuseHandshake answers a handshake that no app has to look at.
func (g *Gateway) refuseHandshake(w http.ResponseWriter, r *http.Request) bool {
	if bad := socket.Check(r); bad != nil {
		for name, values := range bad.Header {
			w.Header()[name] = values
		}
		endWithAnswer(w.Header(), r.ProtoMajor > 1)
		http.Error(w, bad.Text, bad.Status)
		g.refused.Add(1)
		return true
	}
	return g.refuseNew(w, r)
}

// refuseNew answers a handshake that comes too late, or from where none may come.
func (g *Gateway) refuseNew(w http.ResponseWriter, r *http.Request) bool {
	if g.draining.Load() {
		endWithAnswer(w.Header(), r.ProtoMajor > 1)
		answer(w, http.StatusServiceUnavailable)
		g.refused.Add(1)
		return true
	}
	if g.options.checkOrigin != nil {
		if err := g.options.checkOrigin(r); err != nil {
			g.warnOfOrigin(r, err, "the gateway's options refuse it")
			endWithAnswer(w.Header(), r.ProtoMajor > 1)
			answer(w, http.StatusForbidden)
			g.refused.Add(1)
			return true
		}
	}
	return false
}

// preempt answers a handshake in the app's place, unless the app has taken that
// upon itself.
func (c *webSocketConn) preempt(status int, cause error) bool {
	if !c.refuse() {
		return false
	}
	c.answerRefused(status, cause)
	return true
}

func (c *webSocketConn) answerRefused(status int, cause error) {
	defer c.done()
	c.cancel(cause)
	c.write(func(w http.ResponseWriter) { c.answer(w, status) })
}

// requestEnded ends a handshake that is not answered yet when its client leaves, or
// when middleware above gives it no more time.
func (c *webSocketConn) requestEnded() {
	cause, status := parley.ErrDisconnected, statusClientGone
	if c.gateway.baseOf(c.scope.Request).Err() != nil {
		cause, status = parley.ErrDraining, http.StatusServiceUnavailable
	}
	if err := context.Cause(c.scope.Request.Context()); errors.Is(err, context.DeadlineExceeded) {
		cause, status = errHandshakeTimeout, http.StatusServiceUnavailable
	}
	if !c.preempt(status, cause) {
		c.tellNative(cause) // who has not answered yet either
		if c.open.Load() == nil {
			c.expectReturn() // it was denying
		}
	}
}

// errHandshakeTimeout is the cause of a handshake that the app left unanswered.
var errHandshakeTimeout = fmt.Errorf(
	"parley: handshake not answered in time: %w", context.DeadlineExceeded)

func (c *webSocketConn) timedOut() {
	if c.preempt(http.StatusServiceUnavailable, errHandshakeTimeout) {
		c.log(slog.LevelError, fmt.Errorf("%w (accept, deny or close it)", errHandshakeTimeout))
	}
}

// run serves the conversation to its end. Whatever the app, a logger or a writer
// above does, nothing but this conversation ends with it.
func (c *webSocketConn) run(app parley.App) {
	ended := parley.ErrGoexit // unless it says otherwise
	defer c.conclude(&ended)
	ended = app.Serve(&c.life, &c.scope, c)
	runtime.KeepAlive(c) // for the leak guard
}

// conclude is deferred below the app, and no function stands around the app that
// would be on the stack of every idle socket.
func (c *webSocketConn) conclude(ended *error) {
	defer c.stopWaiting()
	c.watch.Returned()
	if recovered := recover(); recovered != nil {
		*ended = parley.NewPanicError(recovered)
	}
	err := usercode.Sound(*ended)
	*ended = parley.ErrGoexit // and now of what follows
	c.gateway.countPanic(err)
	defer c.overBy(ended)
	c.finish(err)
	*ended = nil
}

// drainWithBase drains the socket when the server's BaseContext ends.
func (c *webSocketConn) drainWithBase() {
	if base := c.gateway.baseOf(c.scope.Request); base.Done() != nil {
		stop := context.AfterFunc(base, func() { c.drain(true) })
		c.whenOver(func() { stop() })
	}
}

// whenOver has stop called when the app has returned. The caller holds mu, or has the
// conn alone.
func (c *webSocketConn) whenOver(stop func()) {
	if earlier := c.stop; earlier != nil {
		last := stop
		stop = func() { earlier(); last() }
	}
	c.stop = stop
}

func (c *webSocketConn) stopWaiting() {
	c.mu.Lock()
	stop := c.stop
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// overBy is deferred below finish.
func (c *webSocketConn) overBy(ended *error) {
	if recovered := recover(); recovered != nil {
		*ended = parley.NewPanicError(recovered)
	}
	c.over(*ended)
}

// finish says what the app has left unsaid.
func (c *webSocketConn) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending.Store(false)
	if c.native {
		c.finishNative(err)
	} else {
		c.finishEvents(err)
	}
	c.finished = true
}

func (c *webSocketConn) finishEvents(err error) {
	ending := c.order.Finish()
	c.report(ending, err)
	switch ending {
	case protocol.WebSocketSayGoodbye:
		if errors.Is(err, http.ErrAbortHandler) {
			c.open.Load().Abort(parley.ErrAppPanic)
			return
		}
		bye := protocol.Goodbye(err)
		c.open.Load().Close(bye.Code, bye.Reason, parley.ErrFinished)
	case protocol.WebSocketFail:
		switch {
		case !c.take():
		case errors.Is(err, http.ErrAbortHandler):
			c.fail(err)
		default:
			c.write(func(w http.ResponseWriter) { c.answer(w, protocol.Status(err)) })
		}
	case protocol.WebSocketAbort:
		c.write(func(w http.ResponseWriter) { c.writePart(w, nil, true) })
		c.fail(parley.ErrIncomplete)
	}
}

// finishNative ends a conversation whose handler has answered, or should have. What
// it panicked with is net/http's to deal with.
func (c *webSocketConn) finishNative(err error) {
	var panicked *parley.PanicError
	switch {
	case errors.Is(err, parley.ErrGoexit), errors.As(err, &panicked):
		c.fail(err)
	case c.broke:
		c.report(protocol.WebSocketAbort, err)
		c.fail(parley.ErrAppPanic)
	default:
		c.breakSilence()
	}
}

// over ends the conversation when the app has returned and its end is said. ended is
// how that went wrong, if it did.
func (c *webSocketConn) over(ended error) {
	defer c.gateway.live.remove(c)
	if !c.finished {
		c.fail(ended)
	}
	c.appReturned()
	if sock := c.open.Load(); sock != nil {
		if !c.finished {
			sock.Abort(parley.ErrAppPanic)
		}
		<-sock.Gone()
		c.gateway.count(sock.Ended().Cause)
		c.mu.Lock()
		cut := c.wasCut
		c.mu.Unlock()
		c.gateway.sockets.ended(sock, c.gateway.draining.Load(), cut)
		c.remember()
	} else if !c.native {
		c.gateway.denied.Add(1)
	}
	c.cancel(c.lastCause())
}

// lastCause is the cause for whoever looks after the conversation is over: what the
// app was told, if it was.
func (c *webSocketConn) lastCause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		return c.gone.Cause
	}
	return parley.ErrFinished
}

// report logs an app's failure. What the app says of the client (not found, too
// large, a close of its own) is no failure of the program.
func (c *webSocketConn) report(ending protocol.WebSocketEnding, err error) {
	cause := context.Cause(&c.life)
	switch {
	case err == nil && ending == protocol.WebSocketFail && cause == nil:
		err = fmt.Errorf("%w: accept, deny or close the handshake", parley.ErrNotAnswered)
	case err == nil && ending == protocol.WebSocketAbort && cause == nil:
		err = parley.ErrIncomplete
	case err == nil, errors.Is(err, http.ErrAbortHandler), errors.Is(err, parley.ErrDisconnected),
		cause != nil && (errors.Is(err, cause) || errors.Is(err, context.Canceled)):
		return
	}
	level := slog.LevelError
	ofTheClient := protocol.Status(err) < http.StatusInternalServerError
	if ofTheClient || parley.CodeOf(err) != parley.CloseInternalError {
		level = slog.LevelDebug
	}
	c.log(level, err)
}

func (c *webSocketConn) log(level slog.Level, err error) {
	c.gateway.logFailure(level, err,
		"protocol", "websocket", "path", census.Clip(c.scope.Request.URL.Path))
}

// takeWriter gives a handler that upgrades by itself, or answers the handshake as
// it likes, what net/http gave the Gateway.
func (c *webSocketConn) takeWriter(scope *parley.Scope) (http.ResponseWriter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.touched || scope.Protocol != parley.WebSocket || !c.take() {
		return nil, false
	}
	c.native = true
	return c.w, true
}
