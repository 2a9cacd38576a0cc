package router_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

// echo is an app for sockets alone.
var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	return ws.Accept(ctx, parley.WebSocketAccept{})
})

// A plain request to a route for sockets hears what it would take. Whatever else an
// app refuses is the app's own affair.
func TestPlainRequestToASocket(t *testing.T) {
	unsupported := func(protocol parley.Protocol) parley.App {
		return parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error {
			return &parley.UnsupportedProtocolError{Protocol: protocol}
		})
	}
	answered := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if err := parley.Respond(ctx, conn, 200, nil, []byte("fine")); err != nil {
			return err
		}
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	})
	for _, test := range []struct {
		name, target string
		app          parley.App
		major, minor int
		status       int
		upgrade      string
	}{
		{"HTTP/1.1", "/live", echo, 1, 1, 426, "websocket"},
		{"HTTP/1.0", "/live", echo, 1, 0, 426, ""},
		{"HTTP/2", "/live", echo, 2, 0, 426, ""},
		{"POST", "POST /live", echo, 1, 1, 426, "websocket"},
		{"below a mount", "/m/live", echo, 1, 1, 426, "websocket"},
		{"by protocol", "/live", router.Protocols{parley.WebSocket: echo}, 1, 1, 426, "websocket"},
		{"no route", "/nope", echo, 1, 1, 404, ""},
		{"another protocol refused", "/live", unsupported(parley.Channel), 1, 1, 404, ""},
		{"refused after an answer", "/live", answered, 1, 1, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var u, inner router.URLs
			u.Handle("/live", test.app)
			inner.Handle("/live", test.app)
			u.Mount("/m", &inner)
			r := scopeFor(test.target).Request
			r.ProtoMajor, r.ProtoMinor = test.major, test.minor
			got := parleytest.Do(t, &u, r)
			if got.Status != test.status || got.Header.Get("Upgrade") != test.upgrade {
				t.Errorf("%d %v %q, want %d", got.Status, got.Header, got.Body, test.status)
			}
			if test.status == 426 && (got.Err != nil || !strings.Contains(got.Body, "WebSocket")) {
				t.Errorf("%q, %v", got.Body, got.Err)
			}
		})
	}
}

// A socket that an app refuses is denied as before.
func TestSocketToAnAppForPlainRequests(t *testing.T) {
	var u router.URLs
	u.Handle("/page", router.Methods{Get: nothing})
	err := u.Serve(t.Context(), scopeFor("ws:/page"), new(tape))
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}

func TestPlainRequestToASocketOnTheWire(t *testing.T) {
	var u router.URLs
	u.Handle("/live", echo)
	server := httptest.NewServer(nethttp.Handler(&u))
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusUpgradeRequired ||
		response.Header.Get("Upgrade") != "websocket" ||
		response.Header.Get("Connection") != "Upgrade" || !strings.Contains(string(body), "ws://") {
		t.Errorf("%d %v %q", response.StatusCode, response.Header, body)
	}
}
