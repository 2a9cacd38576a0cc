package nethttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/router"
)

var socketOnly = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	return ws.Close(ctx, parley.CloseNormal, "")
})

// Whoever opens a socket's address in a browser has found the right one, and is told.
func TestPlainRequestToASocket(t *testing.T) {
	for _, row := range []struct {
		name string
		app  parley.App
	}{
		{"alone", socketOnly},
		{"a consumer", consumer.New(func() *struct{} { return nil })},
		{"by protocol", router.Protocols{parley.WebSocket: echo}},
		{"below middleware", parley.Chain(socketOnly, five...)},
		{"below middleware that wraps", parley.Chain(socketOnly, wrapping)},
		{"below middleware of net/http", parley.Chain(socketOnly, nethttp.Middleware(through))},
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			t.Run(row.name+"/"+method, func(t *testing.T) {
				server := httptest.NewServer(nethttp.Handler(row.app, nethttp.Options{Logger: silent}))
				defer server.Close()
				r, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				response, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				body, _ := io.ReadAll(response.Body)
				told := strings.Contains(string(body), "ws://")
				if response.StatusCode != http.StatusUpgradeRequired ||
					response.Header.Get("Upgrade") != "websocket" || told == (method == "HEAD") {
					t.Errorf("%d %v %q", response.StatusCode, response.Header, body)
				}
			})
		}
	}
}
