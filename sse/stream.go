package sse

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
	body  []byte

	mu        sync.Mutex // one event at a time
	ctx       context.Context
	heartbeat *time.Timer
	over      bool
}

// Start is the head of a stream: with header, if there is any, a Content-Type, and
// what keeps caches and proxies from holding the stream back.
func Start(header http.Header) parley.HTTPResponseStart {
	header = header.Clone()
	if header == nil {
		header = make(http.Header, 3)
	}
	header.Set("Content-Type", ContentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would wait for its buffer to fill
	return parley.HTTPResponseStart{Status: http.StatusOK, Header: header}
}

// Scope returns what is known of the request.
func (s *Stream) Scope() *parley.Scope { return s.scope }

// Body returns the request's body, which was read before the stream began.
func (s *Stream) Body() []byte { return s.body }

// LastEventID returns the ID of the last event that the client has seen, if it
// has been here before.
func (s *Stream) LastEventID() string { return s.scope.Request.Header.Get("Last-Event-ID") }

// Send sends an event and returns when the transport has taken it. The error is
// ErrInvalidEvent, or what the conn says.
func (s *Stream) Send(ctx context.Context, event Event) error {
	data, err := event.AppendText(nil)
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
	return s.write(ctx, AppendComment(nil, text))
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heartbeat = time.AfterFunc(interval, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.write(s.ctx, AppendComment(nil, "")) == nil {
			s.heartbeat.Reset(interval)
		}
	})
}

// end returns when nothing is written any more.
func (s *Stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.heartbeat.Stop()
}
