package protocol

import (
	"cmp"
	"net/http"

	"github.com/parleygo/parley"
)

// Requested reports whether a conversation began with a request: HTTP, or the
// handshake of a WebSocket. Middleware has nothing to say to the others.
func Requested(scope *parley.Scope) bool {
	return scope.Request != nil &&
		(scope.Protocol == parley.HTTP || scope.Protocol == parley.WebSocket)
}

// AnswerStatus returns the status of the answer that an event begins, and 0 for any
// other event.
func AnswerStatus(event parley.Event) int {
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		return e.Status
	case parley.WebSocketAccept:
		return http.StatusSwitchingProtocols
	case parley.WebSocketDeny:
		return cmp.Or(e.Status, http.StatusForbidden)
	case parley.WebSocketResponseStart:
		return e.Status
	}
	return 0
}

// Denial returns the event by which an app that closes a handshake, which is not
// answered yet, denies it, and any other event as it is.
func Denial(event parley.Event) parley.Event {
	if _, closes := event.(parley.WebSocketClose); closes {
		return parley.WebSocketDeny{Status: http.StatusForbidden}
	}
	return event
}

// WithHeader returns an event that begins an answer with header in front of its own,
// as middleware of net/http that sets headers before it hands on, and any other
// event as it is.
func WithHeader(event parley.Event, header http.Header) parley.Event {
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		e.Header = merged(header, e.Header)
		return e
	case parley.WebSocketAccept:
		e.Header = merged(header, e.Header)
		return e
	case parley.WebSocketDeny:
		e.Header = merged(header, e.Header)
		return e
	case parley.WebSocketResponseStart:
		e.Header = merged(header, e.Header)
		return e
	}
	return event
}

// WithField returns an event that begins an answer with a field, unless it has one of that
// name, and any other event as it is.
func WithField(event parley.Event, name, value string) parley.Event {
	for given := range answerHeader(event) {
		if http.CanonicalHeaderKey(given) == name {
			return event
		}
	}
	return WithHeader(event, http.Header{name: {value}})
}

// answerHeader returns the header of an event that begins an answer.
func answerHeader(event parley.Event) http.Header {
	switch e := event.(type) {
	case parley.HTTPResponseStart:
		return e.Header
	case parley.WebSocketAccept:
		return e.Header
	case parley.WebSocketDeny:
		return e.Header
	case parley.WebSocketResponseStart:
		return e.Header
	}
	return nil
}

func merged(header, own http.Header) http.Header {
	all := make(http.Header, len(header)+len(own))
	for _, part := range []http.Header{header, own} {
		for name, values := range part {
			name = http.CanonicalHeaderKey(name)
			all[name] = append(all[name], values...)
		}
	}
	return all
}

// Heading is a conn that takes fields for the head of its answer in advance. They are in
// the answer that a server gives in the place of an app, too, which no wrapper sees.
type Heading interface {
	// SetHead reports whether it is not too late. What is sent later goes before it.
	SetHead(header http.Header) bool
}

// SetHead has the answer of conn have header, whoever gives it. It reports false where
// conn cannot, which leaves it to a wrapper.
func SetHead(conn parley.Conn, header http.Header) bool {
	heading, ok := conn.(Heading)
	return ok && heading.SetHead(header)
}
