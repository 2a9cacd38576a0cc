package channel

import (
	"sync"
	"time"
)

// shelves are the logs of a layer that is alone. A log that nobody uses is let go of
// when all in it is too old and nothing has come for a while: who comes back then is
// told of a gap.
type shelves struct {
	mu    sync.Mutex
	logs  map[Group]*shelved
	calls int
}

type shelved struct {
	*kept
	users int // memberships and calls
}

const (
	shelfLife  = time.Hour // of a log that is empty
	shelfSweep = 1000      // calls from one sweep to the next
)

// hold returns the reader of a group, which stays until release.
func (s *shelves) hold(l *Layer, group Group, keep Keep) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls%shelfSweep == 0 {
		s.sweep()
	}
	k := s.logs[group]
	if k == nil {
		log := &memoryShelf{epoch: newID()}
		k = &shelved{kept: l.newKept(group, keep, log)}
		k.start(Position{log.epoch, 0})
		if s.logs == nil {
			s.logs = make(map[Group]*shelved)
		}
		s.logs[group] = k
	}
	k.users++
	return k.kept
}

func (s *shelves) release(group Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.logs[group]; k != nil {
		k.users--
	}
}

// sweep is called with mu held.
func (s *shelves) sweep() {
	for group, k := range s.logs {
		idle := k.shelf.(*memoryShelf).idle()
		if k.users == 0 && idle > shelfLife && idle > k.keep.Age {
			s.drop(group, k)
		}
	}
}

// flush forgets all that nobody uses.
func (s *shelves) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for group, k := range s.logs {
		if k.users == 0 {
			s.drop(group, k)
		}
	}
}

func (s *shelves) drop(group Group, k *shelved) {
	k.stop()
	delete(s.logs, group)
}

// now returns the reader of a group that has a log.
func (s *shelves) now(group Group) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.logs[group]; k != nil {
		return k.kept
	}
	return nil
}
