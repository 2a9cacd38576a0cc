package consumer

import (
	"context"
	"fmt"

	"github.com/parleygo/parley"
)

// dispatch hands one of the client's messages to whom it is for.
//
//parley:noescape
func (c *Conn) dispatch(ctx context.Context, message parley.WebSocketReceive) error {
	c.app.counters.add(countReceived)
	if c.app.types != nil {
		return c.receiveTyped(ctx, message)
	}
	if handle := c.app.client; handle != nil {
		if message.Type != c.app.options.Codec.Type {
			return c.refuse(ctx, message, wrongKind(message))
		}
		err := (*handle)(ctx, c, message.Data)
		if bad, ok := err.(*undecodable); ok {
			return c.refuse(ctx, message, bad)
		}
		return err
	}
	if hook, ok := c.value.(Receiver); ok {
		return hook.Receive(ctx, c, message)
	}
	text, takesText := c.value.(TextReceiver)
	binary, takesBinary := c.value.(BinaryReceiver)
	switch {
	case takesText && message.Type == parley.TextMessage:
		return text.ReceiveText(ctx, c, textOf(message.Data))
	case takesBinary && message.Type == parley.BinaryMessage:
		return binary.ReceiveBinary(ctx, c, message.Data)
	case takesText || takesBinary:
		return c.refuse(ctx, message, wrongKind(message))
	}
	c.app.counters.add(countIgnored) // a consumer that only sends
	return nil
}

func wrongKind(message parley.WebSocketReceive) error {
	return fmt.Errorf("consumer: %v message: %w", message.Type, parley.ErrUnsupportedData)
}

// refuse asks the consumer about a message that it cannot take.
func (c *Conn) refuse(ctx context.Context, message parley.WebSocketReceive, err error) error {
	c.app.counters.add(countRefused)
	if hook, ok := c.value.(DecodeErrorHandler); ok {
		return hook.DecodeError(ctx, c, message, err)
	}
	// The peer's mistake is not this program's failure: a CloseError says it
	// with the same code, and is not logged as an error.
	return closing(err)
}
