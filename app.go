package parley

import (
	"context"
	"fmt"
	"slices"
)

// App is an application: anything that can serve a conversation. Routers,
// middleware, consumers and wrapped http.Handlers are all Apps.
//
// Serve is called once per connection and may run many times at once. ctx ends
// when the connection does; context.Cause(ctx) tells why. Serve returns nil (or
// an error that is ErrDisconnected) to end the conversation cleanly, and any
// other error to end it as failed. An App given a Protocol it does not know
// returns an *UnsupportedProtocolError without touching conn.
type App interface {
	Serve(ctx context.Context, scope *Scope, conn Conn) error
}

// AppFunc makes an App of a function. It is called for each protocol that its place
// leads to it: below a server and a router for Lifespan, too, where scope.Request is
// nil. So look at scope.Protocol first, and return an *UnsupportedProtocolError for
// what the function does not serve.
type AppFunc func(ctx context.Context, scope *Scope, conn Conn) error

// Serve calls f.
//
//parley:inline
func (f AppFunc) Serve(ctx context.Context, scope *Scope, conn Conn) error {
	return f(ctx, scope, conn)
}

// Conn is one conversation.
//
// Receive waits for the peer's next event. One Receive runs at a time. It
// returns ctx's cause when ctx ends first, without losing an event. Once the
// conversation is over it returns the disconnect event, again and again.
//
// Send hands an event to the peer and returns when the transport has taken it:
// this is where back-pressure is felt. It may run beside Receive; on sockets
// several goroutines may send, on HTTP one at a time. An event that breaks the
// protocol's order is refused with a *ProtocolError, an event to a peer that is
// gone with ErrDisconnected.
type Conn interface {
	Receive(ctx context.Context) (Event, error)
	Send(ctx context.Context, event Event) error
}

// Event is one thing said in a conversation: a struct of this package, passed
// by value, named after its ASGI event. EventType returns that name, such as
// "http.response.start". Other packages may define events of their own; a conn
// that does not know an event refuses it with a *ProtocolError.
type Event interface {
	EventType() string
}

// Middleware makes an app of an app. It only influences what is below it: it
// may pass on a changed ctx, a cloned Scope or a Conn of its own. Middleware
// that merely decides passes conn on untouched, and so costs nothing below.
type Middleware func(next App) App

// Chain puts middleware around app. The first middleware is the outermost. It
// panics if app or a middleware is nil, or if a middleware makes nothing of an app.
func Chain(app App, outermostFirst ...Middleware) App {
	if missing(app) {
		panic("parley: Chain of a nil app")
	}
	for i, middleware := range slices.Backward(outermostFirst) {
		if middleware == nil {
			panic(fmt.Sprintf("parley: Chain: middleware %d is nil", i))
		}
		if app = middleware(app); missing(app) {
			panic(fmt.Sprintf("parley: Chain: middleware %d returned a nil app", i))
		}
	}
	return app
}

// missing reports whether there is no app, or one that is a nil function.
func missing(app App) bool {
	f, isFunc := app.(AppFunc)
	return app == nil || isFunc && f == nil
}
