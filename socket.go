package parley

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
)

// WebSocketFunc makes an App of a function that drives one WebSocket. The
// handshake has arrived when it is called; the function answers it with Accept,
// Deny or Close. Returning ends the socket as for any App: nil closes with
// 1000, an error with the code CodeOf gives it. Other protocols are refused with
// an *UnsupportedProtocolError. WebSocketFunc panics if serve is nil.
func WebSocketFunc(serve func(ctx context.Context, ws *Socket) error) App {
	if serve == nil {
		panic("parley: WebSocketFunc of a nil function")
	}
	return &webSocketFunc{serve}
}

// webSocketFunc is a struct, and no AppFunc, for its own Serve is all that stands
// between an adapter and the function on the stack of an idle socket.
type webSocketFunc struct {
	serve func(ctx context.Context, ws *Socket) error
}

// Serve calls the function when the handshake has arrived.
func (f *webSocketFunc) Serve(ctx context.Context, scope *Scope, conn Conn) error {
	if scope.Protocol != WebSocket {
		return &UnsupportedProtocolError{Protocol: scope.Protocol, Served: WebSocket}
	}
	if err := AwaitConnect(ctx, conn); err != nil {
		return err
	}
	ws := &Socket{scope: scope, conn: conn}
	ws.buffered, _ = conn.(BufferReceiver)
	return f.serve(ctx, ws)
}

// Socket is a WebSocket conversation without event names. One Read runs at a
// time; everything else may run beside it and beside each other.
type Socket struct {
	scope    *Scope
	conn     Conn
	buffered BufferReceiver // conn, if it is one

	answered atomic.Bool // the handshake is, or may be
}

// Scope returns the handshake's scope.
func (s *Socket) Scope() *Scope { return s.scope }

// Conn returns the conversation underneath.
func (s *Socket) Conn() Conn {
	s.answered.Store(true) // perhaps by its own events
	return s.conn
}

// Accept completes the handshake.
func (s *Socket) Accept(ctx context.Context, accept WebSocketAccept) error {
	return s.answer(ctx, accept)
}

// Deny answers the handshake with a plain HTTP response instead.
func (s *Socket) Deny(ctx context.Context, deny WebSocketDeny) error {
	return s.answer(ctx, deny)
}

func (s *Socket) answer(ctx context.Context, event Event) error {
	err := s.conn.Send(ctx, event)
	if err == nil || errors.Is(err, ErrDisconnected) {
		s.answered.Store(true)
	}
	return err
}

// Read waits for the next message. When the socket is over it returns an error
// that is ErrDisconnected: a *CloseError if the peer said goodbye, else one that
// wraps the cause. Returning that error from the app is a clean end. Before Accept
// there is nothing to read: that is ErrNotAccepted, at once.
//
//parley:noescape
func (s *Socket) Read(ctx context.Context) (WebSocketReceive, error) {
	if err := s.readable(); err != nil {
		return WebSocketReceive{}, err
	}
	if s.buffered != nil {
		return s.buffered.ReceiveInto(ctx, nil) // without an event
	}
	return s.readEvent(ctx)
}

func (s *Socket) readEvent(ctx context.Context) (WebSocketReceive, error) {
	event, err := s.conn.Receive(ctx)
	if err != nil {
		return WebSocketReceive{}, err
	}
	if message, ok := event.(WebSocketReceive); ok {
		return message, nil
	}
	return WebSocketReceive{}, Unexpected(event)
}

func (s *Socket) readable() error {
	if !s.answered.Load() {
		return fmt.Errorf("parley: Read before Accept: %w", ErrNotAccepted)
	}
	return nil
}

// ReadJSON reads the next message and decodes it into value. A message that
// cannot be decoded is an error that is ErrInvalidPayload, so that returning it
// closes with 1007.
func (s *Socket) ReadJSON(ctx context.Context, value any) error {
	message, err := s.Read(ctx)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(message.Data, value); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidPayload, err)
	}
	return nil
}

// Write sends one message; see Text and Binary. It returns when the transport
// has taken it.
func (s *Socket) Write(ctx context.Context, message WebSocketSend) error {
	return SendMessage(ctx, s.conn, message)
}

// WriteJSON sends value as a text message.
func (s *Socket) WriteJSON(ctx context.Context, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("parley: encoding message: %w", err)
	}
	return SendMessage(ctx, s.conn, WebSocketSend{Data: data})
}

// Close says goodbye with code (zero means 1000) and reason. What was sent before
// is delivered first.
func (s *Socket) Close(ctx context.Context, code CloseCode, reason string) error {
	return s.answer(ctx, WebSocketClose{Code: code, Reason: reason})
}
