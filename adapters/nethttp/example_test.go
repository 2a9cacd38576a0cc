package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// get prints the answer of a server for one path.
func get(h http.Handler, path string) {
	server := httptest.NewServer(h)
	defer server.Close()
	response, err := http.Get(server.URL + path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, strings.TrimSpace(string(body)))
}

// An app is mounted like any other handler.
func ExampleHandler() {
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte("hello from "+scope.RoutePath()))
	})
	mux := http.NewServeMux()
	mux.Handle("/app/", nethttp.Handler(app))
	get(mux, "/app/here")
	// Output: 200 hello from /app/here
}

// A socket app denies a handshake with a plain HTTP answer, before any upgrade.
func ExampleHandler_webSocket() {
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if ws.Scope().Request.URL.Query().Get("ticket") != "valid" {
			return ws.Deny(ctx, parley.WebSocketDeny{Status: 401, Body: []byte("no ticket")})
		}
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		return ws.Write(ctx, parley.Text("welcome"))
	})
	server := httptest.NewServer(nethttp.Handler(app))
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")
	_, response, err := websocket.DefaultDialer.Dial(url, nil)
	fmt.Println(err, response.StatusCode)
	conn, _, err := websocket.DefaultDialer.Dial(url+"?ticket=valid", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, message, _ := conn.ReadMessage()
	_, _, err = conn.ReadMessage() // the app has returned: a clean close
	fmt.Println(string(message), err)
	// Output:
	// websocket: bad handshake 401
	// welcome websocket: close 1000 (normal)
}

// A handler that exists already becomes an app, and is one still behind
// middleware of this kit.
func ExampleApp() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "a plain handler at", r.URL.Path)
	})
	guarded := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if strings.HasPrefix(scope.RoutePath(), "/private") {
				return parley.ErrNotFound
			}
			return next.Serve(ctx, scope, conn)
		})
	}
	app := parley.Chain(nethttp.App(handler), guarded)
	get(nethttp.Handler(app), "/public")
	get(nethttp.Handler(app), "/private/data")
	// Output:
	// 200 a plain handler at /public
	// 404 Not Found
}

// Middleware written for net/http stands in front of any app.
func ExampleMiddleware() {
	limit := nethttp.Middleware(func(next http.Handler) http.Handler {
		return http.TimeoutHandler(next, time.Minute, "too slow")
	})
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte("in time"))
	})
	get(nethttp.Handler(parley.Chain(app, limit)), "/")
	// Output: 200 in time
}

// Drain ends sockets and streams when the program does: http.Server.Shutdown does
// not know of them.
func ExampleGateway_Drain() {
	gateway := nethttp.Handler(parley.WebSocketFunc(func(ctx context.Context,
		ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		_, err := ws.Read(ctx)
		return err
	}))
	server := httptest.NewServer(gateway)
	defer server.Close()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		gateway.Drain(ctx)
	}()
	_, _, err = conn.ReadMessage()
	fmt.Println(err)
	// Output: websocket: close 1012
}
