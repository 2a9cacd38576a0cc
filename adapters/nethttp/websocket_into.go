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
	if sock == nil { // not open, or not yet: Receive knows what there is to say
		event, err := c.Receive(ctx)
		if message, ok := event.(parley.WebSocketReceive); ok || err != nil {
			return message, err
		}
		return parley.WebSocketReceive{}, parley.Unexpected(event)
	}
	c.askForNext()
	message, err := sock.ReadInto(ctx, buffer)
	switch err {
	case nil:
		c.haveReceived(len(message.Data))
	case socket.ErrEnded:
		err = parley.Unexpected(c.disconnected())
	}
	return parley.WebSocketReceive{Type: message.Type, Data: message.Data}, err
}
