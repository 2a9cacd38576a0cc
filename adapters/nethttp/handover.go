package nethttp

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
	"github.com/parleygo/parley/internal/usercode"
)

// serveHandover serves a handshake that an outer conversation has become on its way
// through a handler, such as a gin engine below middleware that wraps the conn: the
// app gets the conversation itself. It reports whether there is one.
func (g *Gateway) serveHandover(w http.ResponseWriter, r *http.Request) bool {
	outer := overevents.HandoverOf(r)
	if outer == nil {
		return false
	}
	if g.refuseNew(w, r) {
		return true
	}
	header := w.Header().Clone()
	if !outer.Take() {
		return false // somebody has answered: this is another handshake
	}
	scope := *outer.Scope
	scope.Request, scope.RootPath = r, g.options.RootPath
	ctx, cancel := outliving(outer.Context, r.Context())
	defer cancel()
	var page *foreign
	if outer.Foreign {
		ctx, page = g.askOrigin(ctx, r)
	}
	handed := &handedConn{Conn: outer.Conn, gateway: g, request: r, page: page}
	conn := withHead(handed, header, func(int, http.Header) *parley.WebSocketDeny { return nil })
	usercode.Call(func() error { return g.app.Serve(ctx, &scope, conn) }, outer.Return)
	return true
}

// handedConn is an outer conversation from its beginning on.
type handedConn struct {
	parley.Conn
	gateway   *Gateway
	request   *http.Request
	page      *foreign
	connected atomic.Bool
}

// Unwrap tells that messages pass unchanged.
func (c *handedConn) Unwrap() parley.Conn { return c.Conn }

// Receive returns the handshake once more, and then what comes.
func (c *handedConn) Receive(ctx context.Context) (parley.Event, error) {
	if c.connected.Swap(true) {
		return c.Conn.Receive(ctx)
	}
	if c.refused(ctx) {
		return parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: errForeignPage}, nil
	}
	return parley.WebSocketConnect{}, nil
}

func (c *handedConn) Send(ctx context.Context, event parley.Event) error {
	if _, accept := event.(parley.WebSocketAccept); accept && c.refused(ctx) {
		return parley.ErrDisconnected
	}
	return c.Conn.Send(ctx, event)
}

// refused denies a page that this gateway does not let in.
func (c *handedConn) refused(ctx context.Context) bool {
	if c.page.mayEnter() {
		return false
	}
	c.gateway.warnOfForeign(c.request, c.page)
	deny := parley.WebSocketDeny{Status: http.StatusForbidden}
	c.Conn.Send(ctx, deny) // who has left needs no answer
	return true
}
