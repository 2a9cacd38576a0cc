package router_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

func says(text string) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte(text))
	})
}

// B3.2: class-based views.
func TestMethods(t *testing.T) {
	view := router.Methods{Get: says("got"), Post: says("posted")}
	headed := router.Methods{Get: says("got"), Head: says("headed"), Options: says("opted")}
	all := router.Methods{Get: says("g"), Put: says("put"), Patch: says("patch"), Delete: says("del")}
	const refused, everything = "Method Not Allowed\n", "OPTIONS, GET, HEAD, PUT, PATCH, DELETE"
	for _, test := range []struct {
		app    router.Methods
		method string
		status int
		body   string
		allow  string
	}{
		{view, "GET", 200, "got", ""},
		{view, "POST", 200, "posted", ""},
		{view, "HEAD", 200, "", ""},
		{view, "OPTIONS", 204, "", "OPTIONS, GET, HEAD, POST"},
		{view, "PUT", 405, refused, "OPTIONS, GET, HEAD, POST"},
		{view, "BREW", 405, refused, "OPTIONS, GET, HEAD, POST"},
		{headed, "HEAD", 200, "", ""},
		{headed, "OPTIONS", 200, "opted", ""},
		{all, "PUT", 200, "put", ""},
		{all, "PATCH", 200, "patch", ""},
		{all, "DELETE", 200, "del", ""},
		{all, "POST", 405, refused, everything},
		{router.Methods{Head: says("")}, "GET", 405, refused, "OPTIONS, HEAD"},
		{router.Methods{}, "GET", 405, refused, "OPTIONS"},
		{router.Methods{}, "OPTIONS", 204, "", "OPTIONS"},
	} {
		got := parleytest.Do(t, test.app, httptest.NewRequest(test.method, "/", nil))
		allow := got.Header.Get("Allow")
		if got.Status != test.status || got.Body != test.body || allow != test.allow || got.Err != nil {
			t.Errorf("%s: %d %q %q, %v", test.method, got.Status, got.Body, got.Header, got.Err)
		}
	}
}

func TestMethodsRefusesProtocols(t *testing.T) {
	view := router.Methods{Get: says("got")}
	for _, protocol := range []parley.Protocol{parley.WebSocket, parley.Channel, ""} {
		conn := new(tape)
		err := view.Serve(t.Context(), &parley.Scope{Protocol: protocol}, conn)
		if !errors.Is(err, errors.ErrUnsupported) || len(conn.sent) > 0 {
			t.Errorf("%q: %v, sent %v", protocol, err, conn.sent)
		}
	}
}

// A8: every distinct app of a view hears of the lifespan, once.
func TestMethodsLifespan(t *testing.T) {
	var l logbook
	read, write := l.good("read"), l.good("write")
	view := router.Methods{Get: read, Head: read, Post: write, Delete: write}
	for _, app := range []parley.App{view, router.Protocols{parley.HTTP: view}} {
		l.lines = nil
		answers, err := life(t, app)
		want := []string{"read hears startup", "write hears startup",
			"write hears shutdown", "write returns", "read hears shutdown", "read returns"}
		if !slices.Equal(answers, []parley.Event{started, stopped}) || !slices.Equal(l.lines, want) ||
			err != nil {
			t.Errorf("%v, %v, %q", answers, err, l.lines)
		}
	}
}
