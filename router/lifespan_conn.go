package router

import (
	"context"
	"sync"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// lifespanConn is the conversation of one app below a router with that router.
type lifespanConn struct {
	over <-chan struct{}   // closed when the conversation is
	told chan parley.Event // to the app: both events that there are fit in
	said chan parley.Event // by the app: likewise

	mu    sync.Mutex
	order protocol.Lifespan
}

// newLifespanConn returns a conversation that begins with start-up.
func newLifespanConn(over <-chan struct{}) *lifespanConn {
	c := &lifespanConn{over: over, told: make(chan parley.Event, 2), said: make(chan parley.Event, 2)}
	c.told <- parley.LifespanStartup{}
	return c
}

// Receive returns start-up and then, when the time has come, shutdown. After
// that it waits for the conversation to end.
func (c *lifespanConn) Receive(ctx context.Context) (parley.Event, error) {
	select {
	case event := <-c.told:
		return event, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.over:
		return nil, parley.ErrClosed
	}
}

// Send takes the app's answer to the event before.
func (c *lifespanConn) Send(_ context.Context, event parley.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.order.Send(event); err != nil {
		return err
	}
	select {
	case <-c.over:
		return parley.ErrDisconnected
	default:
		c.said <- event
		return nil
	}
}

// shutdown asks the app to shut down if it has started.
func (c *lifespanConn) shutdown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.order.State() != protocol.LifespanRunning {
		return false
	}
	c.order.Shutdown()
	c.told <- parley.LifespanShutdown{}
	return true
}

// failed reports whether the app said it could not start.
func (c *lifespanConn) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.State() == protocol.LifespanFailed
}
