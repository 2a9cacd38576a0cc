package middleware_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func TestRequestID(t *testing.T) {
	for _, test := range []struct {
		name    string
		inbound []string
		kept    bool
	}{
		{"none", nil, false},
		{"kept", []string{"0af7651916cd43dd8448eb211c80319c"}, true},
		{"empty", []string{""}, false},
		{"two", []string{"a", "b"}, false},
		{"newline", []string{"a\nb"}, false},
		{"space", []string{"a b"}, false},
		{"non-ASCII", []string{"ä"}, false},
		{"longest", []string{strings.Repeat("a", 128)}, true},
		{"too long", []string{strings.Repeat("a", 129)}, false},
		{"huge", []string{strings.Repeat("a", 10<<20)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
				got = middleware.RequestIDFrom(ctx)
				return parley.Respond(ctx, conn, 200, nil, nil)
			})
			r := get("/")
			r.Header["X-Request-Id"] = test.inbound
			echo := middleware.RequestID(middleware.RequestIDOptions{Echo: true})
			response := parleytest.Do(t, echo(app), r)
			if kept := len(test.inbound) > 0 && got == test.inbound[0]; kept != test.kept || got == "" {
				t.Errorf("id %.40q", got)
			}
			if echo := response.Header.Get("X-Request-Id"); echo != got {
				t.Errorf("echo %.40q, want %.40q", echo, got)
			}
		})
	}
}

func TestRequestIDOptions(t *testing.T) {
	options := middleware.RequestIDOptions{
		Header: "x-trace", Ignore: true, Echo: true, New: func() string { return "new" },
	}
	ws := parleytest.Dial(t, middleware.RequestID(options)(new(inner)), get("/", "X-Trace", "old"))
	if got := ws.Accept().Header.Get("X-Trace"); got != "new" {
		t.Errorf("echo %q", got)
	}
	if id := middleware.RequestIDFrom(t.Context()); id != "" {
		t.Errorf("id %q without middleware", id)
	}
	passesOthers(t, middleware.RequestID(middleware.RequestIDOptions{}))
}
