package parleytest

import "github.com/parleygo/parley"

// answers is an app that answers each question of its process with one event.
func answers(events ...parley.Event) func(c *call) error {
	return func(c *call) error {
		for _, event := range events {
			if c.receive() == nil {
				return nil
			}
			if err := c.send(event); err != nil {
				return err
			}
		}
		return nil
	}
}

// lifespanRows: the start and the stop of a process.
var lifespanRows = []lifespanRow{
	{
		rule: "A8.startup-shutdown",
		app:  answers(parley.LifespanStartupComplete{}, parley.LifespanShutdownComplete{}),
		said: []string{
			"lifespan.startup", "lifespan.startup.complete: ok",
			"lifespan.shutdown", "lifespan.shutdown.complete: ok",
		},
	}, {
		rule:    "A8.startup-failed",
		app:     answers(parley.LifespanStartupFailed{Message: "no database"}),
		startup: "no database",
		said:    []string{"lifespan.startup", "lifespan.startup.failed: ok"},
	}, {
		rule: "A8.shutdown-failed",
		app: answers(parley.LifespanStartupComplete{},
			parley.LifespanShutdownFailed{Message: "no disk"}),
		shutdown: "no disk",
		said: []string{
			"lifespan.startup", "lifespan.startup.complete: ok",
			"lifespan.shutdown", "lifespan.shutdown.failed: ok",
		},
	}, {
		rule:    "A8.error-before-reply",
		app:     func(*call) error { return errSelf },
		startup: secret,
	}, {
		rule: "A8.unsupported",
		app: func(c *call) error {
			return &parley.UnsupportedProtocolError{Protocol: c.scope.Protocol}
		},
		startup: "lifespan is not served",
	}, {
		rule: "A8.order",
		app: func(c *call) error {
			c.receive()
			c.send(parley.LifespanShutdownComplete{})
			c.send(parley.LifespanStartupComplete{})
			c.send(parley.LifespanStartupComplete{})
			c.receive()
			return c.send(parley.LifespanShutdownComplete{})
		},
		said: []string{
			"lifespan.startup",
			refused(parley.LifespanShutdownComplete{}, "A8.order", parley.ErrUnexpectedEvent),
			"lifespan.startup.complete: ok",
			refused(parley.LifespanStartupComplete{}, "A8.order", parley.ErrUnexpectedEvent),
			"lifespan.shutdown", "lifespan.shutdown.complete: ok",
		},
	}, {
		rule: "A1.5/lifespan-unknown-event",
		app: func(c *call) error {
			c.receive()
			c.send(strange{})
			return c.quietly(parley.LifespanStartupFailed{Message: "enough"})
		},
		startup: "enough",
		said:    []string{"lifespan.startup", refused(strange{}, "A1.5", parley.ErrUnexpectedEvent)},
	},
}
