// Package parley is ASGI for Go: one application contract for HTTP, WebSocket
// and background messages that drops into any gin or net/http program.
//
// An [App] serves one conversation. It is told once what is known from the
// start (the [Scope]) and then receives and sends events over a [Conn] until it
// returns. Routers, middleware, consumers, whole gin engines and plain
// net/http handlers are all apps, so they nest in any order:
//
//	package main
//
//	import (
//		"context"
//		"net/http"
//
//		"github.com/parleygo/parley"
//		"github.com/parleygo/parley/adapters/nethttp"
//	)
//
//	func main() {
//		echo := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
//			if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//				return err
//			}
//			for {
//				message, err := ws.Read(ctx)
//				if err != nil {
//					return err // the peer left: a clean end
//				}
//				reply := parley.WebSocketSend{Type: message.Type, Data: message.Data}
//				if err := ws.Write(ctx, reply); err != nil {
//					return err
//				}
//			}
//		})
//		http.Handle("/echo", nethttp.Handler(echo))
//		http.ListenAndServe("127.0.0.1:8080", nil)
//	}
//
// # The rules of a conversation
//
// Serve is called once per connection: one HTTP request, one WebSocket, one
// process lifetime. Its context ends when the connection does, and
// [context.Cause] says why. Returning nil ends the conversation cleanly,
// returning an error (or panicking) ends it as failed: 500 before an HTTP
// answer was started, a cut connection after, close code 1011 on a socket.
// Returning an error that is [ErrDisconnected] counts as clean: the peer left.
//
// Which event may follow which is fixed by a state machine per protocol. An
// event out of order is answered with a [*ProtocolError] that names the state,
// the event and the rule; nothing of it reaches the wire.
//
// After the peer is gone Receive returns the same disconnect event at once, for
// ever, and Send returns [ErrDisconnected], for which errors.Is(err,
// net.ErrClosed) holds.
//
// # Ownership
//
// Scopes and events are read-only once handed on. Middleware that wants to
// change a scope hands a [Scope.Clone] below. Byte slices in received events
// belong to the receiver; byte slices in sent events belong to the conn until
// Send returns and to the caller again afterwards, except inside [Prepare],
// which keeps its bytes for ever. A Scope and a Conn are valid until Serve
// returns.
//
// # Options
//
// Constructors of the kit take a struct of options whose zero value is the safe
// default. One rule holds for its numbers and durations: zero is the default, which
// the field's comment names; a negative value means no limit, where the comment
// says so; a value that makes no sense panics when the program is wired, with the
// field's name. Functions among the options carry behaviour, and nil stands for the
// usual one. A nil Logger is slog.Default(); a logger of slog.DiscardHandler is
// silent. A nil app, handler, middleware or constructor panics at wiring.
//
// # Errors
//
// One family of errors goes through all packages. ErrClosed and ErrDisconnected
// match net.ErrClosed. Whatever is full, too large, overloaded, draining or rate
// limited, in whichever package, matches the error of that name here, and CodeOf
// gives the close code that goes with it. A panic of user code is a *PanicError and
// matches ErrAppPanic.
//
// The package depends on the standard library only. Adapters to net/http and
// gin live in adapters/nethttp and adapters/gin, routers in router, a test
// driver without sockets in parleytest.
package parley
