package nethttp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// TestConnectionEndsWithRefusedHandshake: nothing that follows a handshake which is refused
// is served, whoever refuses it.
func TestConnectionEndsWithRefusedHandshake(t *testing.T) {
	accepting := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return conn.Send(ctx, parley.WebSocketAccept{})
	})
	saying := func(events ...parley.Event) parley.App {
		return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			return sendAll(ctx, conn, events...)
		})
	}
	forbidding := nethttp.Middleware(func(http.Handler) http.Handler {
		return serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	})
	draining := gateway(accepting)
	if err := draining.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	foreign := []string{"Origin: https://evil.test"}
	for name, c := range map[string]struct {
		gateway *nethttp.Gateway
		header  []string
		want    string
	}{
		"version":  {gateway(accepting), []string{"Sec-WebSocket-Version: 12"}, "426"},
		"draining": {draining, nil, "503"},
		"origins":  {gateway(accepting, nethttp.Options{Origins: []string{"example.test"}}), foreign, "403"},
		"foreign":  {gateway(accepting), foreign, "403"},
		"denied": {gateway(saying(parley.WebSocketDeny{Status: 401,
			Header: http.Header{"Connection": {"keep-alive"}}})), nil, "401"},
		"streamed": {gateway(saying(parley.WebSocketResponseStart{Status: 401},
			parley.WebSocketResponseBody{Body: []byte("no")})), nil, "401"},
		"closed":     {gateway(saying(parley.WebSocketClose{})), nil, "403"},
		"unanswered": {gateway(saying()), nil, "500"},
		"failed":     {gateway(failing), nil, "500"},
		"middleware": {gateway(forbidding(accepting)), nil, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			handshake := "GET / HTTP/1.1\r\nHost: example.test\r\n" +
				strings.Join(append(c.header, upgrade...), "\r\n") + "\r\n\r\n"
			got := adaptertest.Serve(t, c.gateway).Exchange(handshake+getting("/"), "")
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.want) || strings.Count(got, "HTTP/1.1 ") != 1 ||
				strings.Count(got, "Connection: ") != 1 || !strings.Contains(got, "Connection: close\r\n") {
				t.Errorf("got %q, want %s and the end", got, c.want)
			}
		})
	}
	t.Run("HTTP/1.0", func(t *testing.T) {
		got := adaptertest.Serve(t, gateway(accepting)).Exchange("GET / HTTP/1.0\r\nUpgrade: websocket\r\n"+
			"Connection: keep-alive, Upgrade\r\n\r\n"+getting("/"), "")
		if !strings.HasPrefix(got, "HTTP/1.0 426") || strings.Contains(got, "HTTP/1.1 ") ||
			!strings.Contains(got, "Upgrade: websocket\r\n") {
			t.Errorf("got %q", got)
		}
	})
}

var failing = parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
	return errors.New("no")
})
