package parley

import (
	"context"
	"net/http"
)

// Answer answers a conversation that began with a request, whichever kind it is:
// an HTTP conversation with a whole response, a WebSocket handshake with a denial
// that looks the same. header may be nil and belongs to the conn afterwards. Other
// protocols are an *UnsupportedProtocolError.
func Answer(
	ctx context.Context, scope *Scope, conn Conn, status int, header http.Header, body []byte,
) error {
	switch scope.Protocol {
	case HTTP:
		return Respond(ctx, conn, status, header, body)
	case WebSocket:
		return conn.Send(ctx, WebSocketDeny{Status: status, Header: header, Body: body})
	}
	return &UnsupportedProtocolError{Protocol: scope.Protocol}
}
