package fallback

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
)

// App serves an app also to clients that have no WebSocket. Make one with New. Its
// methods may be called from any goroutine.
type App struct {
	app      parley.App
	options  Options
	sessions sessions
}

// New makes an App that serves app's WebSockets by plain HTTP as well.
func New(app parley.App, options Options) *App {
	if app == nil {
		panic("fallback: New of a nil app")
	}
	a := &App{app: app, options: options.withDefaults()}
	a.sessions.app = a
	return a
}

// Stats counts what has happened to the clients of an App since it was made.
type Stats struct {
	Sessions int // gauge: fallback sessions whose app runs
}

// Stats returns the counts.
func (a *App) Stats() Stats { return Stats{Sessions: a.sessions.len()} }

// Serve serves a client that comes by HTTP with a fallback session. Other
// protocols are the app's; a Lifespan's shutdown ends the sessions first.
func (a *App) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.HTTP:
		return a.serveHTTP(ctx, scope, conn)
	case parley.Lifespan:
		return a.serveLifespan(ctx, scope, conn)
	}
	return a.app.Serve(ctx, scope, conn)
}

// serveLifespan has the app's lifespan end the sessions. An app that has none
// leaves it to us.
func (a *App) serveLifespan(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	err := a.app.Serve(ctx, scope, &lifespanConn{conn, a})
	if !errors.As(err, new(*parley.UnsupportedProtocolError)) {
		return err
	}
	for {
		event, err := conn.Receive(ctx)
		switch event.(type) {
		case parley.LifespanStartup:
			err = conn.Send(ctx, parley.LifespanStartupComplete{})
		case parley.LifespanShutdown:
			if err := a.Close(ctx); err != nil {
				return conn.Send(ctx, parley.LifespanShutdownFailed{Message: err.Error()})
			}
			return conn.Send(ctx, parley.LifespanShutdownComplete{})
		default:
			return unexpected(event, err)
		}
		if err != nil {
			return err
		}
	}
}

// lifespanConn ends the sessions before the app hears of the shutdown.
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
