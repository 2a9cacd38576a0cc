package parleygin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
)

// wrapping hands on a conn of its own, so that all below runs over events.
func wrapping(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
}

// stamping stamps the answer, and the keys with its name.
func stamping(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("X-"+name, "1")
		c.Set(name, true)
		c.Next()
	}
}

// tellingKeys are apps that tell what gin's middleware has found out.
var tellingKeys = map[string]parley.App{
	"event app": telling,
	"handler": nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, facts(r.Context(), &parley.Scope{Request: r}))
	})),
	"engine": parleygin.App(func() *gin.Engine {
		r := gin.New()
		r.NoRoute(func(c *gin.Context) {
			c.String(200, facts(c.Request.Context(), &parley.Scope{Request: c.Request}))
		})
		return r
	}()),
}

// TestMiddlewareInFrontOfHTTP: gin middleware before apps of every kind, on live
// and wrapped conns, once and twice.
func TestMiddlewareInFrontOfHTTP(t *testing.T) {
	cases := []struct {
		name   string
		chain  []parley.Middleware
		header []string
		want   string
	}{
		{"lets in", []parley.Middleware{parleygin.Middleware(stamping("One"), auth)},
			[]string{"Authorization: Bearer ada"},
			"200 room= rest= route= user=ada keys=2 ip=127.0.0.1"},
		{"aborts", []parley.Middleware{parleygin.Middleware(stamping("One"), auth)}, nil,
			`401 {"error":"who are you?"}`},
		{"nested", []parley.Middleware{parleygin.Middleware(stamping("One"), auth), deciding,
			parleygin.Middleware(stamping("Two"))},
			[]string{"Authorization: Bearer ada"}, "200 room= rest= route= user=ada keys=3 ip=127.0.0.1"},
		{"inner aborts", []parley.Middleware{parleygin.Middleware(stamping("One")),
			parleygin.Middleware(auth)}, nil, `401 {"error":"who are you?"}`},
		{"believes no proxy", []parley.Middleware{parleygin.Middleware(stamping("One"))},
			[]string{"X-Forwarded-For: 192.0.2.7"},
			"200 room= rest= route= user=<nil> keys=1 ip=127.0.0.1"},
		{"none", []parley.Middleware{parleygin.Middleware()}, nil,
			"200 room= rest= route= user=<nil> keys=0 ip=127.0.0.1"},
	}
	for _, c := range cases {
		for kind, app := range tellingKeys {
			for _, above := range []parley.Middleware{deciding, wrapping} {
				t.Run(c.name+"/"+kind, func(t *testing.T) {
					h := nethttp.Handler(above(parley.Chain(app, c.chain...)), nethttp.Options{Logger: silent})
					if got := get(t, h, "/any//path/", c.header...); got != c.want {
						t.Errorf("got  %s\nwant %s", got, c.want)
					}
				})
			}
		}
	}
}

// TestMiddlewareKeepsTheRoute: middleware's engine has no routes and trusts no
// proxy, so what an engine above knew stays.
func TestMiddlewareKeepsTheRoute(t *testing.T) {
	r := gin.New()
	r.GET("/rooms/:room", stamping("Outer"),
		parleygin.Handler(parley.Chain(telling, parleygin.Middleware(stamping("Inner")))))
	want := "200 room=7 rest= route=/rooms/:room user=<nil> keys=2 ip=192.0.2.7"
	if got := get(t, r, "/rooms/7", "X-Forwarded-For: 192.0.2.7"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestMiddlewareInFrontOfWebSockets: a handshake passes gin middleware like any
// request.
func TestMiddlewareInFrontOfWebSockets(t *testing.T) {
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		return ws.Write(ctx, parley.Text(facts(ctx, ws.Scope())))
	})
	chain := []parley.Middleware{
		parleygin.Middleware(gin.RecoveryWithWriter(io.Discard),
			stamping("One")), parleygin.Middleware(auth),
	}
	for _, above := range []parley.Middleware{deciding, wrapping} {
		h := nethttp.Handler(above(parley.Chain(app, chain...)), nethttp.Options{Logger: silent})
		in := visit(t, h, "/", http.Header{"Authorization": {"Bearer ada"}})
		want := "room= rest= route= user=ada keys=2 ip=127.0.0.1"
		if in.status != 101 || in.header.Get("X-One") != "1" || fmt.Sprint(in.messages) != "["+want+"]" ||
			in.closed != "1000 " {
			t.Errorf("let in: %+v", in)
		}
		out := visit(t, h, "/", nil)
		if out.status != 401 || out.header.Get("X-One") != "1" ||
			out.body != `{"error":"who are you?"}` ||
			out.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("aborted: %+v", out)
		}
	}
}

// TestMiddlewareOnOtherProtocols passes them by.
func TestMiddlewareOnOtherProtocols(t *testing.T) {
	for _, protocol := range []parley.Protocol{parley.Lifespan, parley.Channel} {
		var got parley.Protocol
		app := parleygin.Middleware(auth)(parley.AppFunc(func(
			_ context.Context, scope *parley.Scope, _ parley.Conn,
		) error {
			got = scope.Protocol
			return nil
		}))
		if err := app.Serve(context.Background(), &parley.Scope{Protocol: protocol}, nil); err != nil ||
			got != protocol {
			t.Errorf("%s: the app served %q, %v", protocol, got, err)
		}
	}
}

// TestMiddlewareRunsAround: what a handler does behind c.Next comes after the app,
// and sees its status.
func TestMiddlewareRunsAround(t *testing.T) {
	var after string
	watching := parleygin.Middleware(func(c *gin.Context) {
		c.Next()
		after = fmt.Sprint(c.Writer.Status(), " ", c.Writer.Size())
	})
	app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, http.StatusCreated, nil, []byte("made"))
	})
	if got := get(t, nethttp.Handler(watching(app)), "/"); got != "201 made" || after != "201 4" {
		t.Errorf("got %s, and afterwards %s", got, after)
	}
}

// TestNilIsRefused at once, not at the first request.
func TestNilIsRefused(t *testing.T) {
	for name, wire := range map[string]func(){
		"parleygin: App of a nil engine": func() { parleygin.App(nil) },
		"nethttp: Handler of a nil app":  func() { parleygin.Handler(nil) },
		"parleygin: Gateway of nil":      func() { parleygin.Gateway(nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != name {
					t.Errorf("panics with %v, want %s", got, name)
				}
			}()
			wire()
		}()
	}
}

// TestNothingIsKnownWithoutGin: the getters' zero values.
func TestNothingIsKnownWithoutGin(t *testing.T) {
	ctx := context.Background()
	if parleygin.Value(ctx, "user") != nil || parleygin.Keys(ctx) != nil ||
		parleygin.FullPath(ctx) != "" || parleygin.ClientIP(ctx) != "" {
		t.Error("something is known")
	}
}
