package overevents

import (
	"context"
	"net"
	"sync"
)

// side is one end of the pipe of a tunnel: it knows what was written to it, and whether
// its reader waits for more.
type side struct {
	net.Conn

	mu     sync.Mutex
	asking bool
	taken  int64         // bytes that were read
	said   int64         // bytes that were written
	moved  chan struct{} // closed when one of these changes; made by who waits
}

// Read reads what the other side has written.
func (s *side) Read(p []byte) (int, error) {
	s.note(func() { s.asking = true })
	n, err := s.Conn.Read(p)
	s.note(func() { s.asking, s.taken = false, s.taken+int64(n) })
	return n, err
}

// Write returns when the other side has read all of it.
func (s *side) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.note(func() { s.said += int64(n) })
	return n, err
}

func (s *side) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// await waits until the reader of a side has taken all that the other has written, and
// wants more.
func (s *side) await(ctx context.Context, other *side) error {
	for {
		moved := s.movesOn(other.written())
		if moved == nil {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *side) written() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said
}

// movesOn returns what is closed when something has changed, or nil for a reader that has
// nothing left of so many bytes.
func (s *side) movesOn(said int64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking && s.taken >= said {
		return nil
	}
	if s.moved == nil {
		s.moved = make(chan struct{})
	}
	return s.moved
}
