package nethttp

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/ending"
	"github.com/parleygo/parley/internal/meter"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
)

// httpHandle is what an app has of a conversation: its Conn, which leads to the
// httpConn until Serve has returned, and to nothing from then on, whatever request
// that serves. It is the context of the conversation under another name: that, too, is
// never used again.
type httpHandle liveContext

// enter returns the conn, which stays that of this conversation until it is left, or
// nil when Serve has returned.
func (h *httpHandle) enter() *httpConn {
	c := h.conn.Load()
	if c == nil {
		return nil
	}
	c.inside.Add(1)
	if h.conn.Load() != c {
		c.leave()
		return nil
	}
	return c
}

// leave is called when the conn's method has returned. If it panics, the conn is not
// used again.
//
//parley:inline
func (c *httpConn) leave() { c.inside.Add(-1) }

// Receive implements parley.Conn.
func (h *httpHandle) Receive(ctx context.Context) (parley.Event, error) {
	c := h.enter()
	if c == nil {
		return parley.HTTPDisconnect{Cause: context.Cause((*liveContext)(h))}, nil
	}
	event, err := c.Receive(ctx)
	c.leave()
	return event, err
}

// Send implements parley.Conn.
//
//parley:noescape
func (h *httpHandle) Send(ctx context.Context, event parley.Event) error {
	c := h.enter()
	if c == nil {
		return parley.ErrDisconnected
	}
	err := c.Send(ctx, event)
	c.leave()
	return err
}

// Respond implements parley.Responder.
//
//parley:noescape
func (h *httpHandle) Respond(
	ctx context.Context, status int, fields parley.Fields, body []byte,
) error {
	c := h.enter()
	if c == nil {
		return parley.ErrDisconnected
	}
	err := c.respond(ctx, status, &fields, body)
	c.leave()
	return err
}

// End implements ending.Ender.
//
//parley:noescape
func (h *httpHandle) End(cause error) {
	if c := h.enter(); c != nil {
		c.End(cause)
		c.leave()
	}
}

// Badge implements census.Wearer.
//
//parley:inline
func (h *httpHandle) Badge() *census.Badge {
	if c := h.conn.Load(); c != nil {
		return &c.facts.badge
	}
	return nil
}

// CheckPage implements origin.Gate.
func (h *httpHandle) CheckPage(r *http.Request) (decides bool, refusal error) {
	if c := h.enter(); c != nil {
		defer c.leave()
		return c.CheckPage(r)
	}
	return false, nil
}

// SetHead implements protocol.Heading.
func (h *httpHandle) SetHead(header http.Header) bool {
	c := h.enter()
	if c == nil {
		return false
	}
	defer c.leave()
	isIdle := !c.isNative && c.out.order.State() == protocol.HTTPIdle
	if isIdle {
		maps.Copy(c.w.Header(), header)
	}
	return isIdle
}

// What packages ask a conn for.
var (
	_ parley.Conn      = (*httpHandle)(nil)
	_ parley.Responder = (*httpHandle)(nil)
	_ ending.Ender     = (*httpHandle)(nil)
	_ census.Wearer    = (*httpHandle)(nil)
	_ origin.Gate      = (*httpHandle)(nil)
	_ protocol.Heading = (*httpHandle)(nil)
)

// takeWriter gives a handler what net/http gave the Gateway, and returns the conn. It
// refuses when an event was exchanged already: the conversation goes on in events then.
func (h *httpHandle) takeWriter(scope *parley.Scope) (http.ResponseWriter, *httpConn) {
	c := h.conn.Load()
	if c == nil || c.touched || scope.Protocol != parley.HTTP || !c.goNative() {
		return nil, nil
	}
	return c.w, c
}

// goNative lets a handler have the request as it is. It refuses when the body is read in
// the background by now, since somebody above waits for the client's leaving: the handler
// would miss what is read already, and gets it over events.
func (c *httpConn) goNative() bool {
	if c.hasBody() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.in.spool != nil {
			return false
		}
		if due := c.due.Load(); due != 0 { // it has ended before it came to the handler
			rest := time.Duration(due) - meter.Now()
			http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(rest))
		}
	}
	c.isNative = true
	return true
}
