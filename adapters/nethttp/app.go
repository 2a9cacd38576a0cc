package nethttp

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/overevents"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// App makes an app of an http.Handler: HTTP conversations and WebSocket
// handshakes are its requests. Below a Gateway the handler gets the server's own
// ResponseWriter and Request, with what routers and middleware above have put
// into context and scope; a RootPath is taken off the request's path as
// http.StripPrefix does. Of a handshake it gets a copy of the request, of which those
// above the Gateway see the Pattern, unless it stands below it alone or the mode is
// Hold. Handshakes that are malformed the Gateway answers itself (400, 405 or 426),
// unless the handler stands below it alone.
//
// Where middleware has wrapped the conn, the handler runs over events: what it reads
// and writes passes the middleware, and no limit of the Gateway's holds for it. What
// no event says goes to the server directly: deadlines, full duplex, pushes,
// informational answers, and a connection that is hijacked. To the handler and its
// client all is as on net/http, but that http.MaxBytesReader has the connection closed
// only where the answer is a 413, and that what HTTP forbids does not go out. In a
// test, where no server is below, there is no deadline to set and nothing to hijack but
// a WebSocket.
//
// A WebSocket that the handler hijacks over events, as libraries do, is the end of a
// tunnel: its messages are events to the middleware, its pings are answered here, it
// agrees on no extension, what it says after the peer's goodbye is dropped, and a
// handler that closes it without a close frame closes with 1000.
func App(h http.Handler) parley.App {
	wiring.Need("nethttp: App", "handler", h)
	return &handlerApp{h}
}

type handlerApp struct {
	handler http.Handler
}

//parley:noescape
func (a *handlerApp) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch live := conn.(type) {
	case *httpHandle:
		if w, live := live.takeWriter(scope); w != nil {
			live.broke = true
			if r := requestFor(ctx, live.ctx, live.r, scope); r == live.r {
				a.handler.ServeHTTP(w, r)
			} else {
				serveCopy(a.handler, w, r)
			}
			live.broke = false
			return nil
		}
	case *webSocketConn:
		if w, ok := live.takeWriter(scope); ok {
			live.broke = true
			a.handler.ServeHTTP(w, requestFor(ctx, &live.life, live.scope.Request, scope))
			live.broke = false
			return nil
		}
	}
	return overevents.Serve(ctx, a.handler, scope, conn)
}

// serveCopy has h serve r, which is a copy of the request received, and removes what h
// leaves in it.
func serveCopy(h http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.MultipartForm == nil {
		defer protocol.RemoveFiles(r)
	}
	h.ServeHTTP(w, r)
}

// requestFor is the request a wrapped handler gets: the scope's, with ctx in it
// unless that is the live conn's own, and without the root path. received is the
// server's own request.
func requestFor(
	ctx, live context.Context, received *http.Request, scope *parley.Scope,
) *http.Request {
	r := scope.NativeRequest()
	if ctx != live {
		r = r.WithContext(ctx)
	}
	if r != received && received.Trailer != nil {
		r = r.WithContext(r.Context())
		r.Trailer = received.Trailer // the server fills it in, also where a scope was cloned
	}
	if scope.RootPath != "" {
		r = overevents.WithoutRoot(scope, r)
	}
	return r
}
