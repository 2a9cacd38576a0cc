package nethttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
)

// A scope serves many requests. What a router has put into it and has not taken back is
// not for the next.
func TestCapturesOfEarlierRequests(t *testing.T) {
	handler := nethttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	gateway := nethttp.Handler(parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		if value := scope.PathValue("id"); value != "" {
			t.Errorf("%s begins with %q", scope.Request.URL, value)
		}
		scope.Capture([]string{"id"}, []string{scope.Request.URL.Path})
		switch scope.Request.URL.Path {
		case "/events":
			return parley.Respond(ctx, conn, http.StatusOK, nil, nil)
		case "/handler":
			return handler.Serve(ctx, scope, conn)
		}
		return parley.ErrNotFound
	}))
	for range 3 {
		for _, path := range []string{"/events", "/handler", "/error"} {
			gateway.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		}
	}
}
