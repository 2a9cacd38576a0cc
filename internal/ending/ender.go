// Package ending ends conversations from outside their app: middleware that lets
// somebody in for a time, or up to a limit, ends what is open when that is over.
package ending

import (
	"context"

	"github.com/parleygo/parley"
)

// Ender is a live Conn that middleware can end without wrapping it, so that what
// runs natively below stays native. End ends the conversation for cause, unless it
// has ended already, and does not wait: a handshake is denied with the status that
// goes with cause, an open socket closed with its code, an answer of HTTP may send
// no more than its last part, and what a client that takes nothing holds up fails a
// moment later. Whichever end came first, the disconnect event and
// the context's cause tell the same one. It may be called from any goroutine until
// Serve returns.
type Ender interface {
	End(cause error)
}

// Of returns a conversation that can be ended: as it is, where its transport is an
// Ender, and wrapped otherwise. There is nothing native below a transport, or
// middleware, that is none. ctx, which is never changed for an Ender, ends with the
// conversation. release is called when the app has returned.
func Of(ctx context.Context, scope *parley.Scope, conn parley.Conn) (
	below context.Context, same parley.Conn, ender Ender, release func(),
) {
	if ender, ok := conn.(Ender); ok {
		return ctx, conn, ender, func() {}
	}
	c := newEndable(ctx, scope, conn)
	return c.ctx, c, c, c.release
}

// enderBelow finds the Ender below wrappers that have an Unwrap method, or nil.
func enderBelow(conn parley.Conn) Ender {
	for {
		if ender, ok := conn.(Ender); ok {
			return ender
		}
		wrapper, wraps := conn.(interface{ Unwrap() parley.Conn })
		if !wraps {
			return nil
		}
		conn = wrapper.Unwrap()
	}
}
