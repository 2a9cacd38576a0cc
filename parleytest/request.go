package parleytest

import (
	"context"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// received returns the request as a server would have read it. The body arrives
// in events, so the request itself has none.
func received(ctx context.Context, request *http.Request) *http.Request {
	r := request.WithContext(ctx)
	u := *request.URL
	r.URL = &u
	r.Header = request.Header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Body = http.NoBody
	if r.Host == "" {
		r.Host = u.Host
	}
	if r.RequestURI == "" {
		r.RequestURI = u.RequestURI()
	}
	if r.RemoteAddr == "" {
		r.RemoteAddr = "192.0.2.1:1234" // httptest's; kept for documentation by RFC 5737
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	return r
}

func httpScope(r *http.Request) *parley.Scope {
	extensions := []parley.Extension{
		parley.ExtensionDebug, parley.ExtensionPathSend, parley.ExtensionZeroCopySend,
	}
	if r.ProtoAtLeast(1, 1) {
		extensions = append(extensions, parley.ExtensionEarlyHint)
	}
	if protocol.WantsTrailers(r.Header) {
		extensions = append(extensions, parley.ExtensionTrailers)
	}
	return &parley.Scope{Protocol: parley.HTTP, Request: r, Extensions: extensions}
}

// socketScope also makes a browser's handshake of the request, for apps and
// middleware that look at its headers. A header that the test has given stays,
// also if it was given as nil.
func socketScope(r *http.Request, offer []string) *parley.Scope {
	for name, value := range handshake(r.Host) {
		if _, given := r.Header[name]; !given {
			r.Header[name] = value
		}
	}
	if len(offer) > 0 {
		r.Header.Add("Sec-Websocket-Protocol", strings.Join(offer, ", "))
	}
	return &parley.Scope{
		Protocol:     parley.WebSocket,
		Request:      r,
		Subprotocols: protocol.Subprotocols(r.Header),
		Extensions:   []parley.Extension{parley.ExtensionDenial},
	}
}

// handshake returns the headers of a browser's handshake.
func handshake(host string) http.Header {
	return http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Origin":                {"http://" + host},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="}, // RFC 6455, section 1.3
	}
}
