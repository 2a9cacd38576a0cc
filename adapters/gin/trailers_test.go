package parleygin_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"

	parleygin "github.com/parleygo/parley/adapters/gin"
)

// A handler behind gin sees trailers that its client has not declared, too: they come
// into gin's own request, of which it has a copy.
func TestRequestTrailers(t *testing.T) {
	app := nethttp.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v %v.", body, err, r.Trailer)
	}))
	engine := gin.New()
	engine.POST("/:id", parleygin.Handler(app))
	for name, handler := range map[string]http.Handler{
		"Handler":    engine,
		"Middleware": nethttp.Handler(parleygin.Middleware(func(*gin.Context) {})(app)),
	} {
		got := adaptertest.Serve(t, handler).Exchange("POST /x HTTP/1.1\r\nHost: a\r\n"+
			"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"+
			"4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n", "")
		if !strings.HasSuffix(got, "\r\n\r\nbody <nil> map[X-Sum:[42]].") {
			t.Errorf("below %s: %s", name, got)
		}
	}
}
