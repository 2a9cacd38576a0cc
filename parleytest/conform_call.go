package parleytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/monitor"
)

// call is one call of a row's app, with a log of what it was answered.
type call struct {
	state  monitor.Monitor
	ctx    context.Context
	scope  *parley.Scope
	conn   parley.Conn
	said   []string
	called bool
	over   bool
}

// app makes an app of a row's function, whose call is written down.
func (c *call) app(serve func(c *call) error) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		c.state.Update(func() { c.ctx, c.scope, c.conn, c.called = ctx, scope, conn, true })
		defer c.state.Update(func() { c.over = true })
		return serve(c)
	})
}

// wait waits for the app to return and returns its log.
func (c *call) wait(t testing.TB) (said []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if c.state.Until(ctx, func() bool { said = slices.Clone(c.said); return c.over }) != nil {
		t.Fatalf("the app has not returned; its log: %q", said)
	}
	return said
}

// expectCause waits for the app's context to end and compares its cause.
func (c *call) expectCause(t testing.TB, want error) {
	t.Helper()
	if want == nil {
		return
	}
	<-c.ctx.Done()
	if got := context.Cause(c.ctx); !errors.Is(got, want) {
		t.Errorf("the app's context ended with %v, want %v", got, want)
	}
}

func (c *call) say(format string, args ...any) {
	c.state.Update(func() { c.said = append(c.said, fmt.Sprintf(format, args...)) })
}

// send sends an event and notes the answer.
func (c *call) send(event parley.Event) error {
	err := c.conn.Send(c.ctx, event)
	c.say("%s: %s", event.EventType(), verdict(err))
	return err
}

// quietly sends events that the row is not about.
func (c *call) quietly(events ...parley.Event) error {
	for _, event := range events {
		if err := c.conn.Send(c.ctx, event); err != nil {
			c.say("%s: %s", event.EventType(), verdict(err))
			return err
		}
	}
	return nil
}

// receive receives an event and notes it.
func (c *call) receive() parley.Event {
	event, err := c.conn.Receive(c.ctx)
	if err != nil {
		c.say("receive: %s", verdict(err))
		return nil
	}
	c.say("%s", describe(event))
	return event
}

// cancelled receives with a context that has ended before anything came.
func (c *call) cancelled() {
	ctx, cancel := context.WithCancelCause(c.ctx)
	cancel(errors.New("enough"))
	_, err := c.conn.Receive(ctx)
	c.say("receive: %s", verdict(err))
}

// body reads the request's body and notes all of it.
func (c *call) body() error {
	data, err := io.ReadAll(parley.BodyReader(c.ctx, c.conn))
	c.say("body %q: %s", data, verdict(err))
	return err
}

// accept opens the socket, which the row is not about.
func (c *call) accept() error {
	if _, err := c.conn.Receive(c.ctx); err != nil {
		return err
	}
	return c.quietly(parley.WebSocketAccept{})
}

// gone waits for ctx to end and notes its cause.
func (c *call) gone() {
	<-c.ctx.Done()
	c.say("cause: %s", verdict(context.Cause(c.ctx)))
}

// verdict tells an error by what it matches.
func verdict(err error) string {
	var broken *parley.ProtocolError
	var closed *parley.CloseError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &broken):
		if errors.Is(err, parley.ErrDisconnected) {
			return broken.Rule + " taken for a disconnect"
		}
		return broken.Rule + ", " + broken.Err.Error()
	case errors.As(err, &closed):
		return fmt.Sprintf("closed with %d %q", closed.Code, closed.Reason)
	case errors.Is(err, parley.ErrTooLarge), errors.Is(err, parley.ErrInvalidPayload),
		errors.Is(err, parley.ErrPeerProtocol):
		return strconv.Itoa(int(parley.CodeOf(err)))
	case errors.Is(err, parley.ErrDisconnected):
		return "disconnected"
	}
	return err.Error()
}

// refused is the log of an event that breaks a rule.
func refused(event parley.Event, rule string, why error) string {
	return event.EventType() + ": " + rule + ", " + why.Error()
}

// describe tells a received event.
func describe(event parley.Event) string {
	switch event := event.(type) {
	case parley.HTTPRequest:
		return fmt.Sprintf("http.request %q %v", event.Body, event.More)
	case parley.HTTPDisconnect:
		return ended("http.disconnect", event.Cause)
	case parley.WebSocketReceive:
		if len(event.Data) > 80 {
			return fmt.Sprintf("%v of %d bytes", event.Type, len(event.Data))
		}
		return fmt.Sprintf("%v %q", event.Type, event.Data)
	case parley.WebSocketDisconnect:
		return ended(fmt.Sprintf("websocket.disconnect %d %q", event.Code, event.Reason), event.Cause)
	}
	return event.EventType()
}

func ended(text string, cause error) string {
	if cause == nil {
		return text + " without a cause"
	}
	return text
}
