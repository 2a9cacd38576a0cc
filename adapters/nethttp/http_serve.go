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
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// serveHTTP serves one request with an HTTP conversation.
func (g *Gateway) serveHTTP(w http.ResponseWriter, r *http.Request) {
	g.serveBelow(nil, nil, g.app, w, r)
}

// serveBelow serves one request below a scope and a record, if there are some above,
// and returns what the app returned.
//
//parley:noescape
func (g *Gateway) serveBelow(
	above *parley.Scope, outer *record, app parley.App, w http.ResponseWriter, r *http.Request,
) error {
	c := conns.Get().(*httpConn)
	c.begin(g, w, r, above, outer)
	returned, retired := false, false
	defer func() {
		if !retired && !c.over {
			c.close() // a writer above broke on the way to the end
		}
	}()
	defer func() {
		switch {
		case returned:
		case c.isNative && !c.touched, c.above.atWork.Load():
			c.panics = true
			c.close() // a handler's panic is net/http's: its stack stays as it is
		default:
			c.panicked(recover())
		}
	}()
	err := usercode.Sound(c.run(app))
	returned = true
	c.panics = err != nil && errors.Is(err, parley.ErrAppPanic)
	switch {
	case !c.isNative || c.touched:
		c.finish(err)
		if retired = c.isSpare(); retired {
			c.release()
		}
	case err == nil && !c.broke:
		retired = true
		c.retire()
	default:
		c.finishNative(err)
	}
	return err
}

// run is on the stack of every app, for the leak guard.
//
//go:noinline
//parley:noescape
func (c *httpConn) run(app parley.App) error {
	err := app.Serve(c.ctx, &c.scope, (*httpHandle)(c.ctx))
	runtime.KeepAlive(c)
	return err
}

// retire puts a conn that only handed through aside for a later request.
//
//parley:noescape
func (c *httpConn) retire() {
	if c.leaked || !c.ctx.takeBack() || c.inside.Load() != 0 {
		c.breakSilence()
		c.close()
		return
	}
	c.own.leave(false, c.gateway.ended(&c.own, false))
	c.release()
}

// release puts a conn aside that nobody else has.
//
//parley:noescape
func (c *httpConn) release() {
	c.reset()
	conns.Put(c)
}

// panicked ends a conversation whose app panicked, or ended its goroutine, which
// recover tells by nil. In that case net/http drops what it has not sent yet.
func (c *httpConn) panicked(value any) {
	c.panics = true
	switch value {
	case nil:
		c.finish(parley.ErrGoexit)
		if c.flush() == nil {
			c.endChunks()
		}
	case http.ErrAbortHandler:
		c.close()
		cut(c.w)
		panic(value)
	default:
		c.finish(parley.NewPanicError(value))
	}
}

// finish ends the conversation when the app has returned.
//
//parley:noescape
func (c *httpConn) finish(err error) {
	ending := c.out.order.Finish()
	if c.above.endsItself(ending, err) {
		if !c.out.headSent && c.out.status != 0 {
			c.writeHandlerHead()
		}
		c.close()
		return
	}
	switch ending {
	case protocol.HTTPDone:
		if !c.out.headSent {
			c.writeHead(-1, false)
		}
		c.boundRest()
		c.logLate(err)
	case protocol.HTTPError:
		if c.isNative {
			c.finishNative(err)
			return
		}
		c.answerError(err)
	case protocol.HTTPAbort:
		c.breakOff(err)
		return
	}
	c.close()
}

// finishNative ends a conversation whose handler has answered, or should have.
func (c *httpConn) finishNative(err error) {
	if !c.broke {
		c.logLate(err)
		c.close()
		return
	}
	// The handler panicked and middleware did not let the panic pass. Nobody knows
	// what it had written: an error goes out if that was nothing, and the
	// connection ends, so that half an answer does not look whole.
	c.log(slog.LevelError, err, http.StatusInternalServerError)
	c.close()
	clear(c.w.Header())
	c.w.Header()["Content-Length"] = []string{"0"}
	c.w.WriteHeader(http.StatusInternalServerError)
	http.NewResponseController(c.w).Flush()
	cut(c.w)
	panic(http.ErrAbortHandler)
}

