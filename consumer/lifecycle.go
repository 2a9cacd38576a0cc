package consumer

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/feed"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/usercode"
)

// beginApart calls begin on another goroutine, and passes on how it ends. What hooks do
// goes deep, and Serve's goroutine would keep for good the stack that they need, while
// its client says nothing.
func (c *Conn) beginApart() error {
	returned := false
	err := usercode.Apart(func() error {
		err := c.begin()
		returned = true
		return err
	})
	if panicked, ok := err.(*parley.PanicError); ok && !returned {
		panic(panicked)
	}
	return err
}

// begin brings a connection from its handshake to its first message. Its error
// ends it.
func (c *Conn) begin() error {
	if executor := c.app.options.Executor; executor != nil {
		c.ctx, c.giveBack = executor.Begin(c.ctx)
	}
	if err := c.serially(c.ctx, c.connect); err != nil {
		return err
	}
	if err := c.openInbox(); err != nil && !c.hasFailed() {
		return err
	}
	if err := c.accept(); err != nil {
		return err
	}
	if hook, ok := c.value.(Opener); ok {
		if err := c.open(hook); err != nil {
			return err
		}
	}
	if c.mail.release() {
		go c.readMail()
	}
	return nil
}

func (c *Conn) open(hook Opener) error {
	defer c.busy()()
	return c.serially(c.ctx, func(ctx context.Context) error { return hook.Open(ctx, c) })
}

// busy has a drain wait for a hook or handler until idle is called. Of those that
// handle what Serve's goroutine has received, the conn knows.
func (c *Conn) busy() (idle func()) {
	drain := protocol.HandlingOf(c.conn)
	drain.Handling(1)
	return func() { drain.Handling(-1) }
}

