package parleygin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

// greeter says who its room is for, and then goodbye.
var greeter = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	switch room := ws.Scope().Request.PathValue("room"); room {
	case "none":
		return parley.ErrNotFound
	case "panic":
		panic("no")
	default:
		if err := ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: "v2"}); err != nil {
			return err
		}
		return ws.Write(ctx, parley.Text(room+" "+parleygin.FullPath(ctx)))
	}
})

// engines are programs with socket routes.
func engines() map[string]http.Handler {
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard), func(c *gin.Context) { c.Header("X-Gin", "1") })
	r.GET("/rooms/:room", parleygin.Handler(greeter, nethttp.Options{Logger: silent}))
	mux := http.NewServeMux()
	mux.Handle("/rooms/{room}", nethttp.Handler(greeter, nethttp.Options{Logger: silent}))
	return map[string]http.Handler{"gin": r, "mux": mux}
}

// TestEnginesInATest: a whole engine is an app for the test kit, sockets included.
func TestEnginesInATest(t *testing.T) {
	for name, engine := range engines() {
		app := nethttp.App(engine)
		if r, ok := engine.(*gin.Engine); ok {
			app = parleygin.App(r)
		}
		ws := parleytest.Dial(t, app, httptest.NewRequest("GET", "/rooms/ada", nil), "v2")
		if !ws.Accepted() || ws.Accept().Subprotocol != "v2" {
			t.Fatalf("%s: %+v", name, ws.Denial())
		}
		if got := ws.Receive().Text(); !strings.HasPrefix(got, "ada ") {
			t.Errorf("%s: %q", name, got)
		}
		for path, status := range map[string]int{"/rooms/none": 404, "/nowhere": 404,
			"/rooms/panic": 500} {
			if denied := parleytest.Dial(t, app, httptest.NewRequest("GET", path,
				nil)).Denial(); denied == nil || denied.Status != status {
				t.Errorf("%s%s: %+v", name, path, denied)
			}
		}
	}
}

// TestGatewaysNest: apps and engines stand in front of each other in any order.
func TestGatewaysNest(t *testing.T) {
	wrapping := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
		})
	}
	for name, engine := range engines() {
		for chain, list := range map[string][]parley.Middleware{
			"native":  nil,
			"wrapped": {wrapping},
			"wrapped twice": {wrapping,
				nethttp.Middleware(func(h http.Handler) http.Handler { return h }), wrapping},
			"below gin, wrapped": {parleygin.Middleware(func(c *gin.Context) { c.Header("X-Outer", "1") }),
				wrapping},
		} {
			t.Run(name+"/"+chain, func(t *testing.T) {
				outer := nethttp.Handler(parley.Chain(nethttp.App(engine), list...),
					nethttp.Options{Logger: silent})
				got := visit(t, outer, "/rooms/ada", nil)
				if got.status != 101 || got.subprotocol != "v2" || len(got.messages) != 1 ||
					!strings.HasPrefix(got.messages[0], "ada ") || !strings.HasPrefix(got.closed, "1000") {
					t.Errorf("%+v", got)
				}
				if want := map[string][]string{"gin": {"1"}}[name]; !slices.Equal(got.header["X-Gin"], want) {
					t.Errorf("%v", got.header)
				}
				if got := visit(t, outer, "/rooms/none", nil); got.status != 404 {
					t.Errorf("%+v", got)
				}
				stranger := http.Header{"Origin": {"https://evil.example"}}
				if got := visit(t, outer, "/rooms/ada", stranger); got.status != 403 {
					t.Errorf("a stranger: %+v", got)
				}
				if err := outer.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
