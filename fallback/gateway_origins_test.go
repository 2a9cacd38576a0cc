package fallback_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/middleware"
)

// ownOnly is a check that wants an Origin.
func ownOnly(r *http.Request) error {
	if r.Header.Get("Origin") != "http://"+r.Host {
		return errors.New("not ours")
	}
	return nil
}

// TestGatewayOrigins: a page that may open sockets may open sessions, and no other one,
// where the fallback's own options name none.
func TestGatewayOrigins(t *testing.T) {
	const shop, evil, own = "https://shop.example", "https://evil.example", "own"
	for _, test := range []struct {
		name    string
		gateway nethttp.Options
		own     fallback.Options
		want    map[string]bool // by the page's origin
	}{
		{"a list", nethttp.Options{Origins: []string{shop}}, fallback.Options{},
			map[string]bool{shop: true, evil: false, "": true}},
		{"a check", nethttp.Options{CheckOrigin: ownOnly}, fallback.Options{},
			map[string]bool{shop: false, evil: false, own: true}},
		{"no check", nethttp.Options{InsecureSkipOriginCheck: true}, fallback.Options{},
			map[string]bool{shop: true, evil: true, own: true, "": true}},
		{"nothing", nethttp.Options{}, fallback.Options{},
			map[string]bool{shop: false, evil: false, own: true, "": true}},
	} {
		for how, mount := range mounts {
			t.Run(test.name+", "+how, func(t *testing.T) {
				options := test.gateway
				options.Logger, test.own.Logger = silent, silent
				app := serve(t, new(host).echo(), test.own)
				server := httptest.NewServer(mount(app, options))
				defer server.Close()
				defer server.Client().CloseIdleConnections()
				for page, want := range test.want {
					if page == own {
						page = server.URL
					}
					socket, session := opensSocket(t, server.URL, page), opensSession(t, server, page)
					if socket != want || session != want {
						t.Errorf("%q: a socket opens: %t, a session: %t, want %t", page, socket, session, want)
					}
				}
				if err := app.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// mounts are ways to have an app behind a gateway.
var mounts = map[string]func(app parley.App, options nethttp.Options) http.Handler{
	"live": func(app parley.App, options nethttp.Options) http.Handler { return nethttp.Handler(app, options) },
	"below middleware": func(app parley.App, options nethttp.Options) http.Handler {
		pass := nethttp.Middleware(func(next http.Handler) http.Handler { return next })
		limit := middleware.MessageLimit(100)
		return nethttp.Handler(parley.Chain(app, middleware.AccessLog(middleware.AccessLogOptions{
			Logger: silent}), pass, limit), options)
	},
	"at a gin route": func(app parley.App, options nethttp.Options) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.Any("/", parleygin.Handler(app, options))
		return engine
	},
}

func opensSocket(t *testing.T, url, page string) bool {
	t.Helper()
	header := http.Header{}
	if page != "" {
		header.Set("Origin", page)
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+url[len("http"):], header)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// opensSession asks as a browser does, whose own pages send no Origin.
func opensSession(t *testing.T, server *httptest.Server, page string) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	switch page {
	case "":
	case server.URL:
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	default:
		r.Header.Set("Origin", page)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
