// Package parleyotel traces a Parley program with OpenTelemetry: a span for each
// conversation, and one for each call over the bridge.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/http"
//		"time"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/bridge"
//		parleyotel "github.com/parleygo/parley/contrib/otel"
//		"github.com/parleygo/parley/router"
//	)
//
//	func main() {
//		tracing := parleyotel.New(parleyotel.Options{}) // of the provider that otel knows
//		render := parleyotel.SyncToAsync(tracing, "render", slow, bridge.Pooled())
//		routes := new(router.URLs)
//		routes.Handle("/hello/{name}", parley.AppFunc(func(
//			ctx context.Context, scope *parley.Scope, conn parley.Conn,
//		) error {
//			page, err := render(ctx, scope.PathValue("name")).Await(ctx)
//			if err != nil {
//				return err
//			}
//			return parley.Respond(ctx, conn, 200, nil, []byte(page))
//		}))
//		app := parley.Chain(routes, tracing.Middleware())
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app)))
//	}
//
//	func slow(_ context.Context, name string) (string, error) {
//		time.Sleep(time.Millisecond)
//		return "hello " + name, nil
//	}
//
// # Conversations
//
// A request's span has the attributes of OpenTelemetry's conventions for HTTP servers,
// and goes on in the trace that the request's headers name (W3C), unless
// Options.PublicEndpoint says that anybody can send them.
//
// A WebSocket's span lasts from its handshake to its end, with the events
// websocket.accept and websocket.close, which has the close code, and how many messages
// and bytes went each way. Work on one message is best a span of its own, with the
// conversation's as parent: begin it from the app's ctx. Messages themselves are events
// for a fraction of them only, Options.Messages, and by their sizes.
//
// # What it costs
//
// Put the middleware below middleware.TrustedProxies and above all that answers. Where
// the sampler wants a conversation the conn is wrapped, and a handler of net/http below
// runs over events then, as below middleware.AccessLog. Others pass untouched, at the
// price of a look at their headers.
//
// # The bridge
//
// SyncToAsync, SyncToAsyncErr and Do stand for those of package bridge. A call's span
// begins when it is made and ends when its function has returned. The event run and the
// attribute parley.bridge.queue_seconds tell how much of that was the queue's. A call
// whose function never ran has no span; whoever awaits it gets the error.
package parleyotel
