// Package parleyprometheus shows Prometheus what a Parley program does: its gateways
// and WebSockets, clients without a socket, connections, bridges and channel layers.
//
//	package main
//
//	import (
//		"context"
//		"log"
//
//		"github.com/parleygo/parley/adapters/nethttp"
//		parleyprometheus "github.com/parleygo/parley/contrib/prometheus"
//		"github.com/parleygo/parley/router"
//		"github.com/parleygo/parley/server"
//		"github.com/prometheus/client_golang/prometheus"
//		"github.com/prometheus/client_golang/prometheus/promhttp"
//	)
//
//	func main() {
//		registry := prometheus.NewRegistry()
//		metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
//		routes := new(router.URLs)
//		routes.Handle("/metrics", nethttp.App(metrics)) // or on a port of its own
//		service := server.New(routes, server.Options{Addr: "127.0.0.1:8080"})
//		registry.MustRegister(parleyprometheus.New(parleyprometheus.Options{Server: service}))
//		if err := service.Start(context.Background()); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # What there is
//
// Everything begins with parley_. Figures are read when Prometheus asks for them, and
// nothing happens otherwise: the program counts anyway, at some nanoseconds a request
// or message. All labels are bounded and the kit's own, such as close codes and causes,
// or names that Options gives: nothing that a client sends becomes one.
//
// parley_http_request_duration_seconds has one request in sixteen: its rates are to be
// compared with each other, and parley_http_requests_total counts all. Status codes are
// not told, since a handler that Parley only hands on to answers the server directly;
// promhttp's InstrumentHandler functions go around it with nethttp.Middleware.
package parleyprometheus
