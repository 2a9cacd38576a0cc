package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/router"
)

// tellTrailers answers with the body and the trailers of a request.
var tellTrailers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %v %v.", body, err, r.Trailer)
})

// A handler sees the trailers of its request, declared or not, whoever above it has made
// a copy of that.
func TestRequestTrailers(t *testing.T) {
	app := nethttp.App(tellTrailers)
	mounted := new(router.URLs)
	mounted.Mount("/x", app)
	below := func(m parley.Middleware) http.Handler { return nethttp.Handler(m(app)) }
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{Trust: []string{"127.0.0.1"}})
	for name, handler := range map[string]http.Handler{
		"net/http":       tellTrailers,
		"App":            nethttp.Handler(app),
		"Mount":          nethttp.Handler(mounted),
		"Middleware":     below(nethttp.Middleware(func(next http.Handler) http.Handler { return next })),
		"Timeout":        below(middleware.Timeout(time.Hour, middleware.TimeoutOptions{})),
		"RequestID":      below(middleware.RequestID(middleware.RequestIDOptions{})),
		"Echo":           below(middleware.RequestID(middleware.RequestIDOptions{Echo: true})),
		"TrustedProxies": below(proxies.Wrap),
		"another scope":  below(cloning),
		"AccessLogHandler": middleware.AccessLogHandler(middleware.AccessLogOptions{
			Record: func(context.Context, *middleware.Access) {},
		})(nethttp.Handler(app)),
	} {
		server := adaptertest.Serve(t, handler)
		for _, declared := range []string{"", "Trailer: X-Sum\r\n"} {
			got := server.Exchange("POST /x/y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+declared+
				"X-Forwarded-For: 192.0.2.1\r\nTransfer-Encoding: chunked\r\n\r\n"+
				"4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n", "")
			if !strings.HasSuffix(got, "\r\n\r\nbody <nil> map[X-Sum:[42]].") {
				t.Errorf("below %s, declared by %q: %s", name, declared, got)
			}
		}
	}
}
