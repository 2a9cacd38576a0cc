package middleware_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/testlog"
	"github.com/parleygo/parley/middleware"
)

// panickers are apps that panic, at each moment at which one can.
var panickers = map[string]parley.App{
	"a handler": nethttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })),
	"a handler with its answer begun": nethttp.App(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic("boom")
		})),
	"an app": panicking(nil),
	"an app with its answer begun": panicking(func(ctx context.Context, conn parley.Conn) {
		conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("half"), More: true})
	}),
	"a socket": panicking(func(ctx context.Context, conn parley.Conn) {
		conn.Send(ctx, parley.WebSocketAccept{})
	}),
}

// TestOnePanicIsOneLine: what Recover has logged nobody logs again, neither the gateway
// nor net/http.
func TestOnePanicIsOneLine(t *testing.T) {
	for name, app := range panickers {
		for how, wrap := range map[string]parley.Middleware{
			"live": func(next parley.App) parley.App { return next },
			"wrapped": func(next parley.App) parley.App {
				return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
					return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
				})
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				var lines testlog.Lines
				logger := slog.New(slog.NewTextHandler(&lines, nil))
				app := wrap(middleware.Recover(middleware.RecoverOptions{Logger: logger})(app))
				gateway := nethttp.Handler(app, nethttp.Options{Logger: logger})
				server := httptest.NewUnstartedServer(gateway)
				server.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelError)
				server.Start()
				if name == "a socket" {
					knock(t, server.URL)
				} else if answer, err := server.Client().Get(server.URL); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				if err := gateway.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				server.Client().CloseIdleConnections()
				server.Close()
				got := strings.Count(lines.String(), "level=ERROR")
				if strings.Contains(lines.String(), "http: superfluous") {
					got-- // the answer in place of one that had begun, to net/http's regret
				}
				if got != 1 {
					t.Errorf("%d lines:\n%s", got, lines.String())
				}
			})
		}
	}
}

// knock opens a socket and waits for its end.
func knock(t *testing.T, url string) {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 1011) {
		t.Errorf("the socket ended with %v", err)
	}
}
