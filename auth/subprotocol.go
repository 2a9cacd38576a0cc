package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/middleware"
)

// bearerProtocol is what a client offers in front of its token.
const bearerProtocol = "bearer"

// Subprotocol authenticates sockets of browsers, whose scripts can set no
// headers, with a token among the offered subprotocols:
//
//	new WebSocket(url, ["bearer", token, "chat.v1"])
//
// The app below sees ["chat.v1"] and accepts with that, or with none: then
// "bearer" is answered, since browsers give up when nothing that they offered is.
// The token is never answered.
//
// A client without a socket has no handshake. What it offers to package fallback is kept
// from the app as well, but lets nobody in: it shows the token in the header of each of
// its requests, to a Bearer beside this.
type Subprotocol struct{ bearer *Bearer }

// NewSubprotocol makes a Subprotocol for tokens that bearer verifies.
func NewSubprotocol(bearer *Bearer) *Subprotocol {
	if bearer == nil {
		panic("auth: NewSubprotocol of a nil Bearer")
	}
	return &Subprotocol{bearer}
}

// Authenticate implements Authenticator.
func (s *Subprotocol) Authenticate(ctx context.Context, scope *parley.Scope) (*Identity, error) {
	at := tokenAt(scope)
	switch {
	case at < 0:
		return nil, nil
	case at >= len(scope.Subprotocols), slices.Contains(scope.Subprotocols[at:], bearerProtocol):
		return nil, &middleware.Refusal{
			By: "subprotocol", Reason: "malformed", Status: http.StatusBadRequest,
			Detail: "bearer must be offered once, with a token behind it",
		}
	}
	identity, err := s.bearer.Verify(ctx, scope.Subprotocols[at])
	if identity != nil {
		identity.Via = "subprotocol"
	}
	return identity, err
}

// tokenAt is where among the subprotocols the token stands, or -1.
func tokenAt(scope *parley.Scope) int {
	if scope.Protocol != parley.WebSocket {
		return -1
	}
	if i := slices.Index(scope.Subprotocols, bearerProtocol); i >= 0 {
		return i + 1
	}
	return -1
}

// hide takes "bearer" and the token out of what the app sees.
func (s *Subprotocol) hide(scope *parley.Scope) *parley.Scope {
	if scope.Protocol == parley.HTTP {
		return hideOffer(scope)
	}
	at := tokenAt(scope)
	if at < 0 || at >= len(scope.Subprotocols) {
		return scope
	}
	below := *scope
	below.Subprotocols = slices.Delete(slices.Clone(scope.Subprotocols), at-1, at+1)
	r := scope.Request.WithContext(scope.Request.Context())
	r.Header = r.Header.Clone()
	if len(below.Subprotocols) == 0 {
		delete(r.Header, "Sec-Websocket-Protocol")
	} else {
		r.Header["Sec-Websocket-Protocol"] = []string{strings.Join(below.Subprotocols, ", ")}
	}
	below.Request = r
	return &below
}

// subprotocolConn answers "bearer" where the app chooses nothing.
type subprotocolConn struct{ parley.Conn }

// Unwrap tells that messages pass unchanged.
func (c *subprotocolConn) Unwrap() parley.Conn { return c.Conn }

func (c *subprotocolConn) Send(ctx context.Context, event parley.Event) error {
	if accept, ok := event.(parley.WebSocketAccept); ok && accept.Subprotocol == "" {
		accept.Subprotocol = bearerProtocol
		event = accept
	}
	return c.Conn.Send(ctx, event)
}
