package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parleygo/parley"
)

// Job makes an app of a function that deals with one message, decoded with
// encoding/json, or as it is where T is parley.ChannelReceive. A message that
// cannot be decoded is rejected. Other protocols than parley.Channel are refused
// with a *parley.UnsupportedProtocolError. Job panics if do is nil.
func Job[T any](do func(ctx context.Context, job T) error) parley.App {
	if do == nil {
		panic("worker: Job of a nil function")
	}
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.Channel {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		event, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		message, ok := event.(parley.ChannelReceive)
		if !ok {
			return parley.Unexpected(event)
		}
		var job T
		if whole, ok := any(&job).(*parley.ChannelReceive); ok {
			*whole = message
		} else if err := json.Unmarshal(message.Data, &job); err != nil {
			return fmt.Errorf("%w: %w", ErrReject, err)
		}
		return do(ctx, job)
	})
}
