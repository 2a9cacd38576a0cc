package parley

import (
	"context"
	"errors"
	"net"
)

// Conditions a conversation can be in. Both match net.ErrClosed.
var (
	// ErrDisconnected: there is nobody to talk to any more, because the peer has
	// gone or the server has ended the conversation; context.Cause says which.
	// Send returns it, and an app may return it too: that is a clean end. It matches
	// context.Canceled as well: what takes a conversation's context and fails with its
	// cause, as a request of net/http's client does, was called away.
	ErrDisconnected error = &closed{text: "parley: disconnected", calledAway: true}

	// ErrClosed: this side has closed the conversation already.
	ErrClosed error = &closed{text: "parley: conversation closed"}
)

type closed struct {
	text       string
	calledAway bool
}

func (e *closed) Error() string { return e.text }

func (e *closed) Is(target error) bool {
	return target == net.ErrClosed || e.calledAway && target == context.Canceled
}

// The rules an app can break. Send returns them inside a *ProtocolError.
var (
	ErrBodyBeforeStart       = errors.New("body before start of response")
	ErrAlreadyStarted        = errors.New("response already started")
	ErrResponseComplete      = errors.New("response already complete")
	ErrShortBody             = errors.New("body shorter than Content-Length")
	ErrLongBody              = errors.New("body longer than Content-Length")
	ErrInvalidHeader         = errors.New("invalid header")
	ErrInvalidStatus         = errors.New("status out of range")
	ErrNotAccepted           = errors.New("websocket not accepted yet")
	ErrAlreadyAccepted       = errors.New("websocket already accepted")
	ErrSubprotocolNotOffered = errors.New("subprotocol was not offered by the client")
	ErrReservedHeader        = errors.New("header is reserved for the handshake")
	ErrInvalidCloseCode      = errors.New("close code may not be sent")
	ErrInvalidText           = errors.New("text message is not valid UTF-8")
	ErrUnexpectedEvent       = errors.New("event does not belong here")
	ErrNotAnswered           = errors.New("app returned without an answer")
	ErrIncomplete            = errors.New("app returned before its answer was complete")
)

// ErrNotFound: no app serves this path. Adapters answer it with 404, on a
// WebSocket handshake too.
var ErrNotFound = errors.New("parley: no app serves this path")

// ErrExtensionUnavailable: the server did not announce the extension that the
// event needs. It matches errors.ErrUnsupported.
var ErrExtensionUnavailable error = unavailable{}

type unavailable struct{}

func (unavailable) Error() string        { return "extension not available" }
func (unavailable) Is(target error) bool { return target == errors.ErrUnsupported }

// ProtocolError tells that an app broke a rule of its protocol. It wraps one of
// the sentinel errors above.
type ProtocolError struct {
	State string // where the conversation stood, such as "started"
	Event string // the type of the event that was refused
	Rule  string // the rule's id, such as "A4.start-twice"
	Err   error  // the condition
}

func (e *ProtocolError) Error() string {
	return "parley: " + e.Event + " in state " + e.State + ": " + e.Err.Error() +
		" (rule " + e.Rule + ")"
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// UnsupportedProtocolError is what an app returns for a protocol that it does
// not serve. It matches errors.ErrUnsupported. Adapters answer it with 404, or a plain
// request with 426 if the app serves sockets, and, on Lifespan, go on without.
type UnsupportedProtocolError struct {
	Protocol Protocol
	Served   Protocol // what the app serves in its place; empty if it does not say
}

func (e *UnsupportedProtocolError) Error() string {
	return "parley: protocol " + string(e.Protocol) + " is not served here"
}

// Is makes the error match errors.ErrUnsupported.
func (e *UnsupportedProtocolError) Is(target error) bool { return target == errors.ErrUnsupported }
