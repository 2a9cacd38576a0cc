package parleytest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

func ExampleDo() {
	hello := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte("hello "+scope.Request.URL.Query().Get("name")))
	})

	got := parleytest.Do(t, hello, httptest.NewRequest("GET", "/?name=gopher", nil))
	fmt.Println(got.Status, got.Body)
	// Output: 200 hello gopher
}

// The test sends the request's body in parts and reads the response between them.
func ExampleUpload() {
	x := parleytest.Upload(t, upper, httptest.NewRequest("POST", "/", nil))
	fmt.Println(x.Status())
	x.Send("half of a")
	part, _ := x.Read()
	fmt.Println(part)
	x.Vanish()
	fmt.Println(x.Wait())
	fmt.Println(x.Response().Truncated)
	// Output:
	// 200
	// HALF OF A
	// parley: disconnected
	// true
}

func ExampleDial() {
	ws := parleytest.Dial(t, echo, httptest.NewRequest("GET", "/echo", nil), "chat")
	fmt.Println(ws.Accept().Subprotocol)
	ws.Send(parley.Text("hi"))
	fmt.Println(ws.Receive().Text())
	ws.Close(parley.CloseNormal, "bye")
	fmt.Println(ws.Wait()) // what the app was told
	// Output:
	// chat
	// hi
	// parley: websocket closed with 1000 "bye"
}

// A denial as the server sends it, and as a browser's script sees it.
func ExampleSocket_Denial() {
	members := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 401, Body: []byte("members only")})
	})

	ws := parleytest.Dial(t, members, httptest.NewRequest("GET", "/", nil))
	denial := ws.Denial()
	fmt.Println(denial.Status, denial.Body)
	fmt.Println(ws.Closed())
	// Output:
	// 401 members only
	// 1006
}

func ExampleRun() {
	app := lifespan(parley.LifespanStartupComplete{},
		parley.LifespanShutdownFailed{Message: "disk is full"})
	p := parleytest.Run(t, app)
	fmt.Println(p.Startup())
	fmt.Println(p.Shutdown())
	// Output:
	// <nil>
	// parleytest: shutdown failed: disk is full
}

// Whoever writes an adapter proves it in a test, func TestConformance(t *testing.T).
// What is broken is a failure of its own, named after the rule.
func ExampleConform() {
	parleytest.Conform(t, parleytest.Live(func(app parley.App) http.Handler {
		return nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	}))
	fmt.Println("conforms")
	// Output: conforms
}
