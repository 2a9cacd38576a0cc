package middleware

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// headerConn adds headers to the answer, whatever kind it is.
type headerConn struct {
	parley.Conn
	header http.Header
}

// Unwrap tells that messages pass unchanged.
func (c *headerConn) Unwrap() parley.Conn { return c.Conn }

func (c *headerConn) Send(ctx context.Context, event parley.Event) error {
	return c.Conn.Send(ctx, protocol.WithHeader(event, c.header))
}
