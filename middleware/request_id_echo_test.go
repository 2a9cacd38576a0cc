package middleware_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

// TestRequestIDOnEveryAnswer: an answer that the gateway gives in the place of an app has
// the id too, on a handshake as on a request; an app's own goes before it.
func TestRequestIDOnEveryAnswer(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	returning := func(err error) parley.App {
		return parley.AppFunc(func(context.Context, *parley.Scope, parley.Conn) error { return err })
	}
	saying := func(header http.Header) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return parley.Answer(ctx, scope, conn, 418, header.Clone(), nil)
		})
	}
	answering, own := saying(nil), saying(http.Header{"x-request-id": {"own"}})
	id := middleware.RequestID(middleware.RequestIDOptions{Echo: true})
	timeout := middleware.Timeout(time.Hour, middleware.TimeoutOptions{})
	recovering := middleware.Recover(middleware.RecoverOptions{Logger: silent})
	other := middleware.RequestID(middleware.RequestIDOptions{
		Header: "X-Other", Echo: true, New: func() string { return "other" },
	})
	for _, c := range []struct {
		name   string
		app    parley.App
		status int
		want   string
	}{
		{"error", parley.Chain(returning(errInner), id), 500, "id"},
		{"not found", parley.Chain(returning(parley.ErrNotFound), id), 404, "id"},
		{"nothing", parley.Chain(returning(nil), id), 500, "id"},
		{"panic", parley.Chain(panicking(nil), id), 500, "id"},
		{"own", parley.Chain(own, id), 418, "own"},
		{"own below two", parley.Chain(own, id, other), 418, "own"},
		{"own below a wrapper", parley.Chain(own, timeout, id), 418, "own"},
		{"answer", parley.Chain(answering, id), 418, "id"},
		{"answer below a wrapper", parley.Chain(answering, timeout, id), 418, "id"},
		{"error above a wrapper", parley.Chain(returning(errInner), id, timeout), 500, "id"},
		{"recovered", parley.Chain(panicking(nil), id, timeout, recovering), 500, "id"},
	} {
		for _, handshake := range []bool{false, true} {
			r := get("/", "X-Request-Id", "id")
			if handshake {
				r = get("/", "X-Request-Id", "id", "Connection", "Upgrade", "Upgrade", "websocket",
					"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			}
			w := httptest.NewRecorder()
			nethttp.Handler(c.app, nethttp.Options{Logger: silent}).ServeHTTP(w, r)
			got := w.Header()["X-Request-Id"]
			if w.Code != c.status || !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s, handshake %t: %d with %q", c.name, handshake, w.Code, got)
			}
		}
	}
}
