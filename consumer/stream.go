package consumer

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley"
)

// Stream is a response of server-sent events. Its methods may be called from any
// goroutine until the function that serves it returns.
type Stream struct {
	scope *parley.Scope
	conn  parley.Conn

	mu        sync.Mutex // one event at a time
	ctx       context.Context
	heartbeat *time.Timer
	over      bool
}

// StreamOptions of a Stream.
type StreamOptions struct {
	// Heartbeat is the silence after which a comment is sent, which keeps
	// proxies from cutting the connection. Default 15 s; negative turns it off.
	Heartbeat time.Duration

	// Header is added to the response. A Content-Type and the headers that keep
	// caches and proxies from holding the stream back are set anyway.
	Header http.Header
}

// StreamFunc makes an App that answers GET requests with a stream of server-sent
// events for as long as serve runs. ctx ends when the client is lost. Returning
// ends the stream; a client made by EventSource reconnects then. Other methods
// are answered with 405, other protocols are refused with an
// *UnsupportedProtocolError.
func StreamFunc(serve func(ctx context.Context, stream *Stream) error, options StreamOptions) parley.App {
	get := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if err := conn.Send(ctx, streamStart(options.Header)); err != nil {
			return err
		}
		s := &Stream{scope: scope, conn: conn, ctx: ctx}
		if err := s.write(ctx, nil); err != nil { // brings the head to the client
			return err
		}
		s.beat(options.Heartbeat)
		defer s.end()
		if err := serve(ctx, s); err != nil {
			return err
		}
		s.end()
		return conn.Send(ctx, parley.HTTPResponseBody{})
	})
	return Methods{Get: get}
}

// streamStart is the head of a stream.
func streamStart(extra http.Header) parley.HTTPResponseStart {
	header := extra.Clone()
	if header == nil {
		header = make(http.Header, 3)
	}
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would wait for its buffer to fill
	return parley.HTTPResponseStart{Status: http.StatusOK, Header: header}
}

// Scope returns what is known of the request.
func (s *Stream) Scope() *parley.Scope { return s.scope }

// LastEventID returns the ID of the last event that the client has seen, if it
// has been here before.
func (s *Stream) LastEventID() string { return s.scope.Request.Header.Get("Last-Event-ID") }

// Send sends an event and returns when the transport has taken it. The error is
// ErrInvalidEvent, or what the conn says.
func (s *Stream) Send(ctx context.Context, event StreamEvent) error {
	data, err := appendEvent(nil, event)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, data)
}

// Comment sends lines that clients ignore.
func (s *Stream) Comment(ctx context.Context, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(ctx, appendComment(nil, text))
}

// write sends bytes of the stream. The caller holds mu once others may write.
func (s *Stream) write(ctx context.Context, data []byte) error {
	if s.over {
		return parley.ErrClosed
	}
	return s.conn.Send(ctx, parley.HTTPResponseBody{Body: data, More: true})
}

// beat starts the heartbeat.
func (s *Stream) beat(interval time.Duration) {
	if interval == 0 {
		interval = defaultHeartbeat
	}
	if interval < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heartbeat = time.AfterFunc(interval, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.write(s.ctx, heartbeat) == nil {
			s.heartbeat.Reset(interval)
		}
	})
}

var heartbeat = appendComment(nil, "")

const defaultHeartbeat = 15 * time.Second

// end returns when nothing is written any more.
func (s *Stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.heartbeat != nil {
		s.heartbeat.Stop()
	}
}
