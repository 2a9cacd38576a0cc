package nethttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// serveHTTP serves one request with an HTTP conversation.
func (g *Gateway) serveHTTP(w http.ResponseWriter, r *http.Request) {
	g.serveBelow(nil, g.app, w, r)
}

// serveBelow serves one request below a scope, if there is one above, and returns
// what the app returned.
func (g *Gateway) serveBelow(above *parley.Scope, app parley.App, w http.ResponseWriter, r *http.Request) error {
	c := g.conns.Get().(*httpConn)
	c.begin(w, r, above)
	returned := false
	defer func() {
		switch {
		case returned:
		case c.isNative && !c.touched, c.above.atWork.Load():
			c.close() // a handler's panic is net/http's: its stack stays as it is
		default:
			c.panicked(recover())
		}
	}()
	err := app.Serve(&c.ctx, &c.scope, c)
	returned = true
	if c.isNative && !c.touched && err == nil {
		c.retire()
		return nil
	}
	c.finish(err)
	return err
}

// retire puts a conn that only handed through aside for a later request.
func (c *httpConn) retire() {
	g := c.gateway
	if c.leaked {
		c.close()
		return
	}
	c.reset()
	g.conns.Put(c)
}

// panicked ends a conversation whose app panicked.
func (c *httpConn) panicked(value any) {
	if value == http.ErrAbortHandler {
		c.close()
		cut(c.w)
		panic(value)
	}
	c.gateway.logPanic(&c.scope, value)
	c.finish(fmt.Errorf("%w: %v", parley.ErrAppPanic, value))
}

func (g *Gateway) logPanic(scope *parley.Scope, value any) {
	g.options.Logger.Error("parley: app panicked", "protocol", scope.Protocol, "path", scope.Request.URL.Path,
		"panic", value, "stack", string(debug.Stack()))
}

// finish ends the conversation when the app has returned.
func (c *httpConn) finish(err error) {
	ending := c.out.order.Finish()
	if c.above.endsItself(ending, err) {
		c.close()
		return
	}
	clean := err == nil || errors.Is(err, parley.ErrDisconnected) || c.quits(err)
	switch {
	case ending == protocol.HTTPDone:
		if !c.out.headSent {
			c.writeHead(-1, false)
		}
	case c.isNative && ending == protocol.HTTPError:
		// A handler has answered, and middleware failed afterwards.
	case ending == protocol.HTTPError:
		c.answerError(err)
	case ending == protocol.HTTPAbort:
		if clean && c.ctx.cause() == nil {
			err = parley.ErrIncomplete
			clean = false
		}
		if !clean {
			c.log(err, c.out.status)
		}
		if c.out.headSent {
			c.flush() // what was written before the break is the client's
		}
		c.close()
		cut(c.w)
		panic(http.ErrAbortHandler)
	}
	if ending == protocol.HTTPDone && !clean {
		c.log(err, c.out.status)
	}
	c.close()
}

// cut closes the connection under w, so that middleware above which recovers from
// the panic that follows cannot make the answer look whole. HTTP/2 has only the
// panic.
func cut(w http.ResponseWriter) {
	if hijacker, ok := innermost(w).(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			conn.Close()
		}
	}
}

// quits tells that an app returned for no other reason than the end of its
// context.
func (c *httpConn) quits(err error) bool {
	cause := c.ctx.cause()
	return cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, cause))
}

// statusClientGone is for access logs, which know it from nginx: nobody is left to
// be answered.
const statusClientGone = 499

// answerError answers for an app that has returned err and no answer.
func (c *httpConn) answerError(err error) {
	status := protocol.Status(err)
	switch {
	case status != http.StatusInternalServerError:
	case c.in.failed != 0:
		status = c.in.failed
	case c.r.Context().Err() != nil:
		status = statusClientGone
	case protocol.Status(c.ctx.cause()) != http.StatusInternalServerError:
		status = protocol.Status(c.ctx.cause()) // 503 for a drain, 401 for a login that has ended
	case err == nil, errors.Is(err, parley.ErrDisconnected):
		err = parley.ErrNotAnswered
	}
	c.log(err, status)
	if c.hasBody() {
		c.settleBody(false)
	}
	if c.out.close.Load() && c.r.ProtoMajor == 1 {
		c.w.Header().Set("Connection", "close")
	}
	answer(c.w, status)
}

// close ends what goes on beside the app.
func (c *httpConn) close() {
	c.mu.Lock()
	c.in.closed = true
	c.mu.Unlock()
	c.ctx.end(parley.ErrFinished)
	c.unlimit()
	if c.ctx.armed.Load() != nil {
		c.gateway.live.remove(c)
	}
	c.endSpool()
	if !c.above.end() {
		c.linger()
	}
}

func (c *httpConn) log(err error, status int) {
	level := slog.LevelError
	if err == nil || c.quits(err) || status < 500 && status != 0 && !errors.Is(err, parley.ErrIncomplete) {
		level = slog.LevelDebug
	}
	c.gateway.options.Logger.Log(context.Background(), level, "parley: app failed", "protocol", "http",
		"method", c.r.Method, "path", c.r.URL.Path, "status", status, "error", err)
}
