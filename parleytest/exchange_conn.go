package parleytest

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// exchangeConn is the app's end of an Exchange.
type exchangeConn Exchange

// Receive gives the parts of the body and then waits for the end, which comes
// when the client vanishes or the response is complete.
func (c *exchangeConn) Receive(ctx context.Context) (parley.Event, error) {
	return c.receive(ctx, func() (event parley.Event) {
		switch {
		case c.order.State() == protocol.HTTPComplete:
			event = parley.HTTPDisconnect{Cause: parley.ErrFinished}
		case len(c.incoming) > 0:
			event, c.incoming = c.incoming[0], c.incoming[1:]
		case c.gone:
			event = parley.HTTPDisconnect{Cause: parley.ErrDisconnected}
		}
		return event
	})
}

// Send shows the client what the order allows.
func (c *exchangeConn) Send(ctx context.Context, event parley.Event) error {
	return c.take(ctx, event, func() error {
		switch {
		case c.gone:
			return parley.ErrDisconnected
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		return c.accept(event)
	})
}

func (c *exchangeConn) accept(event parley.Event) error {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		return c.start(event)
	case parley.HTTPResponseBody:
		return c.body(event, event.Body, event.More)
	case parley.HTTPResponseZeroCopySend:
		return c.zeroCopySend(event)
	case parley.HTTPResponsePathSend:
		return c.pathSend(event)
	case parley.HTTPResponseTrailers:
		return c.trailers(event)
	case parley.HTTPResponseEarlyHint:
		return c.earlyHint(event)
	case parley.HTTPResponseDebug:
		return c.debug(event)
	}
	return c.order.Unknown(event)
}

func (c *exchangeConn) start(event parley.HTTPResponseStart) error {
	if err := c.order.Start(event); err != nil {
		return err
	}
	c.view.Status, c.view.Header = event.Status, event.Header.Clone()
	return nil
}

// body takes a part of the body. Where it breaks the Content-Length the part
// that is allowed reaches the client all the same.
func (c *exchangeConn) body(event parley.Event, data []byte, more bool) error {
	allowed, err := c.order.Body(event, int64(len(data)), more)
	c.write(data[:allowed])
	return err
}

func (c *exchangeConn) write(data []byte) {
	if len(data) > 0 {
		c.view.write(data)
		c.parts = append(c.parts, string(data))
	}
	c.closed = c.order.State() == protocol.HTTPComplete
}

func (c *exchangeConn) trailers(event parley.HTTPResponseTrailers) error {
	if err := c.order.Trailers(event); err != nil {
		return err
	}
	if protocol.WantsTrailers(c.request.Header) {
		if c.view.Trailer == nil {
			c.view.Trailer = make(http.Header)
		}
		maps.Copy(c.view.Trailer, event.Header)
	}
	c.closed = c.order.State() == protocol.HTTPComplete
	return nil
}

func (c *exchangeConn) earlyHint(event parley.HTTPResponseEarlyHint) error {
	if err := c.order.EarlyHint(event); err != nil {
		return err
	}
	if c.request.ProtoAtLeast(1, 1) {
		c.view.Hints = append(c.view.Hints, append([]string(nil), event.Links...))
	}
	return nil
}

func (c *exchangeConn) debug(event parley.HTTPResponseDebug) error {
	if err := c.order.Debug(event); err != nil {
		return err
	}
	c.view.Debug = event.Info
	return nil
}

// finish tells the client what becomes of its answer now that the app has
// returned.
func (x *Exchange) finish(err error) {
	switch ending := x.order.Finish(); {
	case x.gone || errors.Is(err, http.ErrAbortHandler):
		x.view.Truncated = ending != protocol.HTTPDone
	case ending == protocol.HTTPError:
		x.view.fail(protocol.Status(err), x.order.Head)
	case ending == protocol.HTTPAbort:
		length, sized := x.order.Sized()
		x.view.Truncated = !sized || int64(len(x.view.body)) < length
	}
	x.closed = true
}
