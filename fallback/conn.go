package fallback

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/parleygo/parley"
)

// Receive gives the consumer the handshake, the client's messages, and for ever
// the end.
func (s *session) Receive(ctx context.Context) (event parley.Event, err error) {
	err = s.until(ctx, nil, func() bool {
		switch {
		case !s.connected:
			s.connected, event = true, parley.WebSocketConnect{}
		case len(s.in) > 0:
			event, s.in = s.in[0], s.in[1:]
		case s.gone != nil:
			event = *s.gone
		}
		return event != nil
	})
	if err == nil {
		s.update(func() {}) // there is room for a message
	}
	return event, err
}

// Send takes what the consumer says. A message waits for room as on a socket:
// until ctx ends.
func (s *session) Send(ctx context.Context, event parley.Event) error {
	if message, ok := event.(parley.WebSocketSend); ok {
		err := s.Offer(message)
		for err == parley.ErrFull {
			waited := s.until(ctx, nil, func() bool {
				err = s.offer(message)
				return err != parley.ErrFull
			})
			if waited != nil {
				return waited
			}
		}
		s.update(func() {})
		return err
	}
	var err error
	s.update(func() { err = s.take(event) })
	return err
}

// Offer makes the session a parley.Offerer.
func (s *session) Offer(message parley.WebSocketSend) (err error) {
	s.update(func() { err = s.offer(message) })
	return err
}

func (s *session) offer(message parley.WebSocketSend) error {
	kind, data := message.Payload()
	switch {
	case s.gone != nil:
		return parley.ErrDisconnected
	case s.accept == nil:
		return s.refuse(message, parley.ErrNotAccepted)
	case kind == parley.TextMessage && !utf8.Valid(data):
		return s.refuse(message, parley.ErrInvalidText)
	}
	if message.Prepared == nil {
		message.Data = slices.Clone(data) // the consumer's again when Send returns
	}
	if !s.out.put(message, &s.app.options) {
		return parley.ErrFull
	}
	return nil
}

// take takes what is no message. The caller holds mu.
func (s *session) take(event parley.Event) error {
	if s.gone != nil {
		return parley.ErrDisconnected
	}
	switch event := event.(type) {
	case parley.WebSocketAccept:
		if s.accept != nil {
			return s.refuse(event, parley.ErrAlreadyAccepted)
		}
		if event.Subprotocol != "" {
			return s.refuse(event, parley.ErrSubprotocolNotOffered)
		}
		s.accept = &event
	case parley.WebSocketDeny:
		return s.denied(event)
	case parley.WebSocketClose:
		if s.accept == nil {
			return s.denied(parley.WebSocketDeny{})
		}
		if event.Code == 0 {
			event.Code = parley.CloseNormal
		}
		if !event.Code.Sendable() {
			return s.refuse(event, parley.ErrInvalidCloseCode)
		}
		s.finish(parley.WebSocketDisconnect{Code: event.Code, Reason: event.Reason, Cause: parley.ErrClosed}, event)
	default:
		return s.refuse(event, parley.ErrUnexpectedEvent)
	}
	return nil
}

func (s *session) denied(deny parley.WebSocketDeny) error {
	if deny.Status == 0 {
		deny.Status = 403
	}
	switch {
	case s.accept != nil:
		return s.refuse(deny, parley.ErrAlreadyAccepted)
	case deny.Status < 200 || deny.Status > 599:
		return s.refuse(deny, parley.ErrInvalidStatus)
	}
	s.deny = &deny
	s.gone = &parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: parley.ErrClosed}
	return nil
}

func (s *session) refuse(event parley.Event, err error) error {
	state := "connecting"
	if s.accept != nil {
		state = "open"
	}
	return &parley.ProtocolError{State: state, Event: event.EventType(), Rule: "A7.session", Err: err}
}
