package parley

import (
	"context"
	"errors"
	"fmt"
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
func disconnected(cause error) error {
	switch {
	case cause == nil:
		return ErrDisconnected
	case errors.Is(cause, ErrDisconnected):
		return cause
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, cause)
}
