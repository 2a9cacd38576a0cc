package middleware

import (
	"context"
	"sync"

	"github.com/parleygo/parley"
)

// screened serves next with a conn whose received messages admit has to let
// pass. One that it does not closes the socket with the code of admit's error,
// which is also the cause of the app's context.
func screened(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App,
	admit func(parley.WebSocketReceive) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &screen{Conn: conn, admit: admit, cancel: cancel}
	err := next.Serve(ctx, scope, c)
	if gone := c.end(); gone != nil {
		noteOf(ctx).ended(gone.Cause)
		return gone.Cause // what the app made of it does not matter any more
	}
	return err
}

type screen struct {
	parley.Conn
	admit  func(parley.WebSocketReceive) error
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	gone *parley.WebSocketDisconnect // once a message was not admitted
}

// Unwrap tells that what is sent passes unchanged.
func (c *screen) Unwrap() parley.Conn { return c.Conn }

func (c *screen) end() *parley.WebSocketDisconnect {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

func (c *screen) Receive(ctx context.Context) (parley.Event, error) {
	if gone := c.end(); gone != nil {
		return *gone, nil
	}
	event, err := c.Conn.Receive(ctx)
	message, ok := event.(parley.WebSocketReceive)
	if !ok {
		return event, err
	}
	if cause := c.admit(message); cause != nil {
		return c.close(ctx, cause), nil
	}
	return event, err
}

func (c *screen) close(ctx context.Context, cause error) parley.Event {
	gone := parley.WebSocketDisconnect{Code: parley.CodeOf(cause), Cause: cause}
	c.mu.Lock()
	c.gone = &gone
	c.mu.Unlock()
	c.cancel(cause)                                                                 // first: the cause of a close that the app did not ask for is this one
	c.Conn.Send(context.WithoutCancel(ctx), parley.WebSocketClose{Code: gone.Code}) // a peer that is gone has nobody to tell
	return gone
}

func (c *screen) Send(ctx context.Context, event parley.Event) error {
	if c.end() != nil {
		return parley.ErrDisconnected
	}
	return c.Conn.Send(ctx, event)
}
