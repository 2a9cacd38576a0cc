package parley

// Offerer is a Conn of a WebSocket that takes messages without waiting, as
// senders to many sockets need it. Offer queues message and returns at once:
// ErrFull when the queue has no room, an error that is ErrDisconnected or
// ErrClosed when the socket is over, and a *ProtocolError before it is open. It
// may be called from many goroutines.
//
// Middleware that wraps a conn hides the Offerer below, rightly if it changes
// what is sent. If it doesn't, it says so with a method Unwrap() Conn.
type Offerer interface {
	Offer(message WebSocketSend) error
}

// ErrFull is what Offer returns when there is no room.
var ErrFull error = &cause{"queue is full", CloseTryAgainLater}

// OffererOf finds the Offerer of conn, below wrappers that have an Unwrap
// method. ok is false where there is none: then only Send can be used, which may
// wait.
//
//parley:noescape
func OffererOf(conn Conn) (offerer Offerer, ok bool) {
	for {
		if offerer, ok = conn.(Offerer); ok {
			return offerer, true
		}
		wrapper, wraps := conn.(interface{ Unwrap() Conn })
		if !wraps {
			return nil, false
		}
		conn = wrapper.Unwrap()
	}
}
