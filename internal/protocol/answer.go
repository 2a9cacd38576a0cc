package protocol

import (
	"net/http"

	"github.com/parleygo/parley"
)

// Requested reports whether a conversation began with a request: HTTP, or the
// handshake of a WebSocket. Middleware has nothing to say to the others.
func Requested(scope *parley.Scope) bool {
	return scope.Request != nil &&
		(scope.Protocol == parley.HTTP || scope.Protocol == parley.WebSocket)
}

// WithHeader returns an event that begins an answer with header on top of its
// own, and any other event as it is.
func WithHeader(event parley.Event, header http.Header) parley.Event {
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
