package nethttp

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// httpConn is the live conversation of one HTTP request. The app runs on the
// request's own goroutine and writes straight to the server.
//
// It is used again for a later request, and so is the Scope, which is valid until
// Serve returns and no longer. What the app has of the conn is an httpHandle, which
// is not.
type httpConn struct {
	gateway *Gateway
	w       http.ResponseWriter
	r       *http.Request
	scope   parley.Scope
	ctx     *liveContext

	contexts contexts
	entry    entry[*httpConn]
	facts    facts
	own      record
	outer    *record // of the request, where middleware above has it
	isNative bool    // a handler was given w and r
	broke    bool    // and did not return
	panics   bool    // the app did not return
	touched  bool    // an event was exchanged
	leaked   bool    // something of this conn may outlive Serve
	over     bool    // Serve has returned: the writer is out of reach

	inside atomic.Int32 // calls from handles

	in    requestBody
	out   response
	above handlerAbove

	limited  atomic.Bool   // End was called: it may write for a moment still
	due      atomic.Int64  // until then (meter.Now)
	answered bool          // for a handler that has said nothing
	waits    atomic.Bool   // the app waits for its end, if for anything
	done     atomic.Bool   // the response is complete
	mu       sync.Mutex    // guards what a Receive beside a Send may meet
	complete chan struct{} // closed when it is, made by who waits
}

// conns are for the requests of all gateways. Who has one for each route uses one conn
// for them all, and that one is near.
var conns = sync.Pool{New: func() any { return newHTTPConn() }}

// newHTTPConn makes a conn with all that is the same for each request.
func newHTTPConn() *httpConn {
	c := new(httpConn)
	c.own.lane, c.own.conn = someLane(), c
	c.scope.Protocol = parley.HTTP
	c.scope.Extensions = withoutTrailers
	c.above.conn = c
	return c
}

// begin takes on a request. above is the scope that routers and middleware above
// have made, and outer the record of the request, if there are any.
func (c *httpConn) begin(
	g *Gateway, w http.ResponseWriter, r *http.Request, above *parley.Scope, outer *record,
) {
	protocol.ShareTrailers(r)
	c.gateway, c.w, c.r = g, w, r
	c.scope.RootPath = g.options.RootPath
	c.ctx = c.contexts.next()
	c.ctx.lend(r.Context(), c)
	if c.outer = outer; outer == nil {
		c.own.enter(&g.requests, r)
	}
	if above != nil {
		c.scope = *above
		c.leaked = true // not like the gateway's other scopes any more
	}
	c.scope.Request = r
	if te := r.Header["Te"]; len(te) > 0 && r.ProtoAtLeast(1, 1) && protocol.WantsTrailers(r.Header) {
		c.scope.Extensions = withTrailers
		c.leaked = true
	}
}

// isSpare reports whether the conn can serve another request: nobody else has
// anything of it, or will ever have, and its end was an ordinary one. It is asked when
// the context has let go of it.
//
//parley:inline
func (c *httpConn) isSpare() bool {
	return !c.leaked && !c.panics && !c.broke && c.ctx.armed.Load() == nil && c.in.spool == nil &&
		!c.limited.Load() && c.inside.Load() == 0
}

// reset forgets the request.
//
//parley:noescape
func (c *httpConn) reset() {
	c.gateway, c.w, c.r, c.scope.Request, c.ctx, c.outer = nil, nil, nil, nil, nil, nil
	c.scope.Release(0)
	c.isNative = false
	c.facts.badge.Clear()
	if !c.over {
		return // it has only handed the request through
	}
	c.touched, c.over, c.above.over = false, false, false
	c.in, c.out = requestBody{}, response{}
	c.complete = nil
	for _, flag := range []*atomic.Bool{&c.waits, &c.done, &c.own.stream, &c.own.told, &c.own.cut} {
		if flag.Load() {
			flag.Store(false)
		}
	}
}

// record is that of the request.
func (c *httpConn) record() *record {
	if c.outer != nil {
		return c.outer
	}
	return &c.own
}

// Receive returns the parts of the request body and then, when the client is
// gone or the response complete, the disconnect.
func (c *httpConn) Receive(ctx context.Context) (parley.Event, error) {
	c.touched = true
	if c.above.atWork.Load() && !c.in.done {
		return c.receiveForHandler(ctx)
	}
	if !c.in.done {
		if c.isOver() {
			return parley.HTTPDisconnect{Cause: c.ended()}, nil
		}
		event, err := c.receiveBody(ctx)
		if event != nil || err != nil {
			return event, err
		}
	}
	return c.receiveEnd(ctx)
}