// accept completes the handshake, unless the layer has ended the connection.
func (c *Conn) accept() error {
	if c.hasFailed() {
		return c.turnAway()
	}
	if err := c.conn.Send(c.ctx, c.opening.answer); err != nil {
		return err
	}
	if c.answersPings() {
		protocol.Beat(c.conn) // while a handler runs nobody is here to answer
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted, c.opening = true, nil
	if c.hasFailed() {
		return ErrStop
	}
	return nil
}

// turnAway denies a client that was kicked before it was let in. What has a status of
// its own, and what is a failure, adapters answer.
func (c *Conn) turnAway() error {
	err := c.failed.Load().err
	deny := parley.WebSocketDeny{}
	switch parley.CodeOf(err) {
	case parley.CloseInternalError:
		return ErrStop // end knows more
	case parley.CloseServiceRestart, parley.CloseTryAgainLater:
		deny.Status = http.StatusServiceUnavailable
	}
	if protocol.Status(err) == http.StatusInternalServerError {
		_ = c.conn.Send(context.WithoutCancel(c.ctx), deny) // a client that is gone does not care
	}
	return ErrStop
}

// connect makes the consumer and asks it about its client. It answers the
// handshake where the consumer denies.
func (c *Conn) connect(ctx context.Context) error {
	value := c.app.make()
	if value == nil {
		return errNoConsumer
	}
	c.value = value
	if c.app.varies {
		if misfit := c.app.misfit(reflect.TypeOf(value)); misfit != "" {
			return errors.New("consumer: " + misfit)
		}
	}
	answer := Accept(parley.WebSocketAccept{})
	if hook, ok := value.(Connector); ok {
		var err error
		if answer, err = hook.Connect(ctx, c); errors.Is(err, ErrStop) {
			answer = Deny(parley.WebSocketDeny{})
		} else if err != nil {
			return err
		}
	}
	switch {
	case answer.event == nil:
		return errUndecided
	case !answer.denies:
		c.opening.answer = answer.event
		return nil
	}
	c.app.counters.add(countDenied)
	if err := c.conn.Send(ctx, answer.event); err != nil {
		return err
	}
	return ErrDenied
}

var errNoConsumer = errors.New("consumer: the constructor returned nil")

// openInbox joins the groups of a client that is about to be accepted: a client
// that knows it is in misses nothing that is sent from then on. What comes earlier
// waits in the mailbox, until Open has returned. A client that is denied is in no
// group.
func (c *Conn) openInbox() error {
	if c.app.options.Layer == nil {
		return nil
	}
	ctx := feed.With(c.ctx, (*member)(c))
	inbox, err := c.app.options.Layer.Open(ctx, channel.InboxOptions{
		Prefix: "client", Policy: c.app.options.Policy,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.inbox = inbox
	wanted := c.opening.wanted
	c.opening.wanted = nil
	c.mu.Unlock()
	for _, group := range c.app.options.Groups {
		if err := c.join(c.ctx, inbox, group); err != nil {
			return err
		}
	}
	for _, w := range wanted {
		if err := c.fulfil(c.ctx, inbox, w); err != nil {
			return err
		}
	}
	return nil
}

// receiving is the context to wait for the client's messages with. On a live
// socket it is the socket's own, which costs nothing, and whoever ends the
// connection from elsewhere closes the socket; see fail. A conn that is no
// Offerer can only be called away from by a context of its own.
//
//parley:inline
func (c *Conn) receiving(ctx context.Context) context.Context {
	if c.offerer == nil {
		return c.ctx
	}
	return ctx
}

// hearMessage is hear for what came without an event. A conn that has none any more says
// so again, as an event.
func (c *Conn) hearMessage(message parley.WebSocketReceive, err error) error {
	switch {
	case err != nil:
		return c.hear(c.conn.Receive(c.receiving(c.ctx)))
	case c.hasFailed():
		return ErrStop // end knows more
	}
	return c.admit(message)
}

// admit has a message handled, here and now or as soon as it is its turn.
func (c *Conn) admit(message parley.WebSocketReceive) error {
	switch {
	case c.isPing(message):
		c.app.counters.add(countReceived)
		return c.pong(c.ctx)
	case c.queues != nil:
		return c.queues.put(message)
	}
	return c.received(message)
}

// hear deals with what Receive has returned. Its error ends the connection.
func (c *Conn) hear(event parley.Event, err error) error {
	switch {
	case c.hasFailed():
		return ErrStop // end knows more
	case err != nil:
		return err
	}
	switch event := event.(type) {
	case parley.WebSocketReceive:
		return c.admit(event)
	case parley.WebSocketDisconnect:
		if event.Cause != nil {
			c.life.End(event.Cause)
		}
	}
	return parley.Unexpected(event)
}

// received handles one message in turn with all other hooks and handlers.
func (c *Conn) received(message parley.WebSocketReceive) error {
	if c.app.options.Executor != nil {
		return c.serially(c.ctx, func(ctx context.Context) error { return c.dispatch(ctx, message) })
	}
	c.serial.Lock()
	defer c.serial.Unlock()
	return c.dispatch(c.ctx, message)
}

// serially runs a hook in turn with all others, where the app wants its hooks to
// run.
func (c *Conn) serially(ctx context.Context, hook func(context.Context) error) error {
	c.serial.Lock()
	defer c.serial.Unlock()
	return c.app.run(ctx, hook)
}

// fail ends the connection from a goroutine that is not Serve's. The first
// failure counts; an error after it is most often what came of it, and a panic never
// is. A handler is reached by its context, and Serve's goroutine as receiving says:
// on an Offerer's conn a close never waits.
func (c *Conn) fail(how outcome) {
	c.mu.Lock()
	first := !c.over && !c.hasFailed()
	if first {
		c.failed.Store(&how)
	}
	accepted := c.accepted
	c.mu.Unlock()
	if !first {
		if how.panic != nil {
			c.app.logFailure(secondFailure, how.err)
		}
		return
	}
	c.life.End(how.cause)
	if c.offerer != nil && accepted {
		// Below may be other people's code, and this goroutine is anybody's.
		err := usercode.Run(func() error {
			return c.conn.Send(context.WithoutCancel(c.ctx), protocol.Goodbye(how.err))
		})
		if _, panicked := err.(*parley.PanicError); panicked {
			c.app.logFailure("parley: conn panicked", err)
		}
	}
}

//parley:inline
func (c *Conn) hasFailed() bool { return c.failed.Load() != nil }
