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
// Identity: Handler(App(h)) behaves as h in every observable way, and costs
// what it takes to count a request. Native: however many routers and deciding
// middlewares stand between a Gateway and an App, the handler gets the server's
// own ResponseWriter, and its Request (see App); only middleware that wraps the conn
// pays for events.
//
// # WebSockets
//
// A handshake is checked before the app is called (400, 405, 426) and answered
// by the app: accepted, or denied with any plain HTTP response, with which an HTTP/1
// connection ends: a proxy may take it for a tunnel already. After the
// upgrade ServeHTTP returns, so that net/http frees what it holds for the
// request, and the app lives on with its socket: one goroutine and no buffers
// while idle. The mode Hold keeps ServeHTTP until the app has returned, for
// middleware above that wants to see the whole session.
//
// A page of another site is refused with 403 when an app comes to take part in the
// conversation, unless Options.Origins lists it or middleware.Origin lets it in on the
// way. Refusals are warnings in the log, at most one in ten seconds.
//
// Over HTTP/2 a handshake (RFC 8441) is a GET that asks for an upgrade, to everything
// below a Gateway; what stands in front of one, such as a mux with a route for GET, needs
// ExtendedConnect in front of itself. Package server has it.
//
// # How conversations end
//
// An app ends its conversation by returning, with an error (500 and 1011, or what the
// error stands for), by a panic, or by runtime.Goexit, and nothing else ends with it:
// not the server, and no other conversation. What ends a conversation from outside is
// the cause of its context, the same in the event that Receive returns and in the log.
// An app or handler that returns for that, and has said nothing, answers what the end
// stands for: 503 in a drain, 401 with a login. One that means 200 says so. (A gin
// engine says it in the place of its handlers.)
// Values of a context that is kept stay what they were; a Conn and a Scope are valid
// until Serve returns.
//
// Over HTTP/1 a client that closes its half of the connection behind its request, as
// "nc -N" does, looks like one that is gone: net/http ends the request's context then,
// and before something is written nobody can tell. What an app answers all the same
// reaches it, as a handler's does, unless the app has asked: one that has waited for its
// context's end, or was told of the disconnect, is done with this client (499).
//
// A client that takes nothing of what is sent to it is cut after a while
// (parley.ErrSlowConsumer, counted in Stats); one that takes it slowly is not, whatever
// the server's WriteTimeout. Of a request body that the app leaves unread while it
// waits for something else, up to 1 MiB is read ahead, so that a client's leaving is
// noticed; nothing is written to disk.
//
// http.Server.Shutdown does not know of upgraded connections: call Gateway.Drain beside
// it, which lets handlers finish that are at work. A server whose BaseContext ends
// closes its sockets likewise.
//
// # What an operator sees
//
// Stats tells how many conversations there are and what became of others: close codes
// and causes, bytes and messages, slow clients, panics, histograms of the time that
// requests take and of the queues in front of sockets. Conversations lists who is there,
// Drained how a drain went. contrib/prometheus and contrib/otel hand it on. An app that
// goes on when its client is long gone is named in the log, with the stack of its
// goroutine: see Options.LeakAfter. To count a request or a message takes no memory,
// and a small part of a microsecond.
package nethttp
