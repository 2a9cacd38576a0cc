package nethttp_test

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// shape is a way to put an http.Handler behind a gateway.
type shape struct {
	name string
	wrap func(h http.Handler) http.Handler
}

// nativeShapes are those below which a handler gets the server's own writer.
var nativeShapes = []shape{
	{"App", func(h http.Handler) http.Handler {
		return nethttp.Handler(nethttp.App(h), nethttp.Options{Logger: silent})
	}},
	{"below a router", func(h http.Handler) http.Handler {
		return nethttp.Handler(dispatch(nethttp.App(h)), nethttp.Options{Logger: silent})
	}},
	{"below five middlewares", func(h http.Handler) http.Handler {
		return nethttp.Handler(parley.Chain(dispatch(dispatch(nethttp.App(h))), five...),
			nethttp.Options{Logger: silent})
	}},
	{"below net/http middleware", func(h http.Handler) http.Handler {
		return nethttp.Handler(parley.Chain(nethttp.App(h), nethttp.Middleware(through)),
			nethttp.Options{Logger: silent})
	}},
	{"gateway in gateway", func(h http.Handler) http.Handler {
		inner := nethttp.Handler(dispatch(nethttp.App(h)), nethttp.Options{Logger: silent})
		return nethttp.Handler(dispatch(nethttp.App(inner)), nethttp.Options{Logger: silent})
	}},
}

// eventShape is the one where a handler runs over events, on a live conn.
var eventShape = shape{"over events", func(h http.Handler) http.Handler {
	return nethttp.Handler(parley.Chain(nethttp.App(h), wrapping), nethttp.Options{Logger: silent})
}}

// dispatch is a router with one route for each protocol.
func dispatch(app parley.App) parley.App {
	routes := map[parley.Protocol]parley.App{parley.HTTP: app, parley.WebSocket: app}
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if app, ok := routes[scope.Protocol]; ok {
			return app.Serve(ctx, scope, conn)
		}
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	})
}

type contextKey string

// five are middlewares that decide and pass the conn on as it is.
var five = []parley.Middleware{
	allowing(func(scope *parley.Scope) bool { return scope.Protocol != "gopher" }),
	valued("user", "ada"),
	cloning,
	allowing(func(scope *parley.Scope) bool { return scope.Method() != "BREW" }),
	valued("request", "17"),
}

func allowing(check func(*parley.Scope) bool) parley.Middleware {
	return func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if !check(scope) {
				return parley.ErrNotFound
			}
			return next.Serve(ctx, scope, conn)
		})
	}
}

func valued(key contextKey, value any) parley.Middleware {
	return func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return next.Serve(context.WithValue(ctx, key, value), scope, conn)
		})
	}
}

func cloning(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope.Clone(), conn)
	})
}

// wrapping hands on a conn of its own, which cuts the native way.
func wrapping(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
}

// through is net/http middleware that does nothing.
func through(next http.Handler) http.Handler {
	return http.HandlerFunc(next.ServeHTTP)
}
