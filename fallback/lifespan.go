package fallback

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
)

// serveLifespan passes the lifespan on to app, and ends the sessions before app
// hears of the shutdown. An app that has no lifespan leaves it to us.
func (a *App) serveLifespan(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	err := a.app.Serve(ctx, scope, &lifespanConn{conn, a})
	if !errors.As(err, new(*parley.UnsupportedProtocolError)) {
		return err
	}
	for {
		event, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		switch event.(type) {
		case parley.LifespanStartup:
			if err := conn.Send(ctx, parley.LifespanStartupComplete{}); err != nil {
				return err
			}
		case parley.LifespanShutdown:
			if err := a.Close(ctx); err != nil {
				return conn.Send(ctx, parley.LifespanShutdownFailed{Message: err.Error()})
			}
			return conn.Send(ctx, parley.LifespanShutdownComplete{})
		default:
			return parley.Unexpected(event)
		}
	}
}

// lifespanConn ends the sessions when the shutdown comes by.
type lifespanConn struct {
	parley.Conn
	app *App
}

func (c *lifespanConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	if _, ends := event.(parley.LifespanShutdown); ends {
		if err := c.app.Close(ctx); err != nil {
			c.app.options.Logger.Error("parley: fallback sessions have not ended", "error", err)
		}
	}
	return event, err
}