// breakOff ends a conversation in the middle of its answer: the client is to see
// that it is not whole.
func (c *httpConn) breakOff(err error) {
	if c.clean(err) && c.ctx.cause() == nil {
		err = parley.ErrIncomplete
	}
	if !c.clean(err) {
		c.log(slog.LevelError, err, c.out.status)
	}
	cause := c.ctx.cause()
	lost := c.out.headSent && c.flush() != nil // what was written before the break is the client's
	c.close()
	wasCut := cut(c.w)
	if gone := cause != nil && cause != parley.ErrDraining; !lost && !(gone && wasCut) {
		panic(http.ErrAbortHandler)
	}
}

// cut closes the connection under w, so that middleware above which recovers from
// the panic that follows cannot make the answer look whole. HTTP/2 has only the
// panic.
func cut(w http.ResponseWriter) bool {
	hijacker, ok := innermost(w).(http.Hijacker)
	if !ok {
		return false
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// clean reports whether an app returned as one that is done, or whose client is.
func (c *httpConn) clean(err error) bool {
	return err == nil || errors.Is(err, parley.ErrDisconnected) || c.quits(err)
}

// quits reports whether an app returned for no other reason than the end of its
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
	case errors.Is(context.Cause(c.r.Context()), context.DeadlineExceeded):
		status = http.StatusServiceUnavailable // of middleware above: the client is there
	case c.ctx.cause() != parley.ErrDraining && c.r.Context().Err() != nil:
		status = statusClientGone
		c.out.close.Store(true) // the context of a later request would have ended, too
	case protocol.Status(c.ctx.cause()) != http.StatusInternalServerError:
		status = protocol.Status(c.ctx.cause()) // 503 for a drain, 401 for a login that has ended
	case err == nil, errors.Is(err, parley.ErrDisconnected):
		err = fmt.Errorf("%w: send a response, or return an error that stands for one",
			parley.ErrNotAnswered)
	}
	c.log(c.level(err, status), err, status)
	if c.hasBody() {
		c.settleBody(false)
	}
	if c.out.close.Load() && c.r.ProtoMajor == 1 {
		c.w.Header().Set("Connection", "close")
	}
	if status == http.StatusUpgradeRequired {
		protocol.OfferUpgrade(c.w.Header(), c.r)
		say(c.w, status, protocol.UpgradeRequired)
		return
	}
	answer(c.w, status)
}

// close ends what goes on beside the app.
//
//parley:noescape
func (c *httpConn) close() {
	c.mu.Lock()
	c.in.closed, c.over = true, true
	spool := c.in.spool // there will be no other
	c.mu.Unlock()
	if cause := c.ctx.cause(); cause == nil {
		c.depart(nil)
	} else {
		c.gateway.count(cause)
		c.remember(cause)
		c.depart(cause)
	}
	c.ctx.end(parley.ErrFinished)
	c.ctx.conn.Store(nil)
	if c.ctx.armed.Load() != nil {
		c.gateway.live.remove(c)
	}
	c.unlimit()
	if spool != nil {
		spool.close()
	}
	if !c.above.end() {
		c.linger()
	}
}

// depart takes the request off the record.
//
//parley:noescape
func (c *httpConn) depart(cause error) {
	broke := c.broke || c.panics
	if c.outer != nil {
		c.outer.told.CompareAndSwap(false, cause == parley.ErrDraining)
		c.outer.broke.CompareAndSwap(false, broke)
	}
	c.own.leave(broke, c.gateway.ended(&c.own, cause == parley.ErrDraining))
}

// level is how loud a failure is logged that the client hears of as status.
func (c *httpConn) level(err error, status int) slog.Level {
	if err == nil || c.quits(err) || status < http.StatusInternalServerError {
		return slog.LevelDebug
	}
	return slog.LevelError
}

// logLate logs what an app returned behind a complete answer.
func (c *httpConn) logLate(err error) {
	if !c.clean(err) {
		c.log(slog.LevelError, err, c.out.status)
	}
}

func (c *httpConn) log(level slog.Level, err error, status int) {
	c.gateway.logFailure(level, err, "protocol", "http",
		"method", census.Clip(c.r.Method), "path", census.Clip(c.r.URL.Path), "status", status)
}
