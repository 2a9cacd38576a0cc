package middleware

import (
	"context"
	"errors"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/ending"
)

// limited serves next with a conn whose received messages admit has to let pass.
// One that it does not ends the socket: with the code of admit's error, which is
// also the cause of the app's context.
func limited(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App,
	admit func(parley.WebSocketReceive) error,
) error {
	ctx, conn, ender, release := ending.Of(ctx, scope, conn)
	defer release()
	c := &limitedConn{Conn: conn, ender: ender, admit: admit}
	err := next.Serve(ctx, scope, c)
	if cause := c.ended(); cause != nil && errors.Is(context.Cause(ctx), cause) {
		findingsOf(ctx).ended(cause)
		return cause // what the app made of it does not matter any more
	}
	return err
}

type limitedConn struct {
	parley.Conn
	ender ending.Ender
	admit func(parley.WebSocketReceive) error

	mu    sync.Mutex
	cause error // once a message was not admitted
}

// Unwrap tells that what is sent passes unchanged.
func (c *limitedConn) Unwrap() parley.Conn { return c.Conn }

func (c *limitedConn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

func (c *limitedConn) Receive(ctx context.Context) (parley.Event, error) {
	for {
		event, err := c.Conn.Receive(ctx)
		message, ok := event.(parley.WebSocketReceive)
		if !ok {
			return event, err
		}
		if c.ended() != nil {
			continue // what came behind a message that was too much
		}
		cause := c.admit(message)
		if cause == nil {
			return event, err
		}
		c.mu.Lock()
		c.cause = cause
		c.mu.Unlock()
		c.ender.End(cause)
		ctx = context.WithoutCancel(ctx) // the end is here: the app is told of it
	}
}
