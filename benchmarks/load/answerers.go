//go:build unix

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/router"
	kitserver "github.com/parleygo/parley/server"
)

// answerers are servers of one API: a hundred routes with a method and two wildcards
// each, which answer with what the wildcards stand for.
var answerers = map[string]func() server{
	"http/mux":     func() server { return server{handler: muxAPI()} },
	"http/chi":     func() server { return server{handler: chiAPI()} },
	"http/gin":     func() server { return server{handler: ginAPI()} },
	"http/bounded": boundedGin,
	"http/run":     runGin,
	"http/tower":   func() server { return kitAPI(tower(ginAPI())) },
	"http/router":  routed,
	"http/events":  func() server { return server{handler: eventsMux()} },
}

func kitAPI(app parley.App) server { return server{handler: nethttp.Handler(app)} }

const routes = 100

// question is a request, and what it is answered with.
func question(i int) (path, answer string) {
	return fmt.Sprintf("/r%d/users/%d/parts/%d", i%routes, i, i+1), fmt.Sprintf("%d of %d", i+1, i)
}

var textPlain = []string{"text/plain"}

func parts(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = textPlain
	w.Write([]byte(r.PathValue("part") + " of " + r.PathValue("id")))
}

// pattern is a route as net/http and the kit's router write it.
func pattern(i int) string { return "GET /r" + strconv.Itoa(i) + "/users/{id}/parts/{part}" }

func muxAPI() *http.ServeMux {
	mux := http.NewServeMux()
	for i := range routes {
		mux.HandleFunc(pattern(i), parts)
	}
	return mux
}

// eventsMux is the same API as apps in events.
func eventsMux() *http.ServeMux {
	mux := http.NewServeMux()
	for i := range routes {
		mux.Handle(pattern(i), nethttp.Handler(parley.AppFunc(events)))
	}
	return mux
}

func events(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	body := []byte(scope.PathValue("part") + " of " + scope.PathValue("id"))
	return parley.Respond(ctx, conn, http.StatusOK, http.Header{"Content-Type": textPlain}, body)
}

// routed has ServeMux's handlers.
func routed() server {
	return kitAPI(kitRoutes(new(router.URLs), nethttp.App(http.HandlerFunc(parts))))
}

// fromScope is a router whose apps ask the scope, and not its request.
func fromScope() *router.URLs { return &router.URLs{ScopeValues: true} }

func kitRoutes(urls *router.URLs, app parley.App) *router.URLs {
	for i := range routes {
		urls.Handle(pattern(i), app)
	}
	return urls
}

func chiAPI() http.Handler {
	mux := chi.NewRouter()
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = textPlain
		w.Write([]byte(chi.URLParam(r, "part") + " of " + chi.URLParam(r, "id")))
	}
	for i := range routes {
		mux.Get("/r"+strconv.Itoa(i)+"/users/{id}/parts/{part}", answer)
	}
	return mux
}

func ginAPI() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	for i := range routes {
		engine.GET("/r"+strconv.Itoa(i)+"/users/:id/parts/:part", func(c *gin.Context) {
			c.Writer.Header()["Content-Type"] = textPlain
			c.Writer.Write([]byte(c.Param("part") + " of " + c.Param("id")))
		})
	}
	return engine
}

// boundedGin has the limits of time that package server sets.
func boundedGin() server {
	plain := &http.Server{
		Handler: ginAPI(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	return server{serve: func(l net.Listener) { plain.Serve(l) }}
}

func runGin() server {
	return server{serve: func(l net.Listener) {
		kitserver.Run(context.Background(), parleygin.App(ginAPI()), kitserver.Options{
			Logger:    slog.New(slog.DiscardHandler),
			Listeners: []kitserver.Listener{{Socket: l}}, Serving: func(net.Addr) {},
		})
	}}
}

// tower puts an engine under two routers and ten middlewares that decide: the usual
// guards of a site, some of them twice, as for the site and for a part of it.
func tower(engine *gin.Engine) parley.App {
	urls := new(router.URLs)
	urls.Handle("/", parley.Chain(parleygin.App(engine), deciders()[5:]...))
	protocols := router.Protocols{parley.HTTP: urls, parley.WebSocket: urls}
	return parley.Chain(protocols, deciders()[:5]...)
}

func deciders() []parley.Middleware {
	origin := func(options middleware.OriginOptions) parley.Middleware {
		return middleware.NewOrigin(options).Wrap
	}
	return []parley.Middleware{
		middleware.NewTrustedProxies(middleware.ProxiesOptions{
			Trust: []string{"10.0.0.0/8", "172.16.0.0/12"},
		}).Wrap,
		middleware.Recover(middleware.RecoverOptions{}),
		middleware.NewHosts(middleware.HostsOptions{
			Allow: []string{"example.org", ".example.com"},
		}).Wrap,
		origin(middleware.OriginOptions{}),
		middleware.NewRateLimit(middleware.RateLimitOptions{
			Handshakes: middleware.Rate{PerSecond: 5}, Messages: middleware.Rate{PerSecond: 20},
		}).Wrap,
		origin(middleware.OriginOptions{Allow: []string{"https://.example.com"}, CheckReads: true}),
		origin(middleware.OriginOptions{Allow: []string{"https://example.com"}, ReportOnly: true}),
		middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 1 << 20}).Wrap,
		middleware.MessageLimit(1 << 16),
		middleware.Check(func(*parley.Scope) error { return nil }, nil),
	}
}
