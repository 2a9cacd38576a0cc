package middleware

import (
	"context"
	"net/http"

	"github.com/parleygo/parley"
)

// headerConn adds headers to the answer, whatever kind it is.
type headerConn struct {
	parley.Conn
	header http.Header
}

// Unwrap tells that messages pass unchanged.
func (c *headerConn) Unwrap() parley.Conn { return c.Conn }

func (c *headerConn) Send(ctx context.Context, event parley.Event) error {
	return c.Conn.Send(ctx, withHeader(event, c.header))
}

// withHeader returns an event that answers with header on top of its own, and any
// other event as it is.
func withHeader(event parley.Event, header http.Header) parley.Event {
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		e.Header = merged(e.Header, header)
		return e
	case parley.WebSocketAccept:
		e.Header = merged(e.Header, header)
		return e
	case parley.WebSocketDeny:
		e.Header = merged(e.Header, header)
		return e
	case parley.WebSocketResponseStart:
		e.Header = merged(e.Header, header)
		return e
	}
	return event
}

func merged(header, more http.Header) http.Header {
	if header = header.Clone(); header == nil {
		header = make(http.Header, len(more))
	}
	for name, values := range more {
		header[name] = append(header[name], values...)
	}
	return header
}
