package consumer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/usercode"
)

// outcome is how a connection ends.
type outcome struct {
	err   error // what Serve returns
	cause error // that ends the context of hooks
	panic any   // what Serve panics with, or nil
}

// outcomeOf says what an error that ended the connection means.
func outcomeOf(err error) outcome {
	switch {
	case err == nil, errors.Is(err, ErrStop):
		return outcome{cause: parley.ErrFinished}
	case errors.Is(err, ErrDenied):
		return outcome{cause: ErrDenied}
	}
	return outcome{err: err, cause: err}
}

// outcomeApart is outcomeOf for what has run on another goroutine than Serve's,
// whose panic Serve has to pass on.
func outcomeApart(err error) outcome {
	how := outcomeOf(err)
	if panicked, ok := err.(*parley.PanicError); ok {
		how.panic = panicked
		if panicked.Value == http.ErrAbortHandler {
			how.panic = http.ErrAbortHandler // adapters know it when they see it
		}
	}
	return how
}

// failed reports whether the program is at fault.
func (o *outcome) failed() bool {
	return o.panic != nil || o.err != nil && !errors.Is(o.err, parley.ErrDisconnected)
}

// end is deferred by Serve: whatever has happened, and whatever happens in here,
// the consumer is told once, when nothing of it runs any more and the groups are
// left.
func (c *Conn) end(result *error) {
	how := c.settle(recover(), *result)
	*result = how.err
	var last error // of Disconnect
	defer func() { c.pass(how, last, result) }()
	defer c.app.counters.add(countClosed)
	defer c.endExecution()
	defer usercode.Call(c.disconnect, func(err error) { last = err })
	defer c.mail.close(c.app)
	c.leave()
}

// settle decides how the connection has ended, once Serve's goroutine has come to
// its end.
func (c *Conn) settle(recovered any, err error) outcome {
	var how outcome
	switch {
	case recovered != nil:
		how = outcomeApart(parley.NewPanicError(recovered))
		if _, carried := recovered.(*parley.PanicError); !carried {
			how.panic = recovered
		}
	case !c.returned:
		how = outcomeOf(parley.ErrGoexit)
	default:
		how = outcomeOf(usercode.Sound(err))
	}
	c.mu.Lock()
	first := c.failed.Load()
	c.over = true
	c.mu.Unlock()
	switch {
	case first == nil:
	case c.returned:
		how = *first
	case first.failed():
		c.app.logFailure(secondFailure, first.err)
	}
	c.life.End(how.cause)
	if errors.Is(how.err, context.Canceled) && how.failed() {
		how.err = context.Cause(c.ctx) // a handler was called away: that says by what
	}
	return how
}

// leave ends all memberships.
func (c *Conn) leave() {
	c.mu.Lock()
	inbox := c.inbox
	c.mu.Unlock()
	if inbox != nil {
		inbox.Close()
	}
}

// disconnect tells the consumer. Where the executor has no capacity it does so
// here: Disconnect is owed.
func (c *Conn) disconnect() error {
	hook, ok := c.value.(Disconnecter)
	if !ok {
		return nil
	}
	cause := context.Cause(c.ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), c.app.options.DisconnectTimeout)
	defer cancel()
	call := func(ctx context.Context) error {
		hook.Disconnect(ctx, c, cause)
		return nil
	}
	c.serial.Lock()
	defer c.serial.Unlock()
	if c.app.options.Executor != nil {
		if called, err := c.app.execute(ctx, call); called {
			return err
		}
	}
	return call(ctx)
}

// endExecution gives back what the executor has begun for this client.
func (c *Conn) endExecution() {
	if c.giveBack == nil {
		return
	}
	usercode.Call(c.giveBack, func(err error) {
		if err != nil {
			c.app.logFailure("parley: executor failed", err)
		}
	})
}

// pass hands a failure on to who called Serve, which reports it. Of two failures
// the second would be lost, and is logged here.
func (c *Conn) pass(how outcome, last error, result *error) {
	switch {
	case last == nil:
	case how.failed():
		c.app.logFailure("parley: Disconnect failed", last)
	default:
		how, *result = outcomeApart(last), last
	}
	if how.panic != nil {
		panic(how.panic)
	}
}

// Serve can return one failure.
const secondFailure = "parley: consumer failed twice"

// logFailure writes a line about a failure that nobody above hears of. A logger that
// is broken costs its line.
func (a *App) logFailure(text string, err error) {
	logged.Line(a.options.Logger, slog.LevelError, text, logged.Failure(nil, err)...)
}
