// Package fallback serves WebSocket apps to clients that have no WebSocket, since
// some proxies let none through: by server-sent events or by long-poll, at the same
// URL. A whole program, whose clients hear what they say:
//
//	package main
//
//	import (
//		"context"
//		"net/http"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/fallback"
//	)
//
//	func echo(ctx context.Context, ws *parley.Socket) error {
//		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//			return err
//		}
//		for {
//			message, err := ws.Read(ctx)
//			if err != nil {
//				return err
//			}
//			if err := ws.Write(ctx, parley.Text(message.Text())); err != nil {
//				return err
//			}
//		}
//	}
//
//	func main() {
//		app := fallback.New(parley.WebSocketFunc(echo), fallback.Options{})
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app))
//	}
//
// Any app that serves WebSockets will do: a function as here, a consumer, a router.
// It does not notice. Behind its conn stands a fallback session, which outlives the
// requests that carry it by a lease; what is sent meanwhile waits. The rules are those
// of a socket: the same order of events, the same refusals, the same close codes.
// Middleware below sees a handshake and messages, middleware above sees requests.
//
// # Whose session it is
//
// A session belongs to the user who has opened it, where package auth stands above
// and somebody is logged in, and ends with the login. Else it belongs to whoever
// knows a secret, which browsers have in a cookie that no script can read. The id in
// URLs is worth nothing by itself: others are answered with 404.
//
// # Clients
//
// What goes over the wire is described in docs/fallback.md, for clients in any
// language. In short: GET opens a session, or receives; as a stream of events if
// Accept names them, else as the answer to a poll. POST sends a message, and DELETE
// says goodbye.
package fallback
