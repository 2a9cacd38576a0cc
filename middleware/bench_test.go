package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

// deciders are ten that have nothing to do but decide: the usual guards of a site,
// some of them twice, as for the site and for one of its routes.
func deciders() []parley.Middleware {
	proxies := middleware.NewTrustedProxies(middleware.ProxiesOptions{
		Trust: []string{"10.0.0.0/8", "172.16.0.0/12"},
	})
	hosts := middleware.NewHosts(middleware.HostsOptions{
		Allow: []string{"example.org", ".example.com"},
	})
	site := middleware.NewOrigin(middleware.OriginOptions{})
	route := middleware.NewOrigin(middleware.OriginOptions{
		Allow: []string{"https://.example.com"}, CheckReads: true,
	})
	trial := middleware.NewOrigin(middleware.OriginOptions{
		Allow: []string{"https://example.com"}, ReportOnly: true,
	})
	rate := middleware.NewRateLimit(middleware.RateLimitOptions{
		Handshakes: middleware.Rate{PerSecond: 5}, Messages: middleware.Rate{PerSecond: 20},
	})
	body := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 1 << 20})
	own := middleware.Check(func(scope *parley.Scope) error { return nil }, nil)
	return []parley.Middleware{
		proxies.Wrap, middleware.Recover(middleware.RecoverOptions{}), hosts.Wrap, site.Wrap,
		route.Wrap, trial.Wrap, rate.Wrap, body.Wrap, middleware.MessageLimit(1 << 16), own,
	}
}

func ginEngine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/users/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	return engine
}

// nowhere is a ResponseWriter that costs nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header       { return w.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

func userRequest() *http.Request {
	r := httptest.NewRequest("GET", "http://www.example.com/users/7", nil)
	r.Header.Set("User-Agent", "bench")
	return r
}

// Ten that decide cost gin no allocation: what is native stays native.
func TestAllocsOfTenDeciders(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	engine := ginEngine()
	handler := nethttp.Handler(parley.Chain(parleygin.App(engine), deciders()...))
	w, r := nowhere{make(http.Header)}, userRequest()
	plain := testing.AllocsPerRun(200, func() { engine.ServeHTTP(w, r) })
	got := testing.AllocsPerRun(200, func() { handler.ServeHTTP(w, r) })
	if got != plain {
		t.Errorf("%v allocations, gin alone has %v", got, plain)
	}
}

// The checks of a handshake allocate nothing either.
func TestAllocsOfHandshakeChecks(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	nothing := func(context.Context, *parley.Scope, parley.Conn) error { return nil }
	app := parley.Chain(parley.AppFunc(nothing),
		middleware.NewHosts(middleware.HostsOptions{Allow: []string{".example.com"}}).Wrap,
		middleware.NewOrigin(middleware.OriginOptions{
			Allow: []string{"https://a.example", "https://.example.com"},
		}).Wrap,
		middleware.NewRateLimit(middleware.RateLimitOptions{
			Handshakes: middleware.Rate{PerSecond: 1e9, Burst: 1e9},
		}).Wrap)
	r := userRequest()
	r.Header.Set("Origin", "https://www.example.com")
	scope := &parley.Scope{Protocol: parley.WebSocket, Request: r}
	ctx := t.Context()
	if got := testing.AllocsPerRun(200, func() { _ = app.Serve(ctx, scope, nil) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// What ten that decide add to gin: the difference of the first two. A RateLimit of
// requests has to count, too; the third shows what that costs.
func BenchmarkTenDeciders(b *testing.B) {
	engine := ginEngine()
	run := func(name string, handler http.Handler) {
		b.Run(name, func(b *testing.B) {
			w, r := nowhere{make(http.Header)}, userRequest()
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(w, r)
			}
		})
	}
	run("gin", engine)
	run("ten-gin", nethttp.Handler(parley.Chain(parleygin.App(engine), deciders()...)))
	limit := middleware.NewRateLimit(middleware.RateLimitOptions{
		Requests: middleware.Rate{PerSecond: 1e9, Burst: 1e9}, Connections: 1e6,
	})
	run("limit-gin", nethttp.Handler(parley.Chain(parleygin.App(engine), limit.Wrap)))
	run("none-gin", nethttp.Handler(parley.Chain(parleygin.App(engine), middleware.Check(
		func(*parley.Scope) error { return nil }, nil))))
}
