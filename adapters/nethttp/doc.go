// Package nethttp joins net/http and parley: an http.Handler becomes an app, an
// app becomes an http.Handler, and any net/http middleware goes in front of any
// app, WebSocket handshakes included.
//
//	package main
//
//	import (
//		"context"
//		"net/http"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/router"
//	)
//
//	func main() {
//		var routes router.URLs
//		routes.Handle("/hello/{name}", parley.WebSocketFunc(hello))
//		routes.Handle("/", nethttp.App(http.DefaultServeMux)) // everything else
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(&routes))
//	}
//
//	func hello(ctx context.Context, ws *parley.Socket) error {
//		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//			return err
//		}
//		return ws.Write(ctx, parley.Text("hello "+ws.Scope().PathValue("name")))
//	}
//
// # Two laws
//
// Identity: Handler(App(h)) behaves as h in every observable way and costs
// nothing. Native: however many routers and deciding middlewares stand between
// a Gateway and an App, the handler gets the server's own ResponseWriter and
// Request; only middleware that wraps the conn pays for events.
//
// # WebSockets
//
// A handshake is checked before the app is called (400, 405, 426; 403 for a
// foreign Origin) and answered by the app: accepted, or denied with any plain
// HTTP response. After the upgrade ServeHTTP returns, so that net/http frees what
// it holds for the request, and the app lives on with its socket: one goroutine
// and no buffers while idle. The mode Hold keeps ServeHTTP until the app has
// returned, for middleware above that wants to see the whole session.
//
// http.Server.Shutdown does not know of upgraded connections: call
// Gateway.Drain beside it.
package nethttp
