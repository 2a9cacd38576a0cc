package middleware

import (
	"context"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/wiring"
)

// MessageLimit bounds received WebSocket messages, after inflation, to that many bytes.
// A larger one never reaches the app: the socket closes with 1009, and the app
// receives its end with the cause parley.ErrTooLarge. It is for routes that take
// less than the gateway does, which bounds what is read in the first place
// (parley.SocketOptions.MaxMessage, 1 MiB). It wraps the conn of sockets. It panics if
// bytes is not positive.
func MessageLimit(bytes int) parley.Middleware {
	if bytes <= 0 {
		panic(fmt.Sprintf("middleware: MessageLimit of %d bytes: it must be positive", bytes))
	}
	admit := func(message parley.WebSocketReceive) error {
		if len(message.Data) > bytes {
			return parley.ErrTooLarge
		}
		return nil
	}
	act := func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, _ error,
	) error {
		return limited(ctx, scope, conn, next, admit)
	}
	return func(next parley.App) parley.App {
		wiring.Need("middleware: MessageLimit", "app", next)
		return guarded(next, socketGuard{}, act)
	}
}

// socketGuard acts on sockets.
type socketGuard struct{}

// Check implements decider.
func (socketGuard) Check(scope *parley.Scope) error {
	if scope.Protocol == parley.WebSocket {
		return errInvolved
	}
	return nil
}
