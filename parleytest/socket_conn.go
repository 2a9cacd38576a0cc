package parleytest

import (
	"bytes"
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// socketConn is the app's end of a Socket.
type socketConn Socket

// Receive gives the connect event, then the messages in order, then for ever the
// end.
func (c *socketConn) Receive(ctx context.Context) (parley.Event, error) {
	c.spoil()
	return c.receive(ctx, func() (event parley.Event) {
		switch {
		case !c.connected:
			event, c.connected = parley.WebSocketConnect{}, true
		case len(c.incoming) > 0:
			event, c.incoming = c.incoming[0], c.incoming[1:]
		case c.lost != nil:
			event = *c.lost
		}
		return event
	})
}

// ReceiveInto puts a message into buffer if it fits, so that an app which keeps the
// bytes for too long is found out here too.
func (c *socketConn) ReceiveInto(
	ctx context.Context, buffer []byte,
) (parley.WebSocketReceive, error) {
	event, err := c.Receive(ctx)
	message, ok := event.(parley.WebSocketReceive)
	switch {
	case err != nil:
		return message, err
	case !ok:
		return message, parley.Unexpected(event)
	}
	if len(message.Data) <= cap(buffer) {
		message.Data = append(buffer[:0], message.Data...)
	}
	return message, nil
}

// ReceiveLent lends a message: its bytes are overwritten when the app receives again, so
// that one which keeps them is found out here too.
func (c *socketConn) ReceiveLent(ctx context.Context) (parley.WebSocketReceive, error) {
	message, err := c.ReceiveInto(ctx, nil)
	if err == nil {
		message.Data = bytes.Clone(message.Data) // the one before may be the test's own
		c.lent = message.Data
	}
	return message, err
}

// spoil overwrites what was lent.
func (c *socketConn) spoil() {
	for i := range c.lent {
		c.lent[i] = '?'
	}
	c.lent = nil
}

// Send shows the client what the order allows.
func (c *socketConn) Send(ctx context.Context, event parley.Event) error {
	return c.take(ctx, event, func() error {
		if ctx.Err() != nil && c.lost == nil {
			return context.Cause(ctx)
		}
		return c.dispatch(event)
	})
}

func (c *socketConn) dispatch(event parley.Event) error {
	switch event := event.(type) {
	case parley.WebSocketAccept:
		return c.accepted(event)
	case parley.WebSocketSend:
		return c.message(event)
	case parley.WebSocketClose:
		return c.close(event)
	case parley.WebSocketDeny:
		return c.deny(event)
	case parley.WebSocketResponseStart:
		return c.denialStart(event)
	case parley.WebSocketResponseBody:
		return c.denialBody(event)
	}
	return c.order.Unknown(event)
}

func (c *socketConn) accepted(event parley.WebSocketAccept) error {
	if err := c.order.Accept(event, c.offered); err != nil {
		return err
	}
	accept := keep(event).(parley.WebSocketAccept)
	c.accept, c.answered = &accept, true
	return nil
}

func (c *socketConn) message(event parley.WebSocketSend) error {
	if err := c.order.Send(event); err != nil {
		return err
	}
	kind, data := event.Payload()
	c.messages = append(c.messages,
		parley.WebSocketReceive{Type: kind, Data: append([]byte(nil), data...)})
	return nil
}

// close ends the socket at once: a browser answers a close frame by itself.
func (c *socketConn) close(event parley.WebSocketClose) error {
	event, closing, err := c.order.Close(event)
	switch closing {
	case protocol.CloseFrame:
		said := parley.WebSocketDisconnect{Code: event.Code, Reason: event.Reason,
			Cause: parley.ErrClosed}
		(*Socket)(c).over(said, said)
	case protocol.CloseDenies:
		c.denial.Status = http.StatusForbidden
		c.denied()
	}
	return err
}

func (c *socketConn) deny(event parley.WebSocketDeny) error {
	event, err := c.order.Deny(event)
	if err != nil {
		return err
	}
	c.denial.Status, c.denial.Header = event.Status, event.Header.Clone()
	c.denial.write(event.Body)
	c.denied()
	return nil
}

func (c *socketConn) denialStart(event parley.WebSocketResponseStart) error {
	if err := c.order.ResponseStart(event); err != nil {
		return err
	}
	c.denial.Status, c.denial.Header = event.Status, event.Header.Clone()
	return nil
}

func (c *socketConn) denialBody(event parley.WebSocketResponseBody) error {
	if err := c.order.ResponseBody(event); err != nil {
		return err
	}
	c.denial.write(event.Body)
	if !event.More {
		c.denied()
	}
	return nil
}

// denied ends the handshake. What the denial says does not reach a browser's
// script. The app's context lives on: it may still have work to do.
func (c *socketConn) denied() {
	told := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrClosed}
	c.closed, c.lost, c.answered = &told, &told, true
}
