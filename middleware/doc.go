// Package middleware guards and observes apps of every protocol: HTTP,
// WebSocket and server-sent events alike. It is safe by default, and it knows
// nobody: who is talking is what package auth finds out.
//
//	package main
//
//	import (
//		"net/http"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//		"github.com/parleygo/parley/middleware"
//	)
//
//	func main() {
//		origin := middleware.NewOrigin(middleware.OriginOptions{
//			Allow: []string{"https://shop.example", "https://.shop.example"},
//		})
//		hosts := middleware.NewHosts(middleware.HostsOptions{
//			Allow: []string{"shop.example"},
//		})
//		app := parley.Chain(nethttp.App(http.FileServer(http.Dir("."))), // or any other app
//			middleware.RequestID(middleware.RequestIDOptions{}),
//			hosts.Wrap,
//			origin.Wrap,
//		)
//		http.ListenAndServe("127.0.0.1:8080", nethttp.Handler(app))
//	}
//
// A gateway refuses sockets from pages of other hosts by itself, unless an Origin
// in front of the app has let them in: one list does for both. Behind a proxy that
// changes Host, allow the public origins by name.
//
// # Deciding and acting
//
// What decides on a request (Origin, Hosts, BodyLimit, RateLimit,
// TrustedProxies) has a method Check, which returns nil or a [*Refusal], beside
// the method Wrap, which acts on it: 403, 400, 413, 429 or 503, the same on a
// handshake, and the app below does not run. Other hosts can use the decision
// alone, [Check] makes middleware of any other, and [Refuse] is how to act on a
// Refusal yourself. [LogUser] and [LogCause] tell the access log above what only
// the middleware below it knows.
//
// # What it costs
//
// Middleware that only decides hands on the conn as it is: a net/http handler or
// a gin engine below it still gets the server's own ResponseWriter, and nothing
// is allocated. These wrap the conn, so that handlers below run over events:
// AccessLog, Timeout; on sockets MessageLimit and RateLimit of messages or bytes; and
// BodyLimit for a body without a length. RequestID and
// TrustedProxies hand down what they find, which costs a few allocations and
// nothing else.
//
// # Protocols
//
// Lifespan, channels and protocols that are not known pass everything here.
//
// Mistakes of wiring, such as a malformed pattern, panic when the middleware is
// made. All values may be used by many conversations at once. No goroutines are
// started in the background.
package middleware
