package overevents

import (
	"context"

	"github.com/parleygo/parley"
)

// NewDenial returns a writer whose answer denies the handshake of conn. The caller
// retires it when its handler has returned, finishes it if there is something to
// answer, and releases it in any case.
func NewDenial(ctx context.Context, scope *parley.Scope, conn parley.Conn) *Writer {
	return newWriter(ctx, scope, &denial{Conn: conn})
}

// denial makes the answer to a WebSocket handshake of HTTP's events. The head
// waits for the first part of the body: an answer that is whole then is one
// event.
type denial struct {
	parley.Conn
	head parley.WebSocketResponseStart
	held bool
}

// Send translates the events of a response; it is given no others.
func (d *denial) Send(ctx context.Context, event parley.Event) error {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		d.head = parley.WebSocketResponseStart{Status: event.Status, Header: event.Header}
		d.held = true
		return nil
	case parley.HTTPResponseBody:
		return d.sendBody(ctx, event)
	}
	return d.Conn.Send(ctx, event)
}

func (d *denial) sendBody(ctx context.Context, part parley.HTTPResponseBody) error {
	if d.held && !part.More {
		deny := parley.WebSocketDeny{Status: d.head.Status, Header: d.head.Header, Body: part.Body}
		return d.Conn.Send(ctx, deny)
	}
	if d.held {
		d.held = false
		if err := d.Conn.Send(ctx, d.head); err != nil {
			return err
		}
	}
	return d.Conn.Send(ctx, parley.WebSocketResponseBody{Body: part.Body, More: part.More})
}
