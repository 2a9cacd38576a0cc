package consumer

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// begin brings a connection from its handshake to its first message. Its error
// ends it.
func (c *Conn) begin() error {
	if err := c.serially(c.ctx, c.connect); err != nil {
		return err
	}
	// Upgrading goes deep. From connect it would need a stack of twice the size,
	// which an idle client would keep.
	if err := c.conn.Send(c.ctx, c.answer); err != nil {
		return err
	}
	c.answer = nil
	c.mu.Lock()
	c.accepted = true
	c.mu.Unlock()
	if err := c.openInbox(); err != nil {
		return err
	}
	if hook, ok := c.value.(Opener); ok {
		if err := c.serially(c.ctx, func(ctx context.Context) error { return hook.Open(ctx, c) }); err != nil {
			return err
		}
	}
	return nil
}

// connect asks the consumer about its client. It answers the handshake where the
// consumer denies.
func (c *Conn) connect(ctx context.Context) (err error) {
	c.value = c.app.make()
	var answer Answer
	if hook, ok := c.value.(Connector); ok {
		answer, err = hook.Connect(ctx, c)
	}
	if errors.Is(err, ErrStop) {
		answer, err = Deny{}, nil
	}
	if err != nil {
		return err
	}
	switch answer := answer.(type) {
	case Deny:
		c.app.counters.add(countDenied)
		deny := parley.WebSocketDeny{Status: answer.Status, Header: answer.Header, Body: answer.Body}
		if err := c.conn.Send(ctx, deny); err != nil {
			return err
		}
		return ErrDenied
	case Accept:
		c.answer = parley.WebSocketAccept{Subprotocol: answer.Subprotocol, Header: answer.Header}
	default:
		c.answer = parley.WebSocketAccept{}
	}
	return nil
}

// openInbox lets the layer in, now that the client is accepted: a message is
// never in front of the handshake, and a client that is denied is in no group.
func (c *Conn) openInbox() error {
	if c.app.Layer == nil {
		return nil
	}
	inbox, err := c.app.Layer.Open(c.ctx, channel.InboxOptions{
		Prefix: "client", Policy: c.app.Policy, Deliver: c.deliver, OnClose: c.inboxClosed,
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.inbox = inbox
	wanted := c.wanted
	c.wanted = nil
	c.mu.Unlock()
	for _, list := range [][]channel.Group{c.app.Groups, wanted} {
		for _, group := range list {
			if err := inbox.Join(c.ctx, group); err != nil {
				return err
			}
		}
	}
	return nil
}

// receiving is the context to wait for the client's messages with. On a live
// socket it is the socket's own, which costs nothing, and whoever ends the
// connection from elsewhere closes the socket; see interrupt. A conn that is no
// Offerer can only be called away from by a context of its own.
func (c *Conn) receiving(ctx context.Context) context.Context {
	if c.offerer == nil {
		return c.ctx
	}
	return ctx
}

// hear deals with what Receive has returned. Its error ends the connection.
func (c *Conn) hear(event parley.Event, err error) error {
	if c.hasFailed() {
		return ErrStop // end knows more
	}
	switch event := event.(type) {
	case parley.WebSocketReceive:
		if c.lanes != nil {
			return c.lanes.put(event)
		}
		return c.received(event)
	case parley.WebSocketDisconnect:
		return disconnected(event.Cause)
	}
	return unexpected(event, err)
}

// received handles one message in turn with all other hooks and handlers.
func (c *Conn) received(message parley.WebSocketReceive) error {
	if c.app.Blocking != NotBlocking {
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
	return c.app.Blocking.run(ctx, hook)
}

// fail ends the connection from a goroutine that is not Serve's. The first
// failure counts.
func (c *Conn) fail(f failure) {
	c.mu.Lock()
	first := !c.over && c.failed == nil
	if first {
		c.failed = &f
	}
	accepted := c.accepted
	c.mu.Unlock()
	if first {
		c.interrupt(f, accepted)
	}
}

// interrupt reaches a handler by its context, and Serve's goroutine as
// receiveAll says. On an Offerer's conn a close never waits.
func (c *Conn) interrupt(f failure, accepted bool) {
	c.cancel(f.cause)
	if c.offerer != nil && accepted {
		code := parley.CodeOf(f.err)
		if !code.Sendable() {
			code = parley.CloseInternalError
		}
		_ = c.conn.Send(context.WithoutCancel(c.ctx), parley.WebSocketClose{Code: code, Reason: reasonOf(f.err)})
	}
}

// reasonOf is what the client may be told of an error: nothing, unless the error
// is made to be told.
func reasonOf(err error) string {
	var said *parley.CloseError
	if errors.As(err, &said) {
		return said.Reason
	}
	return ""
}

func (c *Conn) hasFailed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed != nil
}

// end is deferred by Serve: whatever has happened, the consumer is told once,
// when nothing of it runs any more and the groups are left.
func (c *Conn) end(result *error) {
	value := recover()
	c.mu.Lock()
	c.over = true
	f := c.failed
	inbox := c.inbox
	c.mu.Unlock()
	switch {
	case value != nil:
		f = &failure{cause: fmt.Errorf("%w: %v", parley.ErrAppPanic, value)}
	case f == nil:
		f = failureOf(*result)
	}
	c.cancel(f.cause)
	if inbox != nil {
		inbox.Close()
	}
	c.mail.close(c.app)
	*result = f.err
	defer c.repanic(value, f)
	c.disconnect(f.cause)
}

// repanic lets a panic go on. Deferred, so that one in Disconnect goes on too.
func (c *Conn) repanic(value any, f *failure) {
	c.app.counters.add(countClosed)
	if c.thread != nil {
		_ = c.thread()
	}
	switch {
	case value != nil:
		panic(value)
	case f.panicked != nil && f.panicked.value == http.ErrAbortHandler:
		panic(http.ErrAbortHandler) // adapters know it when they see it
	case f.panicked != nil:
		panic(f.panicked)
	}
}

func (c *Conn) disconnect(cause error) {
	hook, ok := c.value.(Disconnecter)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), c.app.DisconnectTimeout)
	defer cancel()
	err := c.serially(ctx, func(ctx context.Context) error {
		hook.Disconnect(ctx, c, cause)
		return nil
	})
	if err != nil { // only a blocking hook's
		c.app.Logger.Error("parley: consumer failed in Disconnect", "error", err)
	}
}

// failureOf says what an error that ended the connection means for Serve and for
// Disconnect.
func failureOf(err error) *failure {
	switch {
	case err == nil, errors.Is(err, ErrStop):
		return &failure{cause: parley.ErrFinished}
	case errors.Is(err, ErrDenied):
		return &failure{cause: ErrDenied}
	}
	return &failure{err: err, cause: err}
}
