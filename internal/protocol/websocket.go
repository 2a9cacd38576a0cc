package protocol

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// WebSocketState is where a WebSocket conversation stands.
type WebSocketState uint8

const (
	WebSocketConnecting   WebSocketState = iota // handshake not answered yet
	WebSocketDenying                            // a streamed denial is under way
	WebSocketDenied                             // answered with a plain HTTP response
	WebSocketOpen                               // accepted
	WebSocketClosed                             // this side has sent its close
	WebSocketDisconnected                       // the peer is gone
)

func (s WebSocketState) String() string {
	return [...]string{"connecting", "denying", "denied", "open", "closed", "disconnected"}[s]
}

// WebSocket is the order of one socket, seen from the app. The zero value is
// its beginning. It is not safe for concurrent use.
type WebSocket struct {
	state WebSocketState
	end   *webSocketEnd // or nil
}

// webSocketEnd is what this side has said of the end of a socket.
type webSocketEnd struct {
	closed parley.WebSocketClose // if state says so
	sized  bool                  // a denial has announced its length
	left   int64                 // of which that much is still to come
}

// State returns where the socket stands.
func (w *WebSocket) State() WebSocketState { return w.state }

func (w *WebSocket) refuse(event parley.Event, rule *Rule) error {
	return rule.refuse(w.state.String(), event)
}

// over answers an event that comes when nothing may be sent any more.
func (w *WebSocket) over(event parley.Event) error {
	if w.state == WebSocketDisconnected {
		return parley.ErrDisconnected
	}
	return w.refuse(event, &sendAfterClose)
}

// answerable checks that the handshake waits for an answer still.
func (w *WebSocket) answerable(event parley.Event) error {
	switch w.state {
	case WebSocketConnecting:
		return nil
	case WebSocketOpen:
		return w.refuse(event, &acceptTwice)
	case WebSocketDenying:
		return w.refuse(event, &denyTwice)
	}
	return w.over(event)
}

// Accept checks an accept against what the client offered and opens the socket.
func (w *WebSocket) Accept(event parley.WebSocketAccept, offered []string) error {
	if err := w.answerable(event); err != nil {
		return err
	}
	switch {
	case event.Subprotocol != "" && !slices.Contains(offered, event.Subprotocol):
		return w.refuse(event, &subprotocolNotOffered)
	case !ValidHeader(event.Header):
		return w.refuse(event, &invalidHeader)
	case reservedInHandshake(event.Header):
		return w.refuse(event, &reservedHeader)
	}
	w.state = WebSocketOpen
	return nil
}

func reservedInHandshake(header http.Header) bool {
	for name := range header {
		switch strings.ToLower(name) {
		case "sec-websocket-protocol", "sec-websocket-accept", "sec-websocket-extensions",
			"upgrade", "connection", "content-length", "transfer-encoding":
			return true
		}
	}
	return false
}

// Send checks a message.
func (w *WebSocket) Send(event parley.WebSocketSend) error {
	switch w.state {
	case WebSocketOpen:
	case WebSocketConnecting:
		return w.refuse(event, &sendBeforeAccept)
	default:
		return w.over(event)
	}
	if !ValidMessage(event) {
		return w.refuse(event, &invalidText)
	}
	return nil
}

// ValidMessage reports whether a message is one that may be sent.
func ValidMessage(event parley.WebSocketSend) bool {
	if event.Prepared != nil {
		return event.Prepared.Valid()
	}
	return event.Type != parley.TextMessage || utf8.Valid(event.Data)
}

// Closing is what becomes of a WebSocketClose.
type Closing uint8

const (
	CloseNothing Closing = iota // refused, or said before
	CloseFrame                  // say goodbye on the socket
	CloseDenies                 // answer the handshake with 403
)

// Close checks a close. The event it returns has its code filled in and its
// reason cut to what fits a close frame.
func (w *WebSocket) Close(event parley.WebSocketClose) (parley.WebSocketClose, Closing, error) {
	if event.Code == 0 {
		event.Code = parley.CloseNormal
	}
	event.Reason = CutReason(event.Reason)
	switch w.state {
	case WebSocketConnecting:
		w.state = WebSocketDenied
		return event, CloseDenies, nil
	case WebSocketOpen:
	case WebSocketClosed:
		if event == w.end.closed {
			return event, CloseNothing, nil // saying the same twice is harmless
		}
		return event, CloseNothing, w.over(event)
	case WebSocketDenying:
		return event, CloseNothing, w.refuse(event, &denyTwice)
	default:
		return event, CloseNothing, w.over(event)
	}
	if !event.Code.Sendable() {
		return event, CloseNothing, w.refuse(event, &closeCode)
	}
	w.state, w.end = WebSocketClosed, &webSocketEnd{closed: event}
	return event, CloseFrame, nil
}

