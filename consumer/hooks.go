package consumer

import (
	"context"

	"github.com/parleygo/parley"
)

// Connector is a consumer that decides about its client. Connect is called
// first, and returns what Accept or Deny makes. An error ends the handshake as
// failed: it is answered with 500, or with the status that stands for an error of
// package parley. So does an empty Answer without an error: nobody is let in by
// mistake. A consumer without Connect lets everybody in.
type Connector interface {
	Connect(ctx context.Context, conn *Conn) (Answer, error)
}

// Opener is a consumer that wants to act as soon as its client is accepted and
// in its groups: to send a greeting or the history, say. What the layer brings
// meanwhile waits until Open has returned.
type Opener interface {
	Open(ctx context.Context, conn *Conn) error
}

// Receiver is a consumer that takes messages of both kinds as they are.
//
// An error that Receive or any handler returns ends the connection: ErrStop
// with 1000, a *parley.CloseError with its own code, others with the code that
// parley.CodeOf gives.
type Receiver interface {
	Receive(ctx context.Context, conn *Conn, message parley.WebSocketReceive) error
}

// TextReceiver is a consumer that takes text. If it is no Receiver and no
// BinaryReceiver, binary messages are an error that is ErrUnsupportedData; see
// DecodeErrorHandler.
type TextReceiver interface {
	ReceiveText(ctx context.Context, conn *Conn, text string) error
}

// BinaryReceiver is a consumer that takes binary messages, as TextReceiver is
// for text. The bytes belong to the consumer, unless Options.Lend lends them.
type BinaryReceiver interface {
	ReceiveBinary(ctx context.Context, conn *Conn, data []byte) error
}

// DecodeErrorHandler is a consumer that decides about messages of its client
// which it cannot take: err is parley.ErrInvalidPayload if the codec could not
// decode the message, wrapping what the codec said, or if it is not what
// ReceiveType asks for; and parley.ErrUnsupportedData if it is of the wrong kind.
// Returning nil goes on. Returning err closes with 1007 or 1003, which is also what
// happens without this hook.
type DecodeErrorHandler interface {
	DecodeError(ctx context.Context, conn *Conn, message parley.WebSocketReceive, err error) error
}

// Disconnecter is a consumer that cleans up. Disconnect is called exactly once
// for every value the constructor has made, last, and with no other hook or
// handler running: after the peer has left, a close, an error, a panic or a
// runtime.Goexit of any hook or handler, a kick, a drain, and also if the client
// was denied (ErrDenied) or lost before it was accepted. The connection has left
// its groups by then. If Options.Executor has no capacity for it, it runs all the
// same, without.
//
// cause is the one that context.Cause tells of the contexts of other hooks: what
// has ended the connection first. It is never nil; it is parley.ErrFinished after
// ErrStop, and a *parley.PanicError or parley.ErrGoexit if a hook or handler ended
// so.
//
// ctx has the values of the connection's context and lives on for
// Options.DisconnectTimeout. A Disconnect that panics has failed as a handler
// has.
type Disconnecter interface {
	Disconnect(ctx context.Context, conn *Conn, cause error)
}
