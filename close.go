package parley

import (
	"errors"
	"net"
	"strconv"
)

// CloseCode is the code of a WebSocket close frame (RFC 6455, section 7.4).
type CloseCode uint16

const (
	CloseNormal             CloseCode = 1000
	CloseGoingAway          CloseCode = 1001
	CloseProtocolError      CloseCode = 1002
	CloseUnsupportedData    CloseCode = 1003
	CloseNoStatus           CloseCode = 1005 // never on the wire: the peer gave no code
	CloseAbnormal           CloseCode = 1006 // never on the wire: the connection was lost
	CloseInvalidPayload     CloseCode = 1007
	ClosePolicyViolation    CloseCode = 1008
	CloseTooLarge           CloseCode = 1009
	CloseMandatoryExtension CloseCode = 1010
	CloseInternalError      CloseCode = 1011
	CloseServiceRestart     CloseCode = 1012
	CloseTryAgainLater      CloseCode = 1013
	CloseBadGateway         CloseCode = 1014
	CloseUnauthorized       CloseCode = 4401
	CloseIdle               CloseCode = 4408
	CloseRateLimited        CloseCode = 4429
)

// Sendable reports whether the code may stand in a close frame: 1000 to 1003, 1007
// to 1014 and 3000 to 4999.
func (c CloseCode) Sendable() bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}

// CloseError tells that a socket was closed by its peer, with the code and
// reason of the peer's close frame. It matches ErrDisconnected and
// net.ErrClosed. An app that returns a CloseError of its own closes its socket
// with that code and reason.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	text := "parley: websocket closed with " + strconv.Itoa(int(e.Code))
	if e.Reason != "" {
		text += " " + strconv.Quote(e.Reason)
	}
	return text
}

// Is makes the error match ErrDisconnected and net.ErrClosed.
func (e *CloseError) Is(target error) bool {
	return target == ErrDisconnected || target == net.ErrClosed
}

// Why a server ends a conversation. They are found in context.Cause and in the
// Cause of a disconnect event; CodeOf tells the close code that goes with each.
var (
	ErrSlowConsumer    error = &cause{"peer reads too slowly", CloseTryAgainLater}
	ErrDraining        error = &cause{"server is draining", CloseServiceRestart}
	ErrIdle            error = &cause{"peer is idle", CloseIdle}
	ErrAuthExpired     error = &cause{"authentication expired or revoked", CloseUnauthorized}
	ErrTooLarge        error = &cause{"message or body too large", CloseTooLarge}
	ErrRateLimited     error = &cause{"rate limit exceeded", CloseRateLimited}
	ErrOverloaded      error = &cause{"server is overloaded", CloseTryAgainLater}
	ErrAppPanic        error = &cause{"app panicked", CloseInternalError}
	ErrGoexit          error = &cause{"app ended its goroutine with runtime.Goexit", CloseInternalError}
	ErrInvalidPayload  error = &cause{"message is not valid UTF-8 or cannot be decoded", CloseInvalidPayload}
	ErrUnsupportedData error = &cause{"message of a kind that is not accepted", CloseUnsupportedData}
	ErrPeerProtocol    error = &cause{"peer broke the WebSocket protocol", CloseProtocolError}
	ErrTooOld          error = &cause{"connection reached its maximum age", CloseServiceRestart}
	ErrKicked          error = &cause{"ended by an operator", ClosePolicyViolation}
	ErrFinished        error = &cause{"app returned", CloseNormal}
)

type cause struct {
	text string
	code CloseCode
}

func (e *cause) Error() string { return "parley: " + e.text }

// CodeOf returns the close code that goes with err: 1000 for nil, the code of a
// *CloseError or of a cause of this package, and 1011 for anything else.
func CodeOf(err error) CloseCode {
	var closeError *CloseError
	var why *cause
	switch {
	case err == nil:
		return CloseNormal
	case errors.As(err, &closeError):
		return closeError.Code
	case errors.As(err, &why):
		return why.code
	}
	return CloseInternalError
}
