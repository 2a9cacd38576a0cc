package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

// hello is the app that the examples protect.
var hello = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	return parley.Respond(ctx, conn, 200, nil, []byte("hello "+scope.Request.RemoteAddr))
})

// status serves a request and prints what the client is told.
func status(app parley.App, method string, headers ...string) {
	w := httptest.NewRecorder()
	gateway := nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	gateway.ServeHTTP(w, request(method, "http://shop.example/", headers...))
	fmt.Println(w.Code)
}

func ExampleNewOrigin() {
	origin := middleware.NewOrigin(middleware.OriginOptions{Allow: []string{"https://.shop.example"}})
	app := origin.Wrap(hello)
	status(app, "POST", "Origin", "https://www.shop.example")
	status(app, "POST", "Origin", "https://evil.example")

	fmt.Println(middleware.ParsePattern("*.shop.example"))
	// Output:
	// 200
	// 403
	// pattern "*.shop.example" uses '*' for subdomains; write ".shop.example"
}

func ExampleNewHosts() {
	hosts := middleware.NewHosts(middleware.HostsOptions{Allow: []string{"shop.example"}})
	r := httptest.NewRequest("GET", "http://evil.example/", nil)
	fmt.Println(hosts.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}))
	// Output: middleware: hosts: not-allowed: Host "evil.example" is not allowed
}

func ExampleNewTrustedProxies() {
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"192.0.2.0/24"}})
	w := httptest.NewRecorder()
	r := request("GET", "/", "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
	nethttp.Handler(proxies.Wrap(hello)).ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: hello 203.0.113.7:0
}

func ExampleNewRateLimit() {
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests:    middleware.Rate{PerSecond: 0.1, Burst: 1},
		Messages:    middleware.Rate{PerSecond: 20},
		Connections: 10,
	})
	app := limit.Wrap(hello)
	status(app, "GET")
	status(app, "GET")
	// Output:
	// 200
	// 429
}

func ExampleNewBodyLimit() {
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 1 << 20})
	r := request("POST", "/")
	r.ContentLength = 5 << 20
	fmt.Println(limit.Check(&parley.Scope{Protocol: parley.HTTP, Request: r}))
	// Output: middleware: body-limit: too-large: 5242880 bytes, at most 1048576
}

func ExampleMessageLimit() {
	app := parley.Chain(echo, middleware.MessageLimit(16<<10)) // closes with 1009 above
	_ = nethttp.Handler(app)
	// Output:
}

func ExampleTimeout() {
	slow := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	status(middleware.Timeout(time.Millisecond, middleware.TimeoutOptions{})(slow), "GET")
	// Output: 503
}

func ExampleRequestID() {
	app := middleware.RequestID(middleware.RequestIDOptions{})(parley.AppFunc(
		func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			fmt.Println(middleware.RequestIDFrom(ctx))
			return parley.Respond(ctx, conn, 200, nil, nil)
		}))
	status(app, "GET", "X-Request-Id", "7f3a")
	// Output:
	// 7f3a
	// 200
}

func ExampleRecover() {
	app := middleware.Recover(middleware.RecoverOptions{
		Logger: slog.New(slog.DiscardHandler),
		Report: func(_ context.Context, _ *parley.Scope, value any, _ []byte) {
			fmt.Println("panicked:", value)
		},
	})(parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { panic("boom") }))
	// net/http's own part: it ends the connection after the 500.
	defer func() { fmt.Println(recover()) }()
	status(app, "GET")
	// Output:
	// panicked: boom
	// net/http: abort Handler
}

func ExampleAccessLog() {
	app := middleware.AccessLog(middleware.AccessLogOptions{
		Record: func(_ context.Context, a *middleware.Access) {
			a.Start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
			fmt.Fprintln(os.Stdout, a.NCSA())
		},
	})(hello)
	status(app, "GET")
	// Output:
	// 192.0.2.1 - - [02/Jan/2030:03:04:05 +0000] "GET / HTTP/1.1" 200 20 "-" "-"
	// 200
}

// Middleware of one's own that answers in the app's place, whatever kind of
// conversation it is.
func ExampleRefuse() {
	closed := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if scope.Request == nil {
				return next.Serve(ctx, scope, conn)
			}
			return middleware.Refuse(ctx, scope, conn, nil, &middleware.Refusal{
				By: "opening-hours", Reason: "closed", Status: http.StatusServiceUnavailable,
				RetryAfter: 8 * time.Hour,
			})
		})
	}
	w := httptest.NewRecorder()
	nethttp.Handler(closed(hello)).ServeHTTP(w, request("GET", "/"))
	fmt.Println(w.Code, w.Header().Get("Retry-After"))
	// Output: 503 28800
}
