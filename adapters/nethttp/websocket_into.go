package nethttp

import (
	"context"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/socket"
)

// ReceiveInto receives a message into the app's own bytes (parley.BufferReceiver).
//
//parley:noescape
func (c *webSocketConn) ReceiveInto(
	ctx context.Context, buffer []byte,
) (parley.WebSocketReceive, error) {
	sock := c.open.Load()
	if sock == nil {
		return c.receiveMessage(ctx)
	}
	if buffer != nil {
		return c.readInto(ctx, sock, buffer) // apart, for the stack of those that wait without
	}
	return c.message(sock.ReadInto(ctx, nil))
}

func (c *webSocketConn) readInto(
	ctx context.Context, sock *socket.Conn, buffer []byte,
) (parley.WebSocketReceive, error) {
	return c.message(sock.ReadInto(ctx, &socket.Into{Buffer: buffer}))
}

// ReceiveLent receives a message in the carrier's bytes (parley.Lender).
func (c *webSocketConn) ReceiveLent(ctx context.Context) (parley.WebSocketReceive, error) {
	sock := c.open.Load()
	if sock == nil {
		return c.receiveMessage(ctx)
	}
	return c.message(sock.ReadInto(ctx, &lend))
}

var lend = socket.Into{Lend: true}

// receiveMessage is for a socket that is not open, or not yet: Receive knows what there
// is to say.
func (c *webSocketConn) receiveMessage(ctx context.Context) (parley.WebSocketReceive, error) {
	event, err := c.Receive(ctx)
	if message, ok := event.(parley.WebSocketReceive); ok || err != nil {
		return message, err
	}
	return parley.WebSocketReceive{}, parley.Unexpected(event)
}

// message is heard without an event.
func (c *webSocketConn) message(
	message socket.Message, err error,
) (parley.WebSocketReceive, error) {
	if err == socket.ErrEnded {
		err = parley.Unexpected(c.disconnected())
	}
	return parley.WebSocketReceive{Type: message.Type, Data: message.Data}, err
}
