package fallback

import (
	"iter"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

// facts are what is kept of a session for who looks on.
type facts struct {
	number uint64
	begun  time.Time
	path   string // of the request that opened it
	client string
	badge  census.Badge

	messagesIn, bytesIn   uint64 // guarded by the session's mu
	messagesOut, bytesOut uint64
}

// Badge implements census.Wearer.
func (s *session) Badge() *census.Badge { return &s.facts.badge }

// learn is called before others can see the session.
func (s *session) learn() {
	s.facts.number, s.facts.begun = census.Number(), time.Now()
	if pattern := s.scope.Request.Pattern; pattern != "" {
		s.facts.badge.SetRoute(&pattern)
	}
	if s.owner.subject != "" {
		s.facts.badge.SetUser(&s.owner.subject)
	}
	s.facts.path, s.facts.client = s.scope.Request.RequestURI, s.scope.Request.RemoteAddr
	if s.facts.path == "" {
		s.facts.path = s.scope.Request.URL.Path
	}
}

func (s *session) describe() parley.Conversation {
	route, user := s.facts.badge.Read()
	s.mu.Lock()
	defer s.mu.Unlock()
	return parley.Conversation{
		ID: s.facts.number, Protocol: parley.WebSocket, Transport: "fallback", Route: route, User: user,
		Path: census.Path(s.facts.path), Client: census.Clip(s.facts.client), Begun: s.facts.begun,
		Open:   s.accept != nil,
		Queued: len(s.out.list), QueuedBytes: s.out.bytes, Unread: len(s.in.list),
		MessagesIn: s.facts.messagesIn, BytesIn: s.facts.bytesIn,
		MessagesOut: s.facts.messagesOut, BytesOut: s.facts.bytesOut,
	}
}

// Conversations returns the fallback sessions whose app has not returned. To their
// gateway the streams and polls that carry them are conversations of their own.
func (a *App) Conversations() iter.Seq[parley.Conversation] {
	return func(yield func(parley.Conversation) bool) {
		for _, s := range a.sessions.all() {
			if !yield(s.describe()) {
				return
			}
		}
	}
}

// End ends one of the Conversations for cause, as an operator does: its client is
// told the code that goes with it (parley.CodeOf). parley.ErrKicked says 1008, which
// tells a client to stay away. It reports whether there was such a session.
func (a *App) End(id uint64, cause error) bool {
	if cause == nil {
		panic("fallback: End without a cause")
	}
	for _, s := range a.sessions.all() {
		if s.facts.number == id {
			s.fail(cause)
			return true
		}
	}
	return false
}

// Endings returns how the last sessions have ended, the youngest first, and no more
// than 64.
func (a *App) Endings() []parley.Ending { return a.endings.Latest() }

// remember keeps how a session has ended whose app has returned.
func (s *session) remember() {
	s.mu.Lock()
	how := *s.gone
	s.mu.Unlock()
	s.app.endings.Add(parley.Ending{
		Conversation: s.describe(), Ended: time.Now(), Code: how.Code, Cause: how.Cause,
	})
}
