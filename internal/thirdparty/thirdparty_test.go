package thirdparty

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is a safety net for what must come.
const patience = 2 * time.Minute

// gateway is a silent Handler.
func gateway(app parley.App, list ...nethttp.Options) *nethttp.Gateway {
	options := append(list, nethttp.Options{})[0]
	options.Logger = slog.New(slog.DiscardHandler)
	return nethttp.Handler(app, options)
}

// answer is an HTTP answer as text.
func answer(t *testing.T, h http.Handler, method, path string, header ...string) string {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequest(method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	response.Header.Del("Date")
	fmt.Fprintln(&text, response.Status)
	response.Header.Write(&text)
	fmt.Fprintf(&text, "\r\n%s", body)
	return text.String()
}

// hello answers an HTTP request in events.
var hello = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	text := fmt.Sprintf("hello %s at %s", scope.PathValue("name"), scope.Request.URL.Path)
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	return parley.Respond(ctx, conn, http.StatusOK, header, []byte(text))
})

// echo says again what it hears. It speaks "v2" to those who offer it.
var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	var accept parley.WebSocketAccept
	for _, offer := range ws.Scope().Subprotocols {
		if offer == "v2" {
			accept.Subprotocol = offer
		}
	}
	if ws.Scope().Request.URL.Path == "/denied" {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: 418, Body: []byte("teapot")})
	}
	if err := ws.Accept(ctx, accept); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if message.Text() == "close me" {
			return ws.Close(ctx, 4001, "as you wish")
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type,
			Data: message.Data}); err != nil {
			return err
		}
	}
})

// both serves hello to requests and echo to sockets.
var both = parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol == parley.WebSocket {
		return echo.Serve(ctx, scope, conn)
	}
	return hello.Serve(ctx, scope, conn)
})

// wrapping hands on a conn of its own, so that all below runs over events.
func wrapping(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
}

// deciding passes the conn on as it is.
func deciding(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope.Clone(), conn)
	})
}
