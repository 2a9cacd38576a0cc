package consumer

import (
	"context"
	"sync/atomic"

	"github.com/parleygo/parley"
)

// App serves each client with a consumer of its own. Make one with New. Its
// methods may be called from any goroutine.
type App struct {
	config
	make     func() any
	counters counters
	lastLine atomic.Int64 // when a line about unknown messages was last logged
}

// New makes an App of a constructor, which is called once per client, when its
// handshake arrives. What the value can do is found by the interfaces Connector,
// Opener, Receiver, TextReceiver, BinaryReceiver, DecodeErrorHandler and
// Disconnecter, any of which may be missing, and by the handlers among the
// options:
//
//	consumer.New(newRoom,
//		consumer.Options{Layer: layer},
//		consumer.ReceiveType("say", (*Room).Said),
//		consumer.On("room.kicked", (*Room).Kicked),
//		consumer.Forward("room.line"),
//	)
//
// The hooks and handlers of one value run one at a time, unless
// Options.Concurrency says otherwise.
//
// New panics on mistakes in the wiring: a nil constructor; a method of C or *C
// that is called like a hook and is none, for it would be skipped in silence; a
// handler that is not one of C's; two handlers for the same messages; a hook that
// other handlers leave without a message; two Options.
func New[C any](factory func() C, options ...Option) *App {
	if factory == nil {
		panic("consumer: New of a nil constructor")
	}
	a := &App{make: func() any { return factory() }}
	a.config.build(typeOf[C](), options)
	return a
}

// Serve serves one client. Other protocols than WebSocket are refused with an
// *UnsupportedProtocolError; package fallback serves clients that have no socket.
func (a *App) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) (err error) {
	if scope.Protocol != parley.WebSocket {
		return &parley.UnsupportedProtocolError{
			Protocol: scope.Protocol, Served: parley.WebSocket}
	}
	if err := parley.AwaitConnect(ctx, conn); err != nil {
		return err
	}
	c := a.newConn(ctx, scope, conn)
	defer c.end(&err)
	err = c.beginApart()
	if err == nil && a.options.Concurrency > 1 {
		err = c.receiveConcurrently(ctx)
	}
	buffered, lender := a.receivers(conn)
	// An idle client waits here, and not in a function below, for the sake of its stack.
	for ctx = c.receiving(ctx); err == nil; {
		switch {
		case lender != nil:
			err = c.hearMessage(lender.ReceiveLent(ctx))
		case buffered != nil:
			err = c.hearMessage(buffered.ReceiveInto(ctx, nil))
		default:
			err = c.hear(conn.Receive(ctx))
		}
	}
	c.returned = true
	return err
}

// receivers returns what conn has for messages that need no event, or nil; lender only
// with Options.Lend.
func (a *App) receivers(conn parley.Conn) (buffered parley.BufferReceiver, lender parley.Lender) {
	if buffered, _ = conn.(parley.BufferReceiver); a.options.Lend {
		lender, _ = conn.(parley.Lender)
	}
	return buffered, lender
}
