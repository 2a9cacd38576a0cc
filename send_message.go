package parley

import "context"

// MessageSender is a Conn of a WebSocket that sends messages without making an event of
// each, which would be an allocation. SendMessage is Send for messages.
//
// A conn that wraps another has it only if it adds nothing to Send.
type MessageSender interface {
	SendMessage(ctx context.Context, message WebSocketSend) error
}

// SendMessage sends a message on conn, without an event where that can be done.
func SendMessage(ctx context.Context, conn Conn, message WebSocketSend) error {
	if sender, ok := conn.(MessageSender); ok {
		return sender.SendMessage(ctx, message)
	}
	return conn.Send(ctx, message)
}
