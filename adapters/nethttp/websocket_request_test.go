package nethttp_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// The context of a socket's request ends when ServeHTTP returns. Its values stay as long
// as the socket. Who is above has the request that the server gave, which is not written
// to but for the route that was found.
func TestRequestOfASocket(t *testing.T) {
	for name, mode := range map[string]nethttp.Mode{
		"default": nethttp.DefaultMode, "detach": nethttp.Detach, "hold": nethttp.Hold,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
					defer close(over)
					request := ws.Scope().Request
					request.Pattern = "GET /{room}" // as a router does
					asked := request.Context()
					if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
						return err
					}
					if mode != nethttp.Hold {
						<-asked.Done()
					}
					if ended := context.Cause(asked) == context.Canceled; ended != (mode != nethttp.Hold) {
						t.Errorf("the request's context has ended with %v", context.Cause(asked))
					}
					for _, ctx := range []context.Context{asked, ctx} {
						if ctx.Value(http.ServerContextKey) == nil || ctx.Value(http.LocalAddrContextKey) == nil {
							t.Error("the values are lost")
						}
					}
					return ctx.Err()
				})
				gateway := nethttp.Handler(app, nethttp.Options{Mode: mode})
				above := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					own := r.Context()
					gateway.ServeHTTP(w, r)
					if r.Context() != own || own.Err() != nil {
						t.Errorf("it is another one for who is above, or has ended: %v", r.Context().Err())
					}
					if r.Pattern != "GET /{room}" {
						t.Errorf("the route %q", r.Pattern)
					}
				})
				client := adaptertest.ServeInBubble(t, above).Dial()
				client.Say("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
				if head := client.Head(http.MethodGet); head.StatusCode != 101 {
					t.Fatalf("handshake answered with %d", head.StatusCode)
				}
				<-over
			})
		})
	}
}

// Whoever ends a handshake, those above find the route that the app has found, and nobody
// reads it while a router may be writing.
func TestRouteAbove(t *testing.T) {
	const route = "GET /{room}"
	mux := http.NewServeMux()
	mux.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })
	for name, c := range map[string]struct {
		serve  func(context.Context, *parley.Scope, parley.Conn) error
		status int
		want   string
	}{
		"a handler": {nethttp.App(mux).Serve, 418, route},
		"a denial": {func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			scope.Request.Pattern = route
			return conn.Send(ctx, parley.WebSocketDeny{Status: 418})
		}, 418, route},
		"an error": {func(_ context.Context, scope *parley.Scope, _ parley.Conn) error {
			scope.Request.Pattern = route
			return parley.ErrNotFound
		}, 404, route},
		"no answer in time": {func(ctx context.Context, scope *parley.Scope, _ parley.Conn) error {
			time.Sleep(time.Second)
			scope.Request.Pattern = route
			<-ctx.Done()
			return nil
		}, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gateway := gateway(parley.AppFunc(c.serve), nethttp.Options{HandshakeTimeout: time.Second})
				client := adaptertest.ServeInBubble(t, http.HandlerFunc(
					func(w http.ResponseWriter, r *http.Request) {
						gateway.ServeHTTP(w, r)
						if r.Pattern != c.want {
							t.Errorf("the route %q", r.Pattern)
						}
					})).Dial()
				client.Say("GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
				if head := client.Head(http.MethodGet); head.StatusCode != c.status {
					t.Errorf("handshake answered with %d", head.StatusCode)
				}
				synctest.Wait()
			})
		})
	}
}
