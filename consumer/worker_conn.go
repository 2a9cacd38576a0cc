package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// workerConn is the conversation about one message.
type workerConn struct {
	message  channel.Message
	attempt  int
	received bool
}

// Receive gives the message, and then for ever the end.
func (c *workerConn) Receive(context.Context) (parley.Event, error) {
	if c.received {
		return parley.ChannelDisconnect{Cause: parley.ErrFinished}, nil
	}
	c.received = true
	// The bytes are shared by all who have received the message, and events
	// belong to their receiver.
	data := append([]byte(nil), c.message.Payload()...)
	return parley.ChannelReceive{Type: c.message.Type(), Data: data, Attempt: c.attempt}, nil
}

// Send refuses: nobody listens.
func (c *workerConn) Send(_ context.Context, event parley.Event) error {
	return &parley.ProtocolError{State: "receiving", Event: event.EventType(), Rule: "B8.send", Err: parley.ErrUnexpectedEvent}
}

// ErrReject is what an app returns, or wraps, for a message that is not worth
// another attempt.
var ErrReject = errors.New("consumer: message rejected")

// hopeless tells that another attempt would end the same.
func hopeless(err error) bool {
	return errors.Is(err, ErrReject) || errors.Is(err, parley.ErrNotFound) || errors.Is(err, errors.ErrUnsupported)
}

// Job makes an app of a function that deals with one message, decoded with
// encoding/json, or as it is where T is parley.ChannelReceive. A message that
// cannot be decoded is rejected. Other protocols than parley.Channel are refused
// with an *UnsupportedProtocolError.
func Job[T any](do func(ctx context.Context, job T) error) parley.App {
	if do == nil {
		panic("consumer: Job of a nil function")
	}
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.Channel {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		event, err := conn.Receive(ctx)
		message, ok := event.(parley.ChannelReceive)
		if !ok {
			return unexpected(event, err)
		}
		var job T
		if whole, ok := any(&job).(*parley.ChannelReceive); ok {
			*whole = message
		} else if err := jsonCodec.Unmarshal(message.Data, &job); err != nil {
			return fmt.Errorf("%w: %w", ErrReject, err)
		}
		return do(ctx, job)
	})
}

var jsonCodec = Codec{}.withDefaults()
