package parleytest

import (
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// messageLimit is the default of the live carrier.
const messageLimit = 1 << 20

// Close says goodbye with code and reason, as a script's close does. Zero stands
// for a close without a code, of which the app is told 1005. What was sent before
// is received first.
func (s *Socket) Close(code parley.CloseCode, reason string) {
	s.t.Helper()
	if len(reason) > len(protocol.CutReason(reason)) {
		s.t.Fatalf("parleytest: reason %q is too long for a close frame", reason)
	}
	s.Accept()
	s.state.Update(func() { s.goodbye(code, reason) })
}

// goodbye is a close frame of the client. A server answers it with the same
// code.
func (s *Socket) goodbye(code parley.CloseCode, reason string) {
	switch {
	case code == 0:
		code, reason = parley.CloseNoStatus, ""
	case !code.Sendable():
		s.fail(parley.ErrPeerProtocol)
		return
	}
	s.over(parley.WebSocketDisconnect{Code: code}, parley.WebSocketDisconnect{
		Code: code, Reason: reason, Cause: &parley.CloseError{Code: code, Reason: reason},
	})
}

// Vanish takes the client away: the connection is lost. What it sent before is
// still received.
func (s *Socket) Vanish() {
	lost := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrDisconnected}
	s.state.Update(func() { s.over(lost, lost) })
}

// Fail has the server end the socket, as it does for reasons of its own:
// parley.ErrDraining, parley.ErrIdle, parley.ErrAuthExpired and the like. Client
// and app are told the code that goes with cause; an idle client, which would
// hear nothing, is cut off with 1006.
func (s *Socket) Fail(cause error) { s.state.Update(func() { s.fail(cause) }) }

func (s *Socket) fail(cause error) {
	code := parley.CodeOf(cause)
	if errors.Is(cause, parley.ErrIdle) {
		code = parley.CloseAbnormal
	}
	s.over(parley.WebSocketDisconnect{Code: code},
		parley.WebSocketDisconnect{Code: code, Cause: cause})
}

// deliver brings a message to the app, if it is one that a server lets through.
func (s *Socket) deliver(kind parley.MessageType, data []byte) {
	switch {
	case len(data) > messageLimit:
		s.fail(parley.ErrTooLarge)
	case kind == parley.TextMessage && !utf8.Valid(data):
		s.fail(parley.ErrInvalidPayload)
	case s.lost == nil:
		s.incoming = append(s.incoming,
			parley.WebSocketReceive{Type: kind, Data: append([]byte(nil), data...)})
	}
}

// over ends the socket, which happens once: client and app are what either of
// them is told.
func (s *Socket) over(client, app parley.WebSocketDisconnect) {
	if s.closed == nil {
		s.closed, s.answered = &client, true
	}
	if s.lost == nil {
		s.lost = &app
		s.order.Disconnect()
		s.end(app.Cause)
	}
}

// finish tells the client what becomes of the socket now that the app has
// returned.
func (s *Socket) finish(err error) {
	denied := parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrClosed}
	switch ending := s.order.Finish(); {
	case ending != protocol.WebSocketDone && errors.Is(err, http.ErrAbortHandler):
		s.over(denied, denied) // the app has cut the connection
	case ending == protocol.WebSocketFail:
		s.denial.fail(protocol.Status(err), false)
		s.over(denied, denied)
	case ending == protocol.WebSocketAbort:
		s.denial.Truncated = true
		s.over(denied, denied)
	case ending == protocol.WebSocketSayGoodbye:
		goodbye := protocol.Goodbye(err)
		said := parley.WebSocketDisconnect{Code: goodbye.Code, Reason: goodbye.Reason,
			Cause: parley.ErrFinished}
		s.over(said, said)
	}
	if s.accept == nil && s.denial.Status == 0 {
		s.denial.Truncated = true // there was no answer
	}
}
