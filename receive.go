package parley

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// AwaitConnect receives the event that opens a WebSocket conversation. A client
// that was lost during its handshake is an error that is ErrDisconnected.
func AwaitConnect(ctx context.Context, conn Conn) error {
	event, err := conn.Receive(ctx)
	if err != nil {
		return err
	}
	if _, ok := event.(WebSocketConnect); ok {
		return nil
	}
	return Unexpected(event)
}

// Unexpected returns what an event means for an app that has no use for it: a
// disconnect is its Err, anything else an error that is ErrUnexpectedEvent.
func Unexpected(event Event) error {
	switch event := event.(type) {
	case WebSocketDisconnect:
		return event.Err()
	case HTTPDisconnect:
		return event.Err()
	case nil:
		return fmt.Errorf("parley: no event: %w", ErrUnexpectedEvent)
	}
	return fmt.Errorf("parley: received %s: %w", event.EventType(), ErrUnexpectedEvent)
}

// Err returns the event as an error that is ErrDisconnected and wraps Cause: a
// *CloseError if the peer said goodbye. An app that returns it ends cleanly.
func (e WebSocketDisconnect) Err() error { return disconnected(e.Cause) }

// Err returns the event as an error that is ErrDisconnected and wraps Cause. An
// app that returns it ends cleanly.
func (e HTTPDisconnect) Err() error { return disconnected(e.Cause) }

// disconnected makes an error that is ErrDisconnected of a cause, once.
func disconnected(why error) error {
	var own *cause
	switch {
	case why == nil:
		return ErrDisconnected
	case errors.Is(why, ErrDisconnected):
		return why
	case errors.As(why, &own), errors.Is(why, ErrClosed):
		return ended{why}
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, why)
}

// ended is an end that this side has brought about. It is ErrDisconnected to those
// who ask, for there is nobody to talk to any more, but does not say that the peer
// has gone.
type ended struct{ cause error }

func (e ended) Error() string { return e.cause.Error() }
func (e ended) Unwrap() error { return e.cause }

func (e ended) Is(target error) bool {
	return target == ErrDisconnected || target == net.ErrClosed
}
