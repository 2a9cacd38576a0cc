package fallback

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/meter"
)

// memory is what the sessions of an App hold together, in bytes: the heads of their
// handshakes, and messages on their way in and out.
type memory struct {
	limit int64
	used  atomic.Int64
	swept atomic.Int64 // when room was made last (meter.Now)
}

// sweepPause is how long nobody looks through all sessions for room again.
const sweepPause = 100 * time.Millisecond

// reserve takes bytes if there are any. Whoever has them gives them back.
func (a *App) reserve(bytes int) bool {
	if a.memory.take(bytes) {
		return true
	}
	return a.makeRoom() && a.memory.take(bytes)
}

func (m *memory) take(bytes int) bool {
	if m.used.Add(int64(bytes)) <= m.limit {
		return true
	}
	m.used.Add(-int64(bytes))
	return false
}

func (m *memory) give(bytes int) { m.used.Add(-int64(bytes)) }

// reservation is a conn that takes room for the body of a request as that comes in.
type reservation struct {
	parley.Conn
	app  *App
	held int
}

// Receive returns the next part, if there is room for it.
func (r *reservation) Receive(ctx context.Context) (parley.Event, error) {
	event, err := r.Conn.Receive(ctx)
	if part, ok := event.(parley.HTTPRequest); ok {
		if !r.app.reserve(len(part.Body)) {
			return nil, errNoMemory
		}
		r.held += len(part.Body)
	}
	return event, err
}

func (r *reservation) giveBack() { r.app.memory.give(r.held) }

func (m *memory) hasRoom(bytes int) bool { return m.used.Load()+int64(bytes) <= m.limit }

// hasRoom reports whether the sessions may hold so much more.
func (a *App) hasRoom(bytes int) bool {
	return a.memory.hasRoom(bytes) || a.makeRoom() && a.memory.hasRoom(bytes)
}

// makeRoom has all sessions forget the messages that their clients have, on their way
// at least: they are kept for those that lose their stream, where nothing needs the
// room. It passes by sessions that are at work, the caller's own among them.
func (a *App) makeRoom() bool {
	now, last := int64(meter.Now()), a.memory.swept.Load()
	if last != 0 && now-last < int64(sweepPause) || !a.memory.swept.CompareAndSwap(last, now) {
		return false
	}
	for _, s := range a.sessions.all() {
		if s.mu.TryLock() {
			s.out.forget()
			s.weigh()
			s.mu.Unlock()
		}
	}
	return true
}

// weigh accounts for what the session holds now. The caller holds mu.
func (s *session) weigh() {
	held := s.head + s.in.bytes + s.out.held
	if s.freed {
		held = 0
	}
	if held != s.weight {
		s.app.memory.used.Add(int64(held - s.weight))
		s.weight = held
	}
}

// free is the end of a session that nobody asks for any more.
func (s *session) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.freed = true
	s.weigh()
}

// heldBy is what a message takes of the memory of all. A prepared one is shared by
// those who wait for it.
func heldBy(message parley.WebSocketSend) int {
	if message.Prepared != nil {
		return messageCost
	}
	return costOf(message)
}
