package consumer_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

func says(text string) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	})
}

// B3.2: class-based views.
func TestMethods(t *testing.T) {
	view := consumer.Methods{Get: says("got"), Post: says("posted")}
	headed := consumer.Methods{Get: says("got"), Head: says("headed"), Options: says("opted")}
	for _, test := range []struct {
		app    consumer.Methods
		method string
		status int
		body   string
		allow  string
	}{
		{view, "GET", 200, "got", ""},
		{view, "POST", 200, "posted", ""},
		{view, "HEAD", 200, "", ""},
		{view, "OPTIONS", 204, "", "OPTIONS, GET, HEAD, POST"},
		{view, "PUT", 405, "Method Not Allowed\n", "OPTIONS, GET, HEAD, POST"},
		{view, "BREW", 405, "Method Not Allowed\n", "OPTIONS, GET, HEAD, POST"},
		{headed, "HEAD", 200, "", ""},
		{headed, "OPTIONS", 200, "opted", ""},
		{consumer.Methods{}, "GET", 405, "Method Not Allowed\n", "OPTIONS"},
	} {
		got := parleytest.Do(t, test.app, httptest.NewRequest(test.method, "/", nil))
		if got.Status != test.status || got.Body != test.body || got.Header.Get("Allow") != test.allow || got.Err != nil {
			t.Errorf("%s: %d %q %q, %v", test.method, got.Status, got.Body, got.Header, got.Err)
		}
	}
	if err := view.Serve(t.Context(), &parley.Scope{Protocol: parley.WebSocket}, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("websocket: %v", err)
	}
}
