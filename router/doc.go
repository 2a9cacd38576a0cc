// Package router holds apps that choose another app: by protocol ([Protocols]),
// by URL ([URLs]), by method ([Methods]) and by the name of a channel
// ([Channels]).
//
// A whole program, with a page, a socket whose room is a number, and an API
// that another package has put together:
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
//		var api router.URLs
//		api.Handle("GET /users/{name}", nethttp.App(http.HandlerFunc(
//			func(w http.ResponseWriter, r *http.Request) {
//				w.Write([]byte("hello " + r.PathValue("name") + " of " + r.PathValue("tenant")))
//			})))
//
//		var site router.URLs
//		site.Handle("/rooms/{id}", parley.WebSocketFunc(room), router.Int("id"))
//		site.Mount("/tenants/{tenant}", &api, router.Slug("tenant"))
//		site.Handle("/{$}", nethttp.App(http.FileServer(http.Dir("public"))))
//
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(router.Protocols{
//			parley.HTTP:      &site,
//			parley.WebSocket: &site,
//		}))
//	}
//
//	func room(ctx context.Context, ws *parley.Socket) error {
//		id, err := router.Param[int](ws.Scope(), "id")
//		if err != nil {
//			return err
//		}
//		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//			return err
//		}
//		return ws.WriteJSON(ctx, id)
//	}
//
// # Matching
//
// Patterns are those of [http.ServeMux]: methods, hosts, wildcards, precedence and
// conflicts mean what they mean there. What differs is this. A router never
// redirects unless it is told to, and never a WebSocket handshake: a path that
// ServeMux would clean, or give a slash, is not found. A wildcard may be
// constrained ([Int], [Slug], [UUID], [Path], [Regexp]), and a value that does not
// fit is no match. And a route may pass: when a router under a mount has no route,
// the router above goes on with its next-best one.
//
// Matching is done on the escaped path, so "%2F" is a character of its segment,
// and values are captured decoded. A wildcard never matches an empty segment.
// Patterns as other frameworks have them ("/chat/:room", "^/chat/", "get /x") are
// refused with the form to write.
//
// A plain request to a route whose app serves sockets alone is answered with 426
// and a sentence.
//
// # Captures
//
// As with net/http, the pattern chosen is found in the request's Pattern, and
// what its wildcards matched under [parley.Scope.PathValue] or, typed, [Param].
// Values captured further up stay readable; the innermost wins where names
// meet. They are set on the request itself, so that whoever stands in front of the
// router, such as an access log, finds them there afterwards.
//
// net/http makes a map for values that are set on a request, which takes longer than
// to find the route. Where apps and middleware ask the scope, as those above do,
// [URLs.ScopeValues] has them stay there: three of them take no memory then. A handler
// of net/http below still finds them on its request.
//
// # Lifespan
//
// Routers pass start-up and shutdown on to every app below them, in order of
// registration and back in reverse: see [Protocols] and [URLs].
package router