// receiveEnd waits for the end of the conversation.
func (c *httpConn) receiveEnd(ctx context.Context) (parley.Event, error) {
	if cause := c.ended(); cause != nil {
		return parley.HTTPDisconnect{Cause: cause}, nil
	}
	c.nowWaits()
	select {
	case <-c.completion():
	case <-c.ctx.Done():
	case <-ctx.Done():
		if c.ctx.Err() == nil {
			return nil, context.Cause(ctx)
		}
	}
	return parley.HTTPDisconnect{Cause: c.ended()}, nil
}

// isOver reports whether there is nothing to receive for an app that asks for the
// body, which is not to ask who is there.
func (c *httpConn) isOver() bool { return c.done.Load() || !c.unaware() && c.ended() != nil }

// ended is why the conversation is over, or nil.
func (c *httpConn) ended() error {
	if c.done.Load() {
		return parley.ErrFinished
	}
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return nil
}

// loss is why the request's context ended. net/http cancels it without a cause when
// the client is gone, and when it has let a deadline of ours pass.
func (c *httpConn) loss() error {
	cause := context.Cause(c.r.Context())
	switch {
	case !errors.Is(cause, context.Canceled), errors.Is(cause, parley.ErrDisconnected):
		return cause // of somebody above
	case c.gateway.baseOf(c.r).Err() != nil:
		return parley.ErrDraining
	case c.in.stalled():
		return parley.ErrIdle
	case c.out.stalled():
		return parley.ErrSlowConsumer
	}
	return parley.ErrDisconnected
}

// completion is closed when the response is complete.
func (c *httpConn) completion() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.complete == nil {
		c.complete = make(chan struct{})
		if c.done.Load() {
			close(c.complete)
		}
	}
	return c.complete
}

// checkComplete tells a waiting Receive when the response is complete.
func (c *httpConn) checkComplete() {
	if c.out.order.State() != protocol.HTTPComplete {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done.Swap(true) && c.complete != nil {
		close(c.complete)
	}
}

// Send writes a part of the response.
//
//parley:noescape
func (c *httpConn) Send(ctx context.Context, event parley.Event) error {
	c.touched = true
	if err := c.sendable(ctx, event); err != nil {
		return err
	}
	if c.ctx.armed.Load() != nil { // so it is listed
		c.facts.noteRoute(c.r)
	}
	err := c.send(event)
	c.checkComplete()
	return err
}

//parley:noescape
func (c *httpConn) send(boxed parley.Event) error {
	switch event := boxed.(type) {
	case parley.HTTPResponseStart:
		return c.sendStart(event, boxed)
	case parley.HTTPResponseBody:
		return c.sendBody(event, boxed)
	case parley.HTTPResponseZeroCopySend:
		return c.sendFile(event)
	case parley.HTTPResponsePathSend:
		return c.sendPath(event)
	case parley.HTTPResponseTrailers:
		return c.sendTrailers(event)
	case parley.HTTPResponseEarlyHint:
		return c.sendEarlyHint(event)
	case parley.HTTPResponseDebug:
		return c.out.order.Unavailable(event)
	}
	return c.out.order.Unknown(boxed)
}

// sendable tells at once of a client that is gone: the server's writer would
// take two more writes before it says so. To one that is to leave an app may say
// goodbye, under a context that has not ended; to one that may not stay it is the
// last part of the answer.
//
//parley:noescape
func (c *httpConn) sendable(ctx context.Context, event parley.Event) error {
	if c.out.order.State() == protocol.HTTPComplete {
		return nil // the order's own answer says more
	}
	if c.above.atWork.Load() {
		return nil // a client that has closed its half of the connection still reads
	}
	if c.unaware() {
		return nil // so does this one, perhaps, and the writer will tell
	}
	if c.ctx.Err() != nil && context.Cause(c.ctx) != parley.ErrDraining {
		if c.limited.Load() && isLast(event) {
			return nil
		}
		return parley.ErrDisconnected
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// unaware reports whether the client has closed its half of the connection, or is gone,
// and the app has not asked. Nobody can tell the one from the other before something
// is written.
func (c *httpConn) unaware() bool {
	return c.ctx.armed.Load() == nil && c.r.ProtoMajor == 1 &&
		c.r.Context().Err() != nil && c.loss() == parley.ErrDisconnected
}

func (c *httpConn) place() *entry[*httpConn] { return &c.entry }

func (c *httpConn) id() uint64 { return c.facts.number }
