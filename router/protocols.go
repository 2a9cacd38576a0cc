package router

import (
	"context"

	"github.com/parleygo/parley"
)

// Protocols chooses an app by the protocol of the conversation. A protocol
// without an entry, or with a nil one, is refused with a
// *parley.UnsupportedProtocolError, as it is by any app: a plain request is answered
// with 426 where there is an app for sockets, and with 404 otherwise.
//
// A Lifespan conversation reaches the entry for parley.Lifespan first and then
// every other app, in the order HTTP, WebSocket, Channel: each distinct app
// below, also through routers directly below, hears of start-up once, and of
// shutdown in reverse order. See [URLs] for what becomes of failures. Two apps
// are the same app if they are equal, or the same func or map. A func that is nil
// makes the start-up panic.
//
// The map is safe for concurrent use as long as nobody writes to it.
type Protocols map[parley.Protocol]parley.App

// Serve hands the conversation to the app of its protocol.
func (p Protocols) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	if scope.Protocol == parley.Lifespan {
		return serveLifespan(ctx, scope, conn, distinct(p.apps()))
	}
	if app := p[scope.Protocol]; app != nil {
		return app.Serve(ctx, scope, conn)
	}
	err := &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	if scope.Protocol == parley.HTTP && p[parley.WebSocket] != nil {
		err.Served = parley.WebSocket
	}
	return err
}

// apps lists the entries in the order in which they hear of the lifespan.
func (p Protocols) apps() []parley.App {
	return []parley.App{p[parley.Lifespan], p[parley.HTTP], p[parley.WebSocket], p[parley.Channel]}
}
