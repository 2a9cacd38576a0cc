package parleytest

import (
	"slices"

	"github.com/parleygo/parley"
)

// Sent is an event that the app sent and the error that Send returned.
type Sent struct {
	Event parley.Event
	Err   error
}

// keep returns the event with bytes and headers of its own: those in a sent
// event belong to the app again when Send has returned.
func keep(event parley.Event) parley.Event {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		event.Header = event.Header.Clone()
		return event
	case parley.HTTPResponseBody:
		event.Body = slices.Clone(event.Body)
		return event
	case parley.HTTPResponseTrailers:
		event.Header = event.Header.Clone()
		return event
	case parley.WebSocketAccept:
		event.Header = event.Header.Clone()
		return event
	case parley.WebSocketSend:
		event.Data = slices.Clone(event.Data)
		return event
	case parley.WebSocketDeny:
		event.Header, event.Body = event.Header.Clone(), slices.Clone(event.Body)
		return event
	case parley.WebSocketResponseStart:
		event.Header = event.Header.Clone()
		return event
	case parley.WebSocketResponseBody:
		event.Body = slices.Clone(event.Body)
		return event
	}
	return event
}
