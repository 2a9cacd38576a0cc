package middleware

import (
	"cmp"
	"context"
	"net/http"
	"sync"

	"github.com/parleygo/parley"
)

// logConn counts what passes.
type logConn struct {
	parley.Conn
	scope *parley.Scope

	mu       sync.Mutex
	access   Access
	accepted bool
	said     parley.CloseCode // in a close that was sent, perhaps beside the accept
}

// Unwrap tells that messages pass unchanged.
func (c *logConn) Unwrap() parley.Conn { return c.Conn }

// offering keeps senders to many sockets from going past the count.
func (c *logConn) offering() parley.Conn {
	if offerer, ok := parley.OffererOf(c.Conn); ok {
		return &offeringLogConn{c, offerer}
	}
	return c
}

type offeringLogConn struct {
	*logConn
	offerer parley.Offerer
}

// Offer is that of the conn below.
func (c *offeringLogConn) Offer(message parley.WebSocketSend) error {
	err := c.offerer.Offer(message)
	if err == nil {
		c.sent(message)
	}
	return err
}

func (c *logConn) Receive(ctx context.Context) (parley.Event, error) {
	event, err := c.Conn.Receive(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event := event.(type) {
	case parley.HTTPRequest:
		c.access.BytesIn += int64(len(event.Body))
	case parley.WebSocketReceive:
		c.access.BytesIn += int64(len(event.Data))
	case parley.WebSocketDisconnect:
		if c.accepted && c.access.Code == 0 {
			c.access.Code, c.access.Cause = event.Code, event.Cause
		}
	}
	return event, err
}

func (c *logConn) Send(ctx context.Context, event parley.Event) error {
	if answers(event) {
		c.mu.Lock()
		c.access.Route = c.scope.Request.Pattern // a router below takes it back when it returns
		c.mu.Unlock()
	}
	err := c.Conn.Send(ctx, event)
	if err == nil {
		c.sent(event)
	}
	return err
}

// answers reports whether an event begins the answer to the request.
func answers(event parley.Event) bool {
	switch event.(type) {
	case parley.HTTPResponseStart, parley.WebSocketAccept, parley.WebSocketDeny,
		parley.WebSocketResponseStart:
		return true
	}
	return false
}

// sent takes note of an event that was taken.
func (c *logConn) sent(event parley.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		c.access.Status = event.Status
	case parley.HTTPResponseBody:
		c.access.BytesOut += int64(len(event.Body))
	case parley.HTTPResponseZeroCopySend:
		c.access.BytesOut += event.Count // what a whole file has is not known here
	case parley.WebSocketAccept:
		c.access.Status, c.accepted = http.StatusSwitchingProtocols, true
	case parley.WebSocketDeny:
		c.access.Status = cmp.Or(event.Status, http.StatusForbidden)
		c.access.BytesOut += int64(len(event.Body))
	case parley.WebSocketResponseStart:
		c.access.Status = event.Status
	case parley.WebSocketResponseBody:
		c.access.BytesOut += int64(len(event.Body))
	case parley.WebSocketSend:
		_, data := event.Payload()
		c.access.BytesOut += int64(len(data))
	case parley.WebSocketClose:
		c.closed(event)
	}
}

// closed may run before the accept beside which the close was sent was noted.
func (c *logConn) closed(event parley.WebSocketClose) {
	if c.said == 0 {
		c.said = cmp.Or(event.Code, parley.CloseNormal)
	}
	if !c.accepted {
		c.access.Status = http.StatusForbidden
	}
}
