package fallback

import (
	"context"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/internal/drain"
	"github.com/parleygo/parley/internal/leakguard"
	"github.com/parleygo/parley/internal/wiring"
)

// App serves an app also to clients that have no WebSocket. Make one with New. Its
// methods may be called from any goroutine.
type App struct {
	app      parley.App
	options  Options
	sessions registry
	counters counters
	memory   memory
	leaks    leakguard.Guard
	endings  census.Endings
	foreign  seldom // when the log was last told of a foreign page, and of a full client
	full     seldom
}

// New makes an App that serves app's WebSockets by plain HTTP as well. It panics
// if app is nil, and for options that make no sense.
func New(app parley.App, options Options) *App {
	wiring.Need("fallback: New", "app", app)
	a := &App{app: app, options: options.withDefaults()}
	a.memory.limit = a.options.MaxMemory
	a.leaks.After, a.leaks.Logger = a.options.LeakAfter, a.options.Logger
	return a
}

// Serve serves a client that comes by HTTP with a fallback session, to which app is
// a WebSocket app as ever. Other protocols go to app as they are, a real socket
// among them; a Lifespan's shutdown ends the sessions first.
func (a *App) Serve(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
	switch scope.Protocol {
	case parley.HTTP:
		return a.serveHTTP(ctx, scope, conn)
	case parley.Lifespan:
		return a.serveLifespan(ctx, scope, conn)
	}
	return a.app.Serve(ctx, scope, conn)
}

// Close ends all fallback sessions with 1012 and waits until their apps have
// returned, or until ctx ends, whose cause it returns then. Streams and polls that
// are there say goodbye; clients between two polls hear of it when they come.
// Later ones are answered with 503. Sockets are the adapter's: it drains them. A
// Lifespan's shutdown does the same as Close, and so does the drain of package server.
//
// Close the App before http.Server.Shutdown, which waits for streams and does not
// end them, or have that call Close by RegisterOnShutdown. The gateway's Drain ends
// streams and polls in the same way, and may come before or after.
func (a *App) Close(ctx context.Context) error {
	list, idle := a.sessions.close()
	for _, s := range list {
		s.fail(parley.ErrDraining)
	}
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drained makes the App one of those that a process ends in order when it goes.
type drained struct{ *App }

func (d drained) Drain(ctx context.Context) error { return d.Close(ctx) }

func (d drained) Sessions() drain.Sessions {
	stats := d.Stats()
	return drain.Sessions{
		Live: stats.Sessions, Opened: stats.Opened, Refused: stats.Refused,
		Lost: stats.Lost, Slow: stats.Slow,
		Panics: stats.Panics, Leaked: stats.Leaked, In: stats.Received, Out: stats.Sent,
		Drained: d.sessions.drained(),
	}
}
