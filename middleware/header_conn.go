package middleware

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// echoing returns a conn whose answer has a field, of whatever kind it is.
func echoing(conn parley.Conn, name, value string) parley.Conn {
	if protocol.SetHead(conn, http.Header{name: {value}}) {
		return conn
	}
	return &headerConn{conn, name, value}
}

// headerConn adds a field to answers that do not have it.
type headerConn struct {
	parley.Conn
	name, value string
}

// Unwrap tells that messages pass unchanged.
func (c *headerConn) Unwrap() parley.Conn { return c.Conn }

func (c *headerConn) Send(ctx context.Context, event parley.Event) error {
	return c.Conn.Send(ctx, protocol.WithField(event, c.name, c.value))
}
