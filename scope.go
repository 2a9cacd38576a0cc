package parley

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Protocol is the kind of a conversation.
type Protocol string

const (
	// HTTP is one request and its response.
	HTTP Protocol = "http"
	// WebSocket is one socket, from its handshake to its close.
	WebSocket Protocol = "websocket"
	// Lifespan is the life of the process: start-up and shutdown.
	Lifespan Protocol = "lifespan"
	// Channel is a stream of messages sent to a named channel.
	Channel Protocol = "channel"
)

// Extension names something that a server may or may not be able to do. The
// values are ASGI's. Of ASGI's own, http.response.push is missing: browsers have
// given up HTTP/2's server push, and an early hint does what it was for.
type Extension string

const (
	ExtensionTrailers     Extension = "http.response.trailers"
	ExtensionEarlyHint    Extension = "http.response.early_hint"
	ExtensionZeroCopySend Extension = "http.response.zerocopysend"
	ExtensionPathSend     Extension = "http.response.pathsend"
	ExtensionDebug        Extension = "http.response.debug"
	ExtensionDenial       Extension = "websocket.http.response"
)

// Scope is what is known of a conversation before its first event. It is
// read-only once handed on: middleware that wants another scope below makes a
// Clone. What middleware finds out (a user, a session, a request id) travels in
// the context instead, behind typed getters. A Scope is valid until Serve
// returns.
type Scope struct {
	// Protocol is the kind of conversation.
	Protocol Protocol

	// Request is the request of an HTTP conversation or the handshake of a
	// WebSocket, nil otherwise. Its Body is not read directly: the body
	// arrives in events. net/http keeps neither order nor case of headers, and a path
	// or a query whose bytes are not UTF-8 comes through as the client sent it. What
	// routers have captured is found by PathValue of the scope: a router may be
	// told to leave it off the request (see NativeRequest).
	Request *http.Request

	// RootPath is the prefix of the path that routers and mounts above have
	// consumed, decoded and without a slash at its end. The request's URL
	// still includes it.
	RootPath string

	// Subprotocols are what the client of a WebSocket offers, in its order.
	Subprotocols []string

	// Channel is the name of the channel of a Channel conversation.
	Channel string

	// Extensions are what this conversation's server can do beyond the core.
	Extensions []Extension

	seldom   *seldom // or nil
	captured capture // what is not on the request
}

// seldom is what few scopes have. It is not written to any more: copies share it.
type seldom struct {
	rawRoot string // RootPath as it was escaped in the request
	nested  bool   // made by Under
	scheme  string // of the client, where a trusted proxy tells it
}

// rarely returns a copy of what there is of seldom.
func (s *Scope) rarely() seldom {
	if s.seldom == nil {
		return seldom{}
	}
	return *s.seldom
}

// Clone returns a copy that may be changed: it shares nothing that is written
// to, except the request's body and context.
func (s *Scope) Clone() *Scope {
	c := *s
	c.Subprotocols = slices.Clone(s.Subprotocols)
	c.Extensions = slices.Clone(s.Extensions)
	if s.Request != nil {
		c.Request = s.Request.Clone(s.Request.Context()) // path values and header lines included
		c.Request.Trailer = s.Request.Trailer            // the server fills it in when the body has been read
	}
	return &c
}

// Supports reports whether the server announced ext.
func (s *Scope) Supports(ext Extension) bool { return slices.Contains(s.Extensions, ext) }

// PathValue returns the value that a router captured under name, or "".
func (s *Scope) PathValue(name string) string {
	if s.captured.names != nil {
		for c := &s.captured; c != nil; c = c.above() {
			if i := slices.Index(c.names, name); i >= 0 {
				return c.at(i)
			}
		}
	}
	if s.Request == nil {
		return ""
	}
	return s.Request.PathValue(name)
}

// Method returns the request's method in upper case: net/http passes on what
// the client wrote.
func (s *Scope) Method() string {
	if s.Request == nil {
		return ""
	}
	return strings.ToUpper(s.Request.Method)
}

// RoutePath returns the decoded path below RootPath. It begins with a slash. A
// path that does not begin with RootPath, on a segment boundary, is returned
// whole.
func (s *Scope) RoutePath() string {
	if s.Request == nil {
		return ""
	}
	rest, _ := below(s.Request.URL.Path, s.RootPath)
	return rest
}

// EscapedRoutePath is RoutePath as it was escaped in the request, so that an
// escaped slash is not taken for a separator. ok is false for a path that does
// not begin with RootPath. Routers match on it.
func (s *Scope) EscapedRoutePath() (path string, ok bool) {
	if s.Request == nil {
		return "", false
	}
	return below(s.Request.URL.EscapedPath(), s.escapedRoot())
}

// Under returns a scope whose RootPath has grown by prefix, an escaped piece of
// the path that begins with a slash and does not end with one. The scope
// shares everything else with s.
func (s *Scope) Under(prefix string) *Scope {
	c := &struct { // one allocation
		Scope
		own seldom
	}{*s, s.rarely()}
	c.seldom = &c.own
	c.own.nested, c.own.rawRoot = true, s.escapedRoot()+prefix
	if decoded, err := url.PathUnescape(prefix); err == nil {
		prefix = decoded
	}
	c.RootPath = s.RootPath + prefix
	return &c.Scope
}

// Nested reports whether a router above made this scope with Under. A router below
// that finds no route then returns its error to the one above, which goes on
// with its next route, instead of answering 404 itself.
func (s *Scope) Nested() bool { return s.seldom != nil && s.seldom.nested }

func (s *Scope) escapedRoot() string {
	if raw := s.rarely().rawRoot; raw != "" || s.RootPath == "" {
		return raw
	}
	return (&url.URL{Path: s.RootPath}).EscapedPath()
}

// below cuts root off the front of path, on a segment boundary.
func below(path, root string) (rest string, ok bool) {
	if root == "" || root == "/" {
		return path, true
	}
	rest, ok = strings.CutPrefix(path, root)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return path, false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// WithScheme returns a scope whose Scheme is the one given and that shares
// everything else with s: for middleware that trusts a proxy which took TLS off.
func (s *Scope) WithScheme(scheme string) *Scope {
	c, own := *s, s.rarely()
	own.scheme = scheme
	c.seldom = &own
	return &c
}

// Scheme returns "http", "https", "ws" or "wss": what the client used on its way
// to this server, TLS taken into account. Proxies are where middleware above
// trusts them (WithScheme); what the request's own URL says of a scheme is the
// client's word, and is not believed.
func (s *Scope) Scheme() string {
	if own := s.rarely().scheme; own != "" {
		return own
	}
	scheme := "http"
	if s.Protocol == WebSocket {
		scheme = "ws"
	}
	if s.Request != nil && s.Request.TLS != nil {
		scheme += "s"
	}
	return scheme
}

// Client returns the peer's address. ok is false where there is none, as on a
// unix socket. The port is 0 where middleware above has left an address alone in
// RemoteAddr, as much of net/http's does that looks behind proxies.
func (s *Scope) Client() (addr netip.AddrPort, ok bool) {
	if s.Request == nil {
		return netip.AddrPort{}, false
	}
	remote := s.Request.RemoteAddr
	if addr, err := netip.ParseAddrPort(remote); err == nil {
		return addr, true
	}
	if bare, found := strings.CutPrefix(remote, "["); found {
		remote = strings.TrimSuffix(bare, "]")
	}
	alone, err := netip.ParseAddr(remote)
	return netip.AddrPortFrom(alone, 0), err == nil
}
