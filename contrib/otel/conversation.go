package parleyotel

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/middleware"
)

// end ends the span of a conversation that has ended.
func end(ctx context.Context, a *middleware.Access) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if a.Route != "" {
		span.SetName(spanName(method(a.Method), a.Route))
		span.SetAttributes(attribute.String("http.route", path(a.Route)))
	}
	if a.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", a.Status))
	}
	span.SetAttributes(attribute.Int64("parley.bytes.in", a.BytesIn),
		attribute.Int64("parley.bytes.out", a.BytesOut))
	if a.Code != 0 {
		span.AddEvent("websocket.close", trace.WithAttributes(
			attribute.Int("websocket.close.code", int(a.Code)), attribute.String("cause", textOf(a.Cause))))
	}
	if a.Status >= http.StatusInternalServerError || a.Code == parley.CloseInternalError {
		span.SetStatus(codes.Error, textOf(a.Cause))
		kind := cmp.Or(kindOf(a.Cause), http.StatusText(a.Status))
		span.SetAttributes(attribute.String("error.type", kind))
	}
}

// spanName is the conventions' "method route". A pattern may begin with its method.
func spanName(method, route string) string { return method + " " + path(route) }

func path(route string) string {
	if _, rest, found := strings.Cut(route, " "); found {
		return rest
	}
	return route
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return census.Clip(err.Error())
}

// kindOf is one of few words for an error.
func kindOf(err error) string {
	switch {
	case errors.Is(err, parley.ErrAppPanic):
		return "panic"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case err != nil:
		return "error"
	}
	return ""
}

// watched is an app whose accepts and messages are events of its span.
func (t *Tracing) watched(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.WebSocket {
			return next.Serve(ctx, scope, conn)
		}
		c := &tracedConn{Conn: conn, span: trace.SpanFromContext(ctx), fraction: t.options.Messages}
		defer c.finish()
		if offerer, ok := parley.OffererOf(conn); ok {
			return next.Serve(ctx, scope, &offeringConn{c, offerer})
		}
		return next.Serve(ctx, scope, c)
	})
}

// tracedConn is the conn of a WebSocket that has a span.
type tracedConn struct {
	parley.Conn
	span     trace.Span
	fraction float64

	in, out atomic.Int64
}

// Unwrap tells that messages pass unchanged.
func (c *tracedConn) Unwrap() parley.Conn { return c.Conn }

func (c *tracedConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	if message, ok := event.(parley.WebSocketReceive); ok {
		c.message("in", &c.in, message.Type, len(message.Data))
	}
	return event, err
}

func (c *tracedConn) Send(ctx context.Context, event parley.Event) error {
	err := c.Conn.Send(ctx, event)
	if err != nil {
		return err
	}
	switch event := event.(type) {
	case parley.WebSocketSend:
		c.sent(event)
	case parley.WebSocketAccept:
		c.span.AddEvent("websocket.accept", trace.WithAttributes(
			attribute.String("websocket.subprotocol", event.Subprotocol)))
	}
	return nil
}

func (c *tracedConn) sent(message parley.WebSocketSend) {
	kind, data := message.Payload()
	c.message("out", &c.out, kind, len(data))
}

// message counts a message, which may be an event.
func (c *tracedConn) message(
	direction string, count *atomic.Int64, kind parley.MessageType, size int,
) {
	number := count.Add(1)
	if c.fraction == 0 || rand.Float64() >= c.fraction {
		return
	}
	text := "text"
	if kind == parley.BinaryMessage {
		text = "binary"
	}
	c.span.AddEvent("websocket.message", trace.WithAttributes(
		attribute.String("direction", direction), attribute.Int64("number", number),
		attribute.String("type", text), attribute.Int("size", size)))
}

func (c *tracedConn) finish() {
	c.span.SetAttributes(attribute.Int64("parley.messages.in", c.in.Load()),
		attribute.Int64("parley.messages.out", c.out.Load()))
}

// offeringConn is a tracedConn whose conn takes messages without waiting.
type offeringConn struct {
	*tracedConn
	offerer parley.Offerer
}

// Offer is that of the conn below.
func (c *offeringConn) Offer(message parley.WebSocketSend) error {
	err := c.offerer.Offer(message)
	if err == nil {
		c.sent(message)
	}
	return err
}
