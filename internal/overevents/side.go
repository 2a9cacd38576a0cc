package overevents

import (
	"context"
	"net"
	"sync"
)

// side is one end of the pipe of a tunnel: it knows what was written to it, and how much
// its reader has done with.
type side struct {
	net.Conn

	mu    sync.Mutex
	taken int64         // bytes that were read
	done  int64         // those of them that came before the reader asked for more
	said  int64         // bytes that were written
	moved chan struct{} // closed when the reader asks; made by who waits
}

// Read reads what the other side has written.
func (s *side) Read(p []byte) (int, error) {
	s.ask()
	n, err := s.Conn.Read(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken += int64(n)
	return n, err
}

// ask notes that the reader wants more: it has done with what it has taken.
func (s *side) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = s.taken
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// Write returns when the other side has read all of it.
func (s *side) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said += int64(n)
	return n, err
}

// await waits until the reader of a side has done with all that the other has written by
// now. What comes meanwhile is not waited for: there may be no end to it.
func (s *side) await(ctx context.Context, other *side) error {
	for said := other.written(); ; {
		moved := s.movesOn(said)
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

// movesOn returns what is closed when the reader asks for more, or nil for one that has
// done with so many bytes.
func (s *side) movesOn(said int64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done >= said {
		return nil
	}
	if s.moved == nil {
		s.moved = make(chan struct{})
	}
	return s.moved
}
