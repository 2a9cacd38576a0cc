package parleytest

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Process is the life of a process as an app sees it: one Lifespan conversation.
type Process struct {
	running
	order    protocol.Lifespan
	incoming []parley.Event
	failure  error // what the app said of its start or stop
	ended    bool  // the test is over
}

// Run starts a process for the app, which is asked nothing yet.
func Run(t testing.TB, app parley.App) *Process {
	t.Helper()
	need(t, app, new(http.Request)) // a process has none
	p := &Process{running: running{t: t}}
	ctx := p.begin(context.Background(), p.leave)
	go p.serve(ctx, app, &parley.Scope{Protocol: parley.Lifespan}, (*processConn)(p), func(error) {})
	return p
}

// Startup asks the app to start and waits for its answer: nil when it is ready,
// an error with its message when it says that it can't. An app that returns
// without an answer gives the error it returned, or parley.ErrNotAnswered; a
// *parley.UnsupportedProtocolError among those means that the app has no
// lifespan and a server goes on without.
func (p *Process) Startup() error {
	p.t.Helper()
	return p.ask(parley.LifespanStartup{}, protocol.LifespanStarting)
}

// Shutdown asks the app to stop and waits for its answer, as Startup does. An
// app that is not running is not asked: nil.
func (p *Process) Shutdown() error {
	p.t.Helper()
	var running bool
	p.state.Update(func() {
		p.order.Shutdown()
		running = p.order.State() == protocol.LifespanStopping
	})
	if !running {
		return nil
	}
	return p.ask(parley.LifespanShutdown{}, protocol.LifespanStopping)
}

func (p *Process) ask(event parley.Event, state protocol.LifespanState) error {
	p.t.Helper()
	p.state.Update(func() { p.incoming = append(p.incoming, event) })
	var answered bool
	var failure error
	p.await("waiting for the answer to "+event.EventType(), func() bool {
		answered, failure = p.order.State() != state, p.failure
		return answered || p.over
	})
	if answered {
		return failure
	}
	if err := p.wait(); err != nil {
		return err
	}
	return parley.ErrNotAnswered
}

// Wait waits for the app to return and returns its error.
func (p *Process) Wait() error {
	p.t.Helper()
	return p.wait()
}

// Sent returns what the app has sent so far.
func (p *Process) Sent() []Sent { return p.events() }

func (p *Process) leave() {
	p.state.Update(func() {
		p.ended = true
		p.end(parley.ErrClosed)
	})
}

// processConn is the app's end of a Process.
type processConn Process

// Receive gives what the server asks. After the last question it waits for ctx.
func (c *processConn) Receive(ctx context.Context) (parley.Event, error) {
	return c.receive(ctx, func() (event parley.Event) {
		if len(c.incoming) > 0 {
			event, c.incoming = c.incoming[0], c.incoming[1:]
		}
		return event
	})
}

// Send takes the app's answers.
func (c *processConn) Send(ctx context.Context, event parley.Event) error {
	return c.take(ctx, event, func() error {
		if c.ended {
			return parley.ErrClosed
		}
		if err := c.order.Send(event); err != nil {
			return err
		}
		switch event := event.(type) {
		case parley.LifespanStartupFailed:
			c.failure = fmt.Errorf("parleytest: startup failed: %s", event.Message)
		case parley.LifespanShutdownFailed:
			c.failure = fmt.Errorf("parleytest: shutdown failed: %s", event.Message)
		}
		return nil
	})
}
