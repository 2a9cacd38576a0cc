package parley

import "context"

// BufferReceiver is a Conn of an open WebSocket that can receive into bytes of the
// app's own. Receive hands out bytes that stay the app's for ever, new ones for
// each message; an app that is done with a message before it receives the next can
// do with the same.
//
// ReceiveInto is Receive for messages. What it returns is in buffer if the message
// fits and nothing stands in the way, such as that it was read ahead or came
// compressed, and in new bytes otherwise. The end of the conversation is an error,
// which Unexpected makes of the disconnect event.
//
// A conn that wraps another has it only if it adds nothing to Receive.
type BufferReceiver interface {
	ReceiveInto(ctx context.Context, buffer []byte) (WebSocketReceive, error)
}

// Lender is a Conn of an open WebSocket that can lend messages: ReceiveLent is Receive
// for messages, whose bytes are the app's until it receives again, and no longer.
// Nothing is copied or allocated for a message that comes in one piece. The end of the
// conversation is an error, which Unexpected makes of the disconnect event.
//
// A conn that wraps another has it only if it adds nothing to Receive.
type Lender interface {
	ReceiveLent(ctx context.Context) (WebSocketReceive, error)
}

// ReadLent is Read for apps that are done with a message before they read the next:
// its bytes are theirs until then, and no longer; see Lender. They may be changed.
func (s *Socket) ReadLent(ctx context.Context) (WebSocketReceive, error) {
	if err := s.readable(); err != nil {
		return WebSocketReceive{}, err
	}
	if conn, ok := s.conn.(Lender); ok {
		return conn.ReceiveLent(ctx)
	}
	return s.Read(ctx)
}

// ReadInto is Read that puts the message into buffer where that can be done; see
// BufferReceiver. Its bytes are the message's until buffer is used again.
func (s *Socket) ReadInto(ctx context.Context, buffer []byte) (WebSocketReceive, error) {
	if err := s.readable(); err != nil {
		return WebSocketReceive{}, err
	}
	if s.buffered != nil {
		return s.buffered.ReceiveInto(ctx, buffer)
	}
	return s.Read(ctx)
}