// CutReason cuts a close reason to the 123 bytes that fit a close frame, on a
// rune boundary, and drops what is not UTF-8.
func CutReason(reason string) string {
	const limit = 123
	reason = strings.ToValidUTF8(reason, "")
	if len(reason) <= limit {
		return reason
	}
	end := limit
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// Deny checks a denial in one event. The event it returns has its status filled
// in.
func (w *WebSocket) Deny(event parley.WebSocketDeny) (parley.WebSocketDeny, error) {
	if event.Status == 0 {
		event.Status = http.StatusForbidden
	}
	if err := w.deny(event, event.Status, event.Header); err != nil {
		return event, err
	}
	w.state = WebSocketDenied
	return event, nil
}

// ResponseStart checks the head of a streamed denial.
func (w *WebSocket) ResponseStart(event parley.WebSocketResponseStart) error {
	if err := w.deny(event, event.Status, event.Header); err != nil {
		return err
	}
	var check HeaderCheck
	check.all(event.Header)
	length, sized, ok := check.contentLength()
	if !ok {
		return w.refuse(event, &badLength)
	}
	if sized && event.Status != http.StatusNoContent && event.Status != http.StatusNotModified {
		w.end = &webSocketEnd{sized: true, left: length}
	}
	w.state = WebSocketDenying
	return nil
}

func (w *WebSocket) deny(event parley.Event, status int, header http.Header) error {
	if err := w.answerable(event); err != nil {
		return err
	}
	switch {
	case status < 200 || status > 599:
		return w.refuse(event, &denyStatus)
	case !ValidHeader(header):
		return w.refuse(event, &invalidHeader)
	}
	return nil
}

// ResponseBody checks a part of a streamed denial.
func (w *WebSocket) ResponseBody(event parley.WebSocketResponseBody) error {
	switch w.state {
	case WebSocketDenying:
	case WebSocketConnecting:
		return w.refuse(event, &bodyBeforeStart)
	case WebSocketOpen:
		return w.refuse(event, &acceptTwice)
	default:
		return w.over(event)
	}
	if err := w.measure(event); err != nil {
		return err
	}
	if !event.More {
		w.state = WebSocketDenied
	}
	return nil
}

// measure checks a part of a denial against the length that was announced.
func (w *WebSocket) measure(event parley.WebSocketResponseBody) error {
	if w.end == nil || !w.end.sized {
		return nil
	}
	left := w.end.left - int64(len(event.Body))
	switch {
	case left < 0:
		return w.refuse(event, &longDenial)
	case left > 0 && !event.More:
		return w.refuse(event, &shortDenial)
	}
	w.end.left = left
	return nil
}

// Unknown refuses an event that is none of WebSocket's.
func (w *WebSocket) Unknown(event parley.Event) error {
	return w.refuse(event, &unknownEvent)
}

// Disconnect tells that the peer is gone. What this side closed stays closed.
func (w *WebSocket) Disconnect() {
	if w.state == WebSocketOpen || w.state == WebSocketConnecting || w.state == WebSocketDenying {
		w.state = WebSocketDisconnected
	}
}

// WebSocketEnding is what an adapter does when the app has returned.
type WebSocketEnding uint8

const (
	WebSocketDone       WebSocketEnding = iota // all is said
	WebSocketFail                              // handshake not answered: answer with an error status
	WebSocketAbort                             // denial cut in the middle: so is the connection
	WebSocketSayGoodbye                        // open still: close with the code of the app's result
)

// Finish tells what to do when the app has returned.
func (w *WebSocket) Finish() WebSocketEnding {
	switch w.state {
	case WebSocketConnecting:
		return WebSocketFail
	case WebSocketDenying:
		return WebSocketAbort
	case WebSocketOpen:
		return WebSocketSayGoodbye
	}
	return WebSocketDone
}
