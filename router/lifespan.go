package router

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
)

// serveLifespan leads apps through the life of the process: up in order, down
// in reverse. It returns when all of them have.
func serveLifespan(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, apps []parley.App,
) error {
	if len(apps) == 0 {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	if err := expect[parley.LifespanStartup](ctx, conn); err != nil {
		return err
	}
	var c crew
	defer c.dismiss()
	if answer, err := c.start(ctx, scope, apps); answer != nil || err != nil {
		return c.abort(ctx, conn, answer, err)
	}
	if err := conn.Send(ctx, parley.LifespanStartupComplete{}); err != nil {
		return errors.Join(err, c.stop())
	}
	if err := expect[parley.LifespanShutdown](ctx, conn); err != nil {
		return err
	}
	err := c.stop()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return conn.Send(ctx, parley.LifespanShutdownFailed{Message: err.Error()})
	}
	return conn.Send(ctx, parley.LifespanShutdownComplete{})
}

// expect receives an E.
func expect[E parley.Event](ctx context.Context, conn parley.Conn) error {
	event, err := conn.Receive(ctx)
	if err != nil {
		return err
	}
	if _, ok := event.(E); !ok {
		return parley.Unexpected(event)
	}
	return nil
}

// crew is the apps that take part, in the order in which they started.
type crew struct {
	members []*member
}

// start starts the apps one after the other. answer is set if one of them
// failed to.
func (c *crew) start(
	ctx context.Context, scope *parley.Scope, apps []parley.App,
) (answer *parley.LifespanStartupFailed, err error) {
	var refusals []error
	for _, app := range apps {
		m := enlist(ctx, scope, app)
		c.members = append(c.members, m)
		reply := m.answer()
		switch failed, isFailed := reply.(parley.LifespanStartupFailed); {
		case m.crashed():
			return nil, m.err
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case isFailed:
			return &failed, nil
		case reply == nil: // returned without an answer: takes no part
			c.members = c.members[:len(c.members)-1]
			refusals = append(refusals, m.err)
		}
	}
	if len(c.members) == 0 {
		return nil, refused(scope, refusals)
	}
	return nil, nil
}

// refused sums up why no app takes part.
func refused(scope *parley.Scope, refusals []error) error {
	var unsupported *parley.UnsupportedProtocolError
	var others []error
	for _, err := range refusals {
		if err != nil && !errors.As(err, &unsupported) {
			others = append(others, err)
		}
	}
	if others == nil {
		return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
	}
	return errors.Join(others...)
}

// abort ends a start-up that did not succeed.
func (c *crew) abort(
	ctx context.Context, conn parley.Conn, answer *parley.LifespanStartupFailed, err error,
) error {
	if ctx.Err() != nil {
		return err
	}
	stopped := c.stop()
	if answer == nil {
		return errors.Join(err, stopped)
	}
	if stopped != nil {
		answer.Message += "\n" + stopped.Error()
	}
	return conn.Send(ctx, *answer)
}

// stop shuts the apps down, in reverse.
func (c *crew) stop() error {
	var failures []error
	for i := len(c.members) - 1; i >= 0; i-- {
		failures = append(failures, c.members[i].stop())
	}
	return errors.Join(failures...)
}

// dismiss waits for every app to return, in reverse, and lets a panic go on.
func (c *crew) dismiss() {
	var panicked *parley.PanicError
	for i := len(c.members) - 1; i >= 0; i-- {
		if c.members[i].dismiss(); c.members[i].panicked() != nil {
			panicked = c.members[i].panicked()
		}
	}
	if panicked != nil {
		panic(panicked)
	}
}
