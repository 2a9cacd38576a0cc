package fallback

import (
	"context"
	"net/http"
	"slices"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Receive gives the app the handshake, the client's messages, and for ever the
// end.
func (s *session) Receive(ctx context.Context) (event parley.Event, err error) {
	err = s.until(ctx, nil, func() bool {
		switch {
		case !s.connected:
			s.connected, event = true, parley.WebSocketConnect{}
		case s.in.waiting():
			event = s.in.take()
			s.wake() // there is room for a message
		case s.gone != nil:
			event = *s.gone
		}
		return event != nil
	})
	return event, err
}

// Send takes what the app says. A message waits for room as on a socket: until ctx
// ends.
func (s *session) Send(ctx context.Context, event parley.Event) (err error) {
	switch event := event.(type) {
	case parley.WebSocketSend:
		return s.sendMessage(ctx, event)
	case parley.WebSocketResponseBody:
		return s.sendDenial(ctx, event)
	}
	s.update(func() { err = s.take(event) })
	return err
}

func (s *session) sendMessage(ctx context.Context, message parley.WebSocketSend) error {
	message = kept(message)
	var err error
	waited := s.until(ctx, nil, func() bool {
		err = s.offer(message)
		return err != parley.ErrFull
	})
	if waited != nil {
		return waited
	}
	return err
}

// Offer makes the session a parley.Offerer.
func (s *session) Offer(message parley.WebSocketSend) error {
	message = kept(message)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offer(message)
}

// kept is a message that stays as it is when the app has its bytes again.
func kept(message parley.WebSocketSend) parley.WebSocketSend {
	if message.Prepared == nil {
		message.Data = slices.Clone(message.Data)
	}
	return message
}

func (s *session) offer(message parley.WebSocketSend) error {
	if err := s.order.Send(message); err != nil {
		return err
	}
	if !s.out.put(message, &s.app.options, s.app.hasRoom) {
		return parley.ErrFull
	}
	s.app.counters.sent.Add(1)
	s.facts.messagesOut++
	s.facts.bytesOut += uint64(costOf(message) - messageCost)
	s.wake()
	return nil
}

// take takes what is no message, and never waits. The caller holds mu.
func (s *session) take(event parley.Event) error {
	switch event := event.(type) {
	case parley.WebSocketAccept:
		return s.accepted(event)
	case parley.WebSocketClose:
		return s.close(event)
	case parley.WebSocketDeny:
		event, err := s.order.Deny(event)
		if err == nil {
			s.deniedWith(event)
		}
		return err
	case parley.WebSocketResponseStart:
		if err := s.order.ResponseStart(event); err != nil {
			return err
		}
		s.denial = denial{begun: true, status: event.Status, header: event.Header.Clone()}
		return nil
	}
	return s.order.Unknown(event)
}

func (s *session) accepted(accept parley.WebSocketAccept) error {
	before := s.order
	if err := s.order.Accept(accept, s.scope.Subprotocols); err != nil {
		return err
	}
	if s.verdict != nil && !s.verdict.Allowed() {
		s.order = before
		s.finish(parley.WebSocketDisconnect{Code: parley.CloseAbnormal, Cause: errForeignPage}, nil)
		return parley.ErrDisconnected
	}
	accept.Header = accept.Header.Clone()
	s.accept = &accept
	s.app.counters.accepted.Add(1)
	return nil
}

func (s *session) close(event parley.WebSocketClose) error {
	event, closing, err := s.order.Close(event)
	switch closing {
	case protocol.CloseFrame:
		how := parley.WebSocketDisconnect{Code: event.Code, Reason: event.Reason, Cause: parley.ErrClosed}
		s.finish(how, &goodbye{Code: event.Code, Reason: event.Reason})
	case protocol.CloseDenies:
		s.deniedWith(parley.WebSocketDeny{Status: http.StatusForbidden})
	}
	return err
}
