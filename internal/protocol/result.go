package protocol

import (
	"errors"
	"net/http"

	"github.com/parleygo/parley"
)

// Status returns the HTTP status that answers for an app which has returned err
// without an answer of its own. It serves a handshake too.
func Status(err error) int {
	for _, known := range statuses {
		if errors.Is(err, known.err) {
			return known.status
		}
	}
	var unsupported *parley.UnsupportedProtocolError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &unsupported):
		if unsupported.Protocol == parley.HTTP && unsupported.Served == parley.WebSocket {
			return http.StatusUpgradeRequired
		}
		return http.StatusNotFound
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

var statuses = []struct {
	err    error
	status int
}{
	{parley.ErrNotFound, http.StatusNotFound},
	{parley.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{parley.ErrInvalidPayload, http.StatusBadRequest},
	{parley.ErrUnsupportedData, http.StatusUnsupportedMediaType},
	{parley.ErrAuthExpired, http.StatusUnauthorized},
	{parley.ErrKicked, http.StatusForbidden},
	{parley.ErrRateLimited, http.StatusTooManyRequests},
	{parley.ErrDraining, http.StatusServiceUnavailable},
	{parley.ErrOverloaded, http.StatusServiceUnavailable},
	{parley.ErrFull, http.StatusServiceUnavailable},
}

// Goodbye returns the close that ends a socket whose app has returned err. Only
// a *parley.CloseError speaks to the client: the text of any other error may
// tell what is none of its business.
func Goodbye(err error) parley.WebSocketClose {
	var own *parley.CloseError
	switch {
	case errors.As(err, &own) && own.Code.Sendable():
		return parley.WebSocketClose{Code: own.Code, Reason: CutReason(own.Reason)}
	case own != nil:
		return parley.WebSocketClose{Code: parley.CloseInternalError} // 1006 and its like can't be said
	case errors.Is(err, parley.ErrDisconnected):
		return parley.WebSocketClose{Code: parley.CloseNormal}
	}
	return parley.WebSocketClose{Code: parley.CodeOf(err)}
}
