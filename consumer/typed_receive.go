package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// receiveTyped hands a message to the handler of its type.
func (c *Conn) receiveTyped(ctx context.Context, message parley.WebSocketReceive) error {
	if message.Type != parley.TextMessage {
		if hook, ok := c.value.(BinaryReceiver); ok {
			return hook.ReceiveBinary(ctx, c, message.Data)
		}
		return c.refuse(ctx, message, wrongKind(message))
	}
	h, err := readHead(message.Data)
	if err != nil {
		return c.refuse(ctx, message, &undecodable{err})
	}
	handle, known := c.app.types[string(h.typ)]
	switch {
	case !known:
		return c.withoutHandler(ctx, message, h)
	case h.id != 0:
		return c.receiveRequest(ctx, message, h, handle)
	}
	_, err = handle(ctx, c, message.Data)
	return c.told(ctx, message, err)
}

// told deals with the error of a handler that nobody waits for.
func (c *Conn) told(ctx context.Context, message parley.WebSocketReceive, err error) error {
	if err == nil {
		return nil
	}
	var refusal *Error
	switch bad, ok := err.(*undecodable); {
	case ok:
		return c.refuse(ctx, message, bad)
	case errors.As(err, &refusal):
		c.app.counters.add(countFailed)
		return nil
	}
	return err
}

// withoutHandler deals with a message whose type nobody handles.
func (c *Conn) withoutHandler(
	ctx context.Context, message parley.WebSocketReceive, h head,
) error {
	a := c.app
	switch {
	case !json.Valid(message.Data):
		return c.refuse(ctx, message, &undecodable{errNoObject})
	case string(h.typ) == pingType:
		return c.pong(ctx)
	}
	a.counters.add(countUnknownType)
	switch {
	case h.id != 0:
		return c.reply(h.id, "error", unknownType.encode())
	case a.options.UnknownType == UnknownClose:
		said := &parley.CloseError{Code: parley.ClosePolicyViolation, Reason: "unknown type"}
		return fmt.Errorf("%w: %w: %.100q", said, ErrUnknownType, h.typ)
	case a.options.UnknownType == UnknownLog || a.mayLog():
		a.warn("parley: message of a type without a handler",
			"type", fmt.Sprintf("%.100s", h.typ), "unknown", a.Stats().UnknownType)
	}
	return nil
}

const pingType = reserved + "ping"

// isPing reports whether the kit answers a message by itself, beside whatever is
// being handled.
func (c *Conn) isPing(message parley.WebSocketReceive) bool {
	return protocol.IsPing(message.Type, message.Data) && c.answersPings()
}

// answersPings reports whether pings are not for the consumer. One that takes text as
// it is gets these, too.
func (c *Conn) answersPings() bool {
	if c.app.types != nil || c.app.client != nil {
		return true
	}
	_, takesAll := c.value.(Receiver)
	_, takesText := c.value.(TextReceiver)
	return !takesAll && !takesText
}

func (c *Conn) pong(ctx context.Context) error {
	return c.SendText(ctx, protocol.Pong)
}
