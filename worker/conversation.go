package worker

import (
	"bytes"
	"context"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/protocol"
)

// conversation is the one about a message: the conn of one attempt.
type conversation struct {
	message  channel.Message
	attempt  int
	received bool
}

// Receive gives the message, and then for ever the end.
func (c *conversation) Receive(context.Context) (parley.Event, error) {
	if c.received {
		return parley.ChannelDisconnect{Cause: parley.ErrFinished}, nil
	}
	c.received = true
	// The bytes are shared by all who have received the message, and events
	// belong to their receiver.
	return parley.ChannelReceive{
		Type: c.message.Type(), Data: bytes.Clone(c.message.Payload()), Attempt: c.attempt,
	}, nil
}

// Send refuses: nobody listens.
func (c *conversation) Send(_ context.Context, event parley.Event) error {
	return protocol.RefuseOnChannel(event)
}
