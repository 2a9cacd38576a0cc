// Package server runs an app as a process: it starts the app before the first
// client is accepted, serves it on any number of sockets, and when the process is
// told to go it lets everybody finish, in order and within a time.
//
//	package main
//
//	import (
//		"context"
//		"log"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/server"
//	)
//
//	func main() {
//		hello := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
//			return parley.Answer(ctx, scope, conn, 200, nil, []byte("hello\n"))
//		})
//		options := server.Options{Addr: "127.0.0.1:8080"}
//		if err := server.Run(context.Background(), hello, options); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # The life of a process
//
// Sockets are opened first, so that a port in use is an error before anything is
// built up; clients that connect meanwhile wait. Then the app's Lifespan
// conversation begins: routers pass it on to all below them, in order. What
// start-up publishes with parley.Publish is found by every conversation with
// parley.Published. A start-up that fails is Run's error, and nothing is left
// behind. When the last conversation has ended the app is asked to shut down, in
// reverse order.
//
// # The end
//
// SIGTERM, or the end of Run's context, begins a drain: readiness turns false, and
// for Options.ReadyDelay everything goes on, until load balancers have noticed.
// Then the sockets are closed. Requests that run finish; WebSockets are closed with
// 1012, in waves, behind what waits to be sent to them; streams of events and
// sessions without a socket are told to come back. Gateways are found wherever
// they are mounted: at a gin route, in a mux, several of them. Whatever is left
// after Options.DrainTimeout is cut. A second signal cuts at once. DrainReport, and a
// line in the log, say how many of each kind finished, were closed in order, and were
// cut.
//
// # What an operator sees
//
// Server.Stats adds up the gateways of the process, wherever they are mounted, the
// sessions of clients without a socket, and the connections of all listeners.
// contrib/prometheus makes metrics of it. Health and Ready answer load balancers. An app
// that goes on when its conversation is long over, or after the process's shutdown, is
// named in the log with the stack of its goroutine.
//
// # WebSockets over HTTP/2
//
// A browser that talks HTTP/2 to a server opens its sockets on the same connection
// (RFC 8441) if the server offers that, and over HTTP/1.1 otherwise. net/http offers
// it where the process runs with GODEBUG=http2xconnect=1; a line in the log says so at
// start, where a listener has TLS or H2C. Apps need not know: the handshake is a GET to
// routers, middleware and apps, denials have any status, and what ends a socket is the
// same. A flow of its own holds each socket back, not its connection.
//
// # Looking on
//
// Package inspect below this one is a page for operators, which shows what is
// connected, kicks and drains.
package server
