package fallback

import (
	"sync"
	"time"
)

// seldom lets one line pass into the log in a while: whoever knocks must not fill
// it.
type seldom struct {
	mu   sync.Mutex
	next time.Time
}

const seldomPause = 10 * time.Second

func (s *seldom) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(seldomPause)
	return true
}
