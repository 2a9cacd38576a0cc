// Command service is a whole service for production: a gin project with news that
// whoever is logged in may send and hear. The files in deploy run it; to try it:
//
//	go run ./examples/service
//	curl -c jar -d name=ann http://127.0.0.1:8080/login
//	curl -b jar -N -H 'Accept: text/event-stream' http://127.0.0.1:8080/news &
//	curl -b jar -d 'hello, all' http://127.0.0.1:8080/news
//
// Metrics are at /metrics, the inspector is at /debug/parley/.
package main

import (
	"cmp"
	"context"
	"log"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/channel"
	parleyprometheus "github.com/parleygo/parley/contrib/prometheus"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
	"github.com/parleygo/parley/server/inspect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	layer := channel.New(channel.Options{})
	login := newLogin(layer)
	r := gin.New()
	r.POST("/login", gin.WrapF(login.enter))
	r.POST("/logout", gin.WrapF(login.leave))
	r.GET("/me", gin.WrapF(me))
	r.POST("/news", parleygin.Handler(login.require(publish(layer))))
	r.GET("/news", parleygin.Handler(login.require(follow(layer))))

	r.GET("/metrics", gin.WrapH(promhttp.Handler()))
	r.Any("/debug/parley/*page", gin.WrapH(inspect.Handler(inspect.Options{
		Layers: map[string]*channel.Layer{"news": layer},
	})))

	app := parley.Chain(parleygin.App(r), login.stack)
	hooks := parley.LifespanHooks{Shutdown: layer.Close, ShutdownTimeout: 5 * time.Second}
	service := server.New(router.Protocols{
		parley.HTTP: app, parley.WebSocket: app, parley.Lifespan: hooks,
	}, server.Options{
		Addr:       cmp.Or(os.Getenv("LISTEN"), ":8080"),
		HealthPath: "/healthz", ReadyPath: "/readyz",
		ReadyDelay: readyDelay(), DrainTimeout: 20 * time.Second,
	})
	prometheus.MustRegister(parleyprometheus.New(parleyprometheus.Options{Server: service}))
	if err := service.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
